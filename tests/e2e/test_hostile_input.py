"""Whatever a user feeds the command line, it answers with one line and the exit code that says what happened."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Nearbank = Callable[..., Any]

WORKLOAD = """kind: workload
model: tiny.json
batch: 1
prompt_tokens: 4
output_tokens: 2
precision: {weights: fp16, activations: fp16, kv_cache: fp16}
"""


def but(old: str, new: str) -> str:
    """The workload with a fault."""
    assert old in WORKLOAD
    return WORKLOAD.replace(old, new)


TINY = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 1,
    "num_attention_heads": 4, "vocab_size": 512, "max_position_embeddings": 64,
}  # fmt: skip
BOMB = "a: &a [x]\n" + "".join(
    f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)
)
LOG_HEAD = "# standard: gddr6_aim\nclk,command,bankgroup,bank,row,column\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a small workload `w.yaml` and its model `tiny.json`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKLOAD)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    return tmp_path


@dataclass(frozen=True)
class Bad:
    """A file ``content`` that ``argv`` reads, and what the one line on stderr begins with and contains."""

    file: str
    content: str | bytes
    argv: str
    place: str
    part: str


RUN = "run aim_1card bad.yaml"
RUN_W = "run aim_1card w.yaml"
SHOW = "show bad.yaml"
CARD = "extends: aim_1card\n"
CHECK = "check gddr6_aim bad.cmd"
AIM = "replay gddr6_aim bad.aim"
REQ = "replay gddr6_aim bad.req"
PACKED = gzip.compress(b"AiM SYNC\n" * 5000)
BAD = [
    # YAML
    Bad("bad.yaml", BOMB, RUN, "bad.yaml:", "too many values, aliases written out"),
    Bad("bad.yaml", WORKLOAD + '"a\\nb": 1\n', RUN, "bad.yaml:7:1: a\\nb: ", "unknown key 'a\\nb'"),
    Bad("bad.yaml", WORKLOAD + '"\\e[31m": 1\n', RUN, "bad.yaml:7:1: ", "unknown key '\\x1b[31m'"),
    Bad("bad.yaml", but("batch: 1", "batch: 1" + "0" * 900), RUN, "bad.yaml:3:1: batch: ", "... is out of range"),
    Bad("bad.yaml", but("kind: workload", "kind: [workload]"), RUN, "bad.yaml:1:1: kind: ", "a list is not a kind"),
    Bad("bad.yaml", but("kind: workload", "kind:"), RUN, "bad.yaml:1:1: kind: ", "nothing is not a kind"),
    Bad("bad.yaml", but("kind: workload", "kind: workloda"), RUN, "bad.yaml:1:1: kind: ", "nearest: 'workload'"),
    Bad("bad.yaml", but("tiny.json", "tniy.yaml"), RUN, "bad.yaml:2:1: model: tniy.yaml: ", "no such file"),
    Bad("bad.yaml", but("tiny.json", "tniy.json"), RUN, "bad.yaml:2:1: model: tniy.json: ", "cannot be read"),
    Bad("bad.yaml", but("tiny.json", "x" * 3000), RUN, "bad.yaml:2:1: model: ", "cannot be looked up"),
    Bad("bad.yaml", but("tiny.json", "lama2_7b"), RUN, "bad.yaml:2:1: model: ", "list models); nearest: 'llama2_7b'"),
    Bad("bad.yaml", CARD + "plugins: [quitting_plugin]\n", SHOW, "bad.yaml:2:11: plugins[0]: ", "SystemExit"),
    # Platforms: policies and wiring, which only the layers above the schema can judge
    Bad("bad.yaml", CARD + "layout: in_ordr\n", SHOW, "bad.yaml:2:1: layout: ", "nearest: 'in_order'"),
    Bad("bad.yaml", CARD + "placement: {policy: near}\n", SHOW, "bad.yaml:2:13: placement.policy: ", "known: "),
    Bad("bad.yaml", CARD + "components:\n  vector: {memory: memry}\n", "run bad.yaml w.yaml",
        "bad.yaml:3:12: components.vector.memory: ", "there is no component 'memry'"),
    Bad("bad.yaml", CARD + "components:\n  pcie: {between: [vector]}\n",
        SHOW, "bad.yaml:3:10: components.pcie.between[1]: ", "entry 1 is missing"),
    # Models
    Bad("tiny.json", json.dumps(TINY | {"rope_theta": 10**400}), RUN_W, "tiny.json:1:", "is not a number above 0"),
    Bad("tiny.json", json.dumps(TINY)[:-30], RUN_W, "tiny.json:1:", "not valid JSON"),
    Bad("tiny.json", b'{"\xe9": 1}', RUN_W, "tiny.json:1:3: ", "not UTF-8: byte 0xe9"),
    # Traces
    Bad("bad.aim", "", AIM, "bad.aim:1:1: ", "must end with 'AiM EOC'"),
    Bad("bad.aim", "W CFR 2 9223372036854775807\nAiM EOC\n", AIM, "bad.aim:1:9: value: ", "allowed: 0..4294967295"),
    Bad("bad.aim", b"AiM SYNC\nAiM EOC # caf\xe9\n", AIM, "bad.aim:2:14: ", "not UTF-8: byte 0xe9"),
    Bad("bad.aim", "AiM \x1b[31mMAC_ABK\n", AIM, "bad.aim:1:5: ", "'\\x1b[31mMAC_ABK' is not an AiM instruction"),
    Bad("bad.aim", "A" * 100_000 + "\n", AIM, "bad.aim:1:1: ", " ... "),
    Bad("bad.aim.gz", PACKED[:-9], AIM + ".gz", "bad.aim.gz:", "damaged gzip data"),
    Bad("bad.aim.gz", b"AiM EOC\n", AIM + ".gz", "bad.aim.gz:1:1: ", "Not a gzipped file"),
    Bad("bad.req", "# nothing\n", REQ, "bad.req:1:1: ", "no request"),
    Bad("bad.req", "99999999999999999999999 R 0\n", REQ, "bad.req:1:1: ", "out of range"),
    Bad("bad.req", "R 0x" + "f" * 3000 + "\n", REQ, "bad.req:1:3: ", "lies outside the channel"),
    Bad("bad.req/x", "", REQ, "bad.req:1:1: ", "cannot be read: Is a directory"),
    Bad("other.req", "", REQ, "bad.req: ", "there is no such file"),
    Bad("bad.cmd", b"\xff\xfe", CHECK, "bad.cmd:1:1: ", "not UTF-8"),
    Bad("bad.cmd", LOG_HEAD + "9" * 5000 + ",ACT,0,0,0,-1\n", CHECK, "bad.cmd:3:1: ", "is not a whole number"),
    # What is to be written
    Bad("taken", "", "run aim_1card w.yaml -o taken", "taken: ", "a file, not a directory"),
    Bad("taken/x", "", "run aim_1card w.yaml --timeline taken", "taken: ", "a directory, not a file"),
    Bad("bad.req", "R 0\n", REQ + " --log /dev/full", "/dev/full: ", "No space left"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.place}{bad.part}"[:60])
def test_bad_input_is_one_line_with_its_place(
    nearbank: Nearbank, here: Path, monkeypatch: pytest.MonkeyPatch, bad: Bad
) -> None:
    monkeypatch.syspath_prepend(str(here))
    (here / "quitting_plugin.py").write_text("raise SystemExit(0)\n")
    (here / bad.file).parent.mkdir(exist_ok=True)
    (here / bad.file).write_bytes(bad.content if isinstance(bad.content, bytes) else bad.content.encode())
    shown = nearbank(*bad.argv.split(), "--json")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(bad.place)
    assert bad.part in shown.err
    assert shown.err.endswith("\n")
    assert shown.err.removesuffix("\n").isprintable()
    assert len(shown.err) < 1500


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("memory.channels=1" + "0" * 30, "allowed: 1..4096"),
        ("vector.clock_mhz=1e-300", "is out of range"),
        ("memory.dram.timings.nRP=9223372036854775807", "clocks are out of range (allowed: at most 16777216)"),
        ("memory.dram.commands.REFab.latency=" + "9" * 30, "is too large"),
        ("memory.dram.controller.read_queue=9223372036854775807", "allowed: 1..4096"),
        ("memory.dram.organization.levels.bank=1000000", "impossible geometry: 4000000 banks"),
        ("memory.dram.organization.data_rate_mbps=16", "but nBL x tCK_ps are 1000 ps"),
        ("memory.dram.timings.tREFI_ps=120000", "nothing else would ever run"),
        ("layout=in_ordr", "nearest: 'in_order'"),
        ("near_bank.memory=memry", "components.near_bank.memory: there is no component 'memry'"),
        ("memory.channels=\x1b[31m", "'\\x1b' is not allowed"),
    ],
)
def test_an_override_beyond_reason_is_refused(nearbank: Nearbank, here: Path, override: str, part: str) -> None:
    shown = nearbank("run", "aim_1card", "w.yaml", "--json", "--set", override)
    assert (shown.code, shown.out) == (2, "")
    assert part in shown.err


NOISY = """
from typing import Literal

from simulator.units.base import OpUnit, PartSpec, unit_type

print("a plug-in that prints")


class Spec(PartSpec):
    kind: Literal["noisy_KIND"]


@unit_type("noisy_KIND", Spec)
class Noisy(OpUnit):
    kinds = frozenset({"softmax"})

    def execute(self, op):
        print("running", op.name)
        FAIL
        yield self.around.env.timeout(1)
        self.around.limits.add(op.kind, {"noise": 1})
"""


def noisy_platform(here: Path, kind: str, fail: str) -> None:
    (here / f"noisy_{kind}.py").write_text(NOISY.replace("KIND", kind).replace("FAIL", fail))
    (here / "noisy.yaml").write_text(
        f"{CARD}plugins: [noisy_{kind}]\ncomponents: {{noisy: {{kind: noisy_{kind}, source: x}}}}\n"
        "placement: {options: {softmax: noisy}}\n"
    )


def test_stdout_is_one_document_whatever_a_plug_in_prints(
    nearbank: Nearbank, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(here))
    noisy_platform(here, "printing", "pass")
    shown = nearbank("op", "noisy.yaml", "softmax", "--shape", "4x4", "--json")
    assert (shown.code, shown.json["unit"]) == (0, "noisy")
    assert shown.err == "a plug-in that prints\nrunning softmax\n"


def test_a_plug_in_that_raises_is_one_line_and_exit_code_3(
    nearbank: Nearbank, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(here))
    noisy_platform(here, "raising", "raise ValueError('one\\ntwo')")
    shown = nearbank("op", "noisy.yaml", "softmax", "--shape", "4x4", "--json")
    assert (shown.code, shown.out) == (3, "")
    last = shown.err.splitlines()[-1]
    assert last.startswith("unexpected ValueError: one\\ntwo (")
    assert "noisy_raising.py:19; NEARBANK_TRACEBACK=1" in last
    assert "Traceback" not in shown.err
    monkeypatch.setenv("NEARBANK_TRACEBACK", "1")
    assert "Traceback" in nearbank("op", "noisy.yaml", "softmax", "--shape", "4x4", "--json").err


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">/dev/full", 2, "stdout: No space left on device\n"),
    ],
)
def test_closed_and_full_streams_end_without_a_traceback(redirection: str, code: int, said: str) -> None:
    program = "import sys; from simulator.cli.main import main; sys.exit(main(['list', 'links']))"
    command = f"{sys.executable} -c {program!r} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (code, said)


def test_the_same_command_gives_the_same_bytes_whatever_the_hash_seed(here: Path) -> None:
    program = "import sys; from simulator.cli.main import main; sys.exit(main(sys.argv[1:]))"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, "run", "aim_1card", "w.yaml", "--json"],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    first, second = ([line for line in text.splitlines() if '"wall_s"' not in line] for text in outputs)
    assert first == second


def test_figures_are_whole_on_a_narrow_terminal(
    nearbank: Nearbank, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    wide = nearbank("run", "aim_1card", "w.yaml").out.splitlines()[2]
    monkeypatch.setenv("COLUMNS", "40")
    assert nearbank("run", "aim_1card", "w.yaml").out.splitlines()[2].split() == wide.split()
