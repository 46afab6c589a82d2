"""Every kind of bad YAML gives one ConfigError with its place, what was found, what is allowed, the nearest name."""
# ruff: noqa: E501 - one row of the table is one line

from pathlib import Path
from typing import NamedTuple

import pytest
from config_samples import DRAM, PLATFORM, Write

from simulator.config.base_schema import Spec
from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.config.platform_schema import Platform
from simulator.config.workload_schema import Scenario
from simulator.errors import ConfigError, ConfigErrors

SCENARIO = """\
model: llama2_7b
description: a job
batch: 1
prompt_tokens: 512
output_tokens: 64
precision: {weights: fp16, activations: fp16, kv_cache: fp16}
"""

MODELS: dict[str, tuple[str, type[Spec]]] = {
    "platform": (PLATFORM, Platform),
    "dram": (DRAM, Dram),
    "workload": (SCENARIO, Scenario),
}


class Bad(NamedTuple):
    """A valid document of ``kind`` with ``old`` replaced by ``new``: where the error is, and what its text holds."""

    rule: str
    kind: str
    old: str
    new: str
    place: str
    parts: tuple[str, ...]


BAD = [
    # Text that is not YAML, or not the YAML that we read
    Bad("a list as document", "platform", PLATFORM, "- 1\n", "1:1", ("a document is a mapping",)),
    Bad("a scalar as document", "platform", PLATFORM, "hello\n", "1:1", ("a document is a mapping",)),
    Bad("an empty document", "platform", PLATFORM, "", "1:1", ("the document is empty",)),
    Bad("only comments", "platform", PLATFORM, "# nothing\n", "1:1", ("the document is empty",)),
    Bad("an open bracket", "platform", "{depth: 2}}", "{depth: 2", "14:7", ("not valid YAML",)),
    Bad("a tab as indent", "platform", "    channels", "\tchannels", "9:1", ("not valid YAML", "tab")),
    Bad("two documents", "platform", "layout:", "---\nlayout:", "14:1", ("not valid YAML", "document")),
    Bad("a key twice", "platform", "name: sample", "kind: platform", "2:1", ("'kind' occurs twice", "line 1")),
    Bad("a merge key", "platform", "    channels: 32", "    <<: {channels: 1}", "9:5", ("'extends' or 'use'",)),
    Bad("a tag", "platform", "channels: 32", "channels: !!python/none 3", "9:15", ("python/none", "not supported")),
    Bad("a number as key", "platform", "channels: 32", "8: 32", "9:5", ("the key '8' is not text", "quotes")),
    Bad("a list as key", "platform", "channels: 32", "[a]: 32", "9:5", ("a key must be text",)),
    Bad("an unknown anchor", "platform", "channels: 32", "channels: *many", "9:15", ("undefined alias",)),
    Bad("an anchor in itself", "platform", "{depth: 2}", "&a {depth: *a}", "13:41", ("contains itself",)),
    Bad("a control character", "platform", "a platform", "a \x07 platform", "3:16", ("'\\x07'", "not allowed")),
    Bad("an endless number", "platform", "channels: 32", "channels: " + "9" * 2000, "9:15", ("2000 digits",)),
    # Keys and types
    Bad("an unknown key", "platform", "layout:", "layuot:", "14:1", ("unknown key 'layuot'", "nearest: 'layout'")),
    Bad("a missing key", "platform", "layout: row_major\n", "", "1:1", ("layout: the key 'layout' is missing",)),
    Bad("an unknown key deep down", "platform", "channels:", "chanels:", "9:5", ("components.memory.chanels", "'channels'")),
    Bad("a missing key deep down", "platform", "    channels: 32\n", "", "7:3", ("components.memory.channels", "missing")),
    Bad("a word as number", "platform", "32", "eight", "9:5", ("'eight' is not a whole number (allowed: 1..4096)",)),
    Bad("a fraction as whole number", "platform", "32", "1.5", "9:5", ("'1.5' is not a whole number",)),
    Bad("a truth value as number", "platform", "32", "true", "9:5", ("true is not a whole number",)),
    Bad("a number in quotes", "platform", "32", "'32'", "9:5", ("'32' is not a whole number",)),
    Bad("nothing as number", "platform", "channels: 32", "channels:", "9:5", ("nothing is not a whole number",)),
    Bad("a number as text", "platform", "row_major", "7", "14:1", ("'7' is not text",)),
    Bad("a list as mapping", "platform", "{policy: near_bank, options: {depth: 2}}", "[1]", "13:1", ("a list is not a mapping",)),
    Bad("a mapping as number", "platform", "32", "{a: 1}", "9:5", ("a mapping is not a whole number",)),
    Bad("out of range", "platform", "32", "5000", "9:5", ("5000 is out of range (allowed: 1..4096)",)),
    Bad("out of range in a list", "platform", "64", "4", "12:10", ("ports[0].width_bits", "8..1024")),
    Bad("not one of the values", "platform", "family: pim", "family: pin", "4:1", ("'pin' is not one of", "nearest: 'pim'")),
    Bad("a bad unit", "platform", "3.9ns", "3.9nm", "12:26", ("'nm' is not a unit of a time", "ps, ns, us")),
    Bad("no quantity", "platform", "16GiB", "much", "10:5", ("'much' is not a size", "GiB")),
    Bad("a fraction of a byte", "platform", "16GiB", "1.5B", "10:5", ("not a whole number of bytes",)),
    Bad("a negative size", "platform", "16GiB", "-16GiB", "10:5", ("out of range (allowed: at least 0)",)),
    Bad("no component", "platform", "components:", "components: {}\nplugins: []\nx:", "6:1", ("at least 1",)),
    Bad("an unknown component kind", "platform", "test_memory", "test_memry", "8:5", ("memory.kind", "nearest: 'test_memory'",)),
    Bad("a component without kind", "platform", "    kind: test_memory\n", "", "7:3", ("the key 'kind' is missing",)),
    Bad("a component that is a number", "platform", "components:", "components:\n  host: 3", "7:3", ("'3' is not a mapping",)),
    Bad("an infinite number", "dram", "mw: 66", "mw: .inf", "39:3", ("inf is not a finite number",)),
    # Documents that name others
    Bad("another kind", "platform", "kind: platform", "kind: dram", "1:1", ("is a dram, not a platform",)),
    Bad("no kind", "platform", "kind: platform\n", "", "1:1", ("the key 'kind' is missing (allowed: platform)",)),
    Bad("extends nothing known", "dram", "kind: dram", "extends: hbm2_2.0gg", "1:1", ("nearest: 'hbm2_2.0g'",)),
    Bad("uses nothing known", "platform", "channels: 32", "use: gddr6_aimm", "9:5", ("memory.use", "nearest: 'gddr6_aim'")),
    Bad("extends no name", "platform", "name: sample", "extends: [a]", "2:1", ("the name of a document is needed",)),
    Bad("extends and uses", "platform", "name: sample", "use: a\nextends: b", "2:1", ("either 'extends' or 'use'",)),
    Bad("a missing plug-in", "platform", "layout:", "plugins: [no_such]\nlayout:", "14:11", ("plugins[0]", "no_such")),
    # Standards that contradict themselves
    Bad("an unknown timing", "dram", "gap: nRCD}", "gap: nRCDX}", "29:46", ("no timing 'nRCDX'", "nearest: 'nRCD'")),
    Bad("no expression", "dram", "latency: nRFC", "latency: nRFC +", "27:55", ("is not an expression", "allowed")),
    Bad("a call in an expression", "dram", "latency: nRFC", "latency: open('x')", "27:55", ("not allowed",)),
    Bad("a negative latency", "dram", "latency: nRFC", "latency: 1 - 2", "27:55", ("'1 - 2' is -1",)),
    Bad("an unknown command in a row", "dram", "[RD, WR]", "[RD, WRX]", "29:41", ("no command 'WRX'", "nearest: 'WR'")),
    Bad("an unknown level in a row", "dram", "{level: channel", "{level: chanel", "30:6", ("nearest: 'channel'",)),
    Bad("an unknown scope", "dram", "PREpb: {scope: bank", "PREpb: {scope: bnk", "23:11", ("nearest: 'bank'",)),
    Bad("a row finer than its command", "dram", "from: [ACT], to: [RD", "from: [REFab], to: [RD", "29:26", ("finer than the scope",)),
    Bad("an unknown opener", "dram", "row: open, opener: ACT, closer: PREpb, data: r", "row: open, opener: ATC, closer: PREpb, data: r",
        "25:32", ("no command 'ATC'", "nearest: 'ACT'")),
    Bad("no opener", "dram", "row: open, opener: ACT, closer: PREpb, data: r", "row: open, closer: PREpb, data: r",
        "25:3", ("'RD' needs the key 'opener'",)),
    Bad("no closer", "dram", "row: closed, opens: true, closer: PREpb", "row: closed, opens: true", "22:3", ("'closer'",)),
    Bad("an opener that does not open", "dram", "opener: ACT, closer: PREpb, data: r", "opener: PREab, closer: PREpb, data: r",
        "25:32", ("does not say opens: true",)),
    Bad("data without latency", "dram", "data: read, latency: nRCD + 2", "data: read", "25:60", ("needs a latency",)),
    Bad("a window that is never open", "dram", "opens: true, c", "opens: true, activations: 5, c", "30:57", ("impossible",)),
    Bad("the bank is not the last level", "dram", "{bankgroup: 2, bank: 2}", "{bank: 2, bankgroup: 2}", "7:3", ("must be 'bank'",)),
    Bad("no level", "dram", "{bankgroup: 2, bank: 2}", "{}", "7:3", ("there is no level",)),
    Bad("rows of broken bursts", "dram", "row_bytes: 1024", "row_bytes: 1000", "9:3", ("impossible geometry", "1000")),
    Bad("bursts faster than pins", "dram", "nFAW: 15", "nFAW: 15\n  nBL: 1", "12:3", ("64 pins take 2000 ps for 32 bytes", "nBL x tCK_ps are 1000 ps")),
    Bad("bursts of broken beats", "dram", "data_pins: 64", "data_pins: 48", "10:3", ("impossible geometry", "48 pins")),
    Bad("a timing of no kind", "dram", "nRP: 14", "tRP: 14", "16:3", ("n... (in clocks) or t..._ps", "'tRP'")),
    Bad("a timing given twice", "dram", "nRP: 14", "tRCD_ps: 14000", "16:3", ("the same timing",)),
    Bad("a negative timing", "dram", "nRP: 14", "nRP: -1", "16:3", ("-1 is out of range",)),
    Bad("refresh without period", "dram", "  tREFI_ps: 3900000\n", "", "34:3", ("needs the timing nREFI",)),
    Bad("refresh without command", "dram", ", refreshes: true", "", "35:3", ("refreshes: true",)),
    Bad("an unknown mode switch", "dram", "refresh: REFab", "refresh: none\n  mode_switch: TMOD", "36:3", ("'TMOD'",)),
    Bad("register mode without switch", "dram", "{scope: channel, closes", "{scope: channel, mode: register, closes", "24:27",
        ("mode_switch",)),
    Bad("no way to close all banks", "dram", "PREab: {scope: channel", "PREab: {scope: bankgroup", "21:1", ("closes all banks",)),
    Bad("an address without a level", "dram", "RoBaBgCoCh", "RoBaCoCh", "36:3", ("lacks Bg",)),
    Bad("an address with a strange field", "dram", "RoBaBgCoCh", "RoBaBgCoChXx", "36:3", ("'Xx'", "allowed: Ro, Co")),
    Bad("an address field twice", "dram", "RoBaBgCoCh", "RoBaBgCoChRo", "36:3", ("'Ro' occurs more than once",)),
    Bad("energy of an unknown command", "dram", "    ACT: {array", "    ACTT: {array", "42:5", ("nearest: 'ACT'",)),
    Bad("a drain that never ends", "dram", "low: 0.2", "low: 0.9", "34:17", ("low lies above high",)),
    Bad("closed pages without twins", "dram", "  read_queue: 32", "  read_queue: 32\n  page_policy: closed", "33:3",
        ("auto_precharge_of: RD",)),
    Bad("no RD", "dram", "  RD: {", "  RDX: {", "21:1", ("the command 'RD' is missing",)),
    # Workloads
    Bad("an optimisation", "workload", "batch: 1", "batch: 1\noptimizations: {fusion: {}}", "4:17", ("no optimization 'fusion'",)),
    Bad("a format", "workload", "weights: fp16", "weights: fp61", "6:13", ("'fp61' is not one of", "nearest: 'fp16'")),
    Bad("a batch of none", "workload", "batch: 1", "batch: 0", "3:1", ("0 is out of range (allowed: 1..65536)",)),
]  # fmt: skip


def lines_of(error: ConfigError) -> list[str]:
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    return [str(one) for one in errors]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.rule.replace(" ", "_"))
def test_bad_yaml_is_one_line_with_its_place(bad: Bad, write: Write) -> None:
    text, model = MODELS[bad.kind]
    assert bad.old in text
    write("bad.yaml", text.replace(bad.old, bad.new, 1))
    with pytest.raises(ConfigError) as caught:
        build(load_document("bad.yaml", expected_kind=bad.kind), model)
    lines = lines_of(caught.value)
    matching = [
        line for line in lines if line.startswith(f"bad.yaml:{bad.place}: ") and all(p in line for p in bad.parts)
    ]
    assert matching, lines
    assert "\n" not in matching[0]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", MODELS)
def test_the_samples_are_valid(kind: str, write: Write) -> None:
    text, model = MODELS[kind]
    write("good.yaml", text)
    assert isinstance(build(load_document("good.yaml", expected_kind=kind), model), model)


def test_all_faults_of_a_document_come_at_once(write: Write) -> None:
    write("bad.yaml", PLATFORM.replace("32", "eight").replace("16GiB", "much").replace("layout", "layuot"))
    with pytest.raises(ConfigErrors) as caught:
        build(load_document("bad.yaml"), Platform)
    assert [error.line for error in caught.value.errors] == [9, 10, 1, 14]
    assert str(caught.value).count("\n") == 3


def test_a_missing_file_names_the_nearest(write: Write) -> None:
    write("sample.yaml", PLATFORM)
    with pytest.raises(ConfigError, match=r"^sampel\.yaml: there is no such file; nearest: 'sample\.yaml'$"):
        load_document("sampel.yaml")


def test_a_directory_is_no_document(write: Write) -> None:
    write("folder.yaml/x.txt", "")
    with pytest.raises(ConfigError, match=r"^folder\.yaml: is a directory"):
        load_document("folder.yaml")


def test_a_file_that_is_not_utf8_names_the_byte(write: Write) -> None:
    write("bad.yaml", "").write_bytes(b"kind: dram\nname: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"^bad\.yaml:2:10: not UTF-8: byte 0xe9"):
        load_document("bad.yaml")


def test_nesting_without_end_is_an_error(write: Write) -> None:
    write("deep.yaml", "a: " + "[" * 500)
    with pytest.raises(ConfigError, match=r"^deep\.yaml:1:67: nested too deeply"):
        load_document("deep.yaml")
    write("deep.yaml", "a: " + "[" * 100_000)
    with pytest.raises(ConfigError, match=r"^deep\.yaml:1:\d+: nested too deeply \(allowed: 64 levels\)$"):
        load_document("deep.yaml")


def test_an_unreadable_name_is_an_error() -> None:
    with pytest.raises(ConfigError, match="a name or a path is needed"):
        load_document("")


def test_a_plugin_that_fails_is_one_line(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write("broken_plugin_of_the_tests.py", "raise RuntimeError('first line\\nsecond line')\n")
    write("bad.yaml", PLATFORM + "plugins: [broken_plugin_of_the_tests]\n")
    with pytest.raises(ConfigError) as caught:
        load_document("bad.yaml")
    assert str(caught.value) == (
        "bad.yaml:15:11: plugins[0]: the plug-in 'broken_plugin_of_the_tests' cannot be imported: RuntimeError: first line"
    )
