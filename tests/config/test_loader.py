"""Documents that name others, and overrides."""

import hashlib
from pathlib import Path

import pytest
from config_samples import DRAM, PLATFORM, TestMemorySpec, Write

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.config.platform_schema import Platform
from simulator.config.tree import Origin
from simulator.errors import ConfigError


def test_extends_merges_mappings_and_replaces_lists_and_scalars(write: Write) -> None:
    write("base.yaml", "kind: x\nname: base\na: {b: 1, c: {d: 2}}\nlist: [1, 2]\n")
    write("derived.yaml", "extends: base\nname: derived\na: {c: {e: 3}}\nlist: [4]\n")
    assert load_document("derived").data == {
        "kind": "x",
        "name": "derived",
        "a": {"b": 1, "c": {"d": 2, "e": 3}},
        "list": [4],
    }


def test_a_null_removes_an_inherited_key_only(write: Write) -> None:
    write("base.yaml", "kind: x\na: {b: 1, c: 2}\n")
    write("derived.yaml", "extends: base\na: {b: null, d: null}\n")
    assert load_document("derived").data == {"kind": "x", "a": {"c": 2, "d": None}}


def test_use_puts_a_document_under_a_key_and_siblings_override_it(write: Write) -> None:
    write("part.yaml", "kind: unit\nname: part\nsize: {rows: 4, columns: 8}\n")
    write("whole.yaml", "kind: platform\nparts:\n  - {use: part, size: {rows: 2}}\n  - {use: part, name: other}\n")
    first, second = load_document("whole").data["parts"]
    assert first == {"kind": "unit", "name": "part", "size": {"rows": 2, "columns": 8}}
    assert second == {"kind": "unit", "name": "other", "size": {"rows": 4, "columns": 8}}


def test_named_documents_name_others_in_turn(write: Write) -> None:
    write("a.yaml", "kind: x\nextends: b\none: 1\n")
    write("b.yaml", "inner: {use: c}\ntwo: 2\n")
    write("c.yaml", "three: 3\n")
    document = load_document("a")
    assert document.data == {"inner": {"three": 3}, "two": 2, "kind": "x", "one": 1}
    assert document.locate(("inner", "three")) == Origin("c.yaml", 1, 1)
    assert document.locate(("two",)) == Origin("b.yaml", 2, 1)


def test_a_path_in_a_document_starts_from_its_folder(write: Write) -> None:
    write("parts/base.yaml", "kind: x\nfrom_folder: true\n")
    write("parts/derived.yaml", "extends: base.yaml\n")
    assert load_document("parts/derived.yaml").data == {"kind": "x", "from_folder": True}


def test_a_cycle_is_reported_as_a_chain(write: Write) -> None:
    write("a.yaml", "extends: b\n")
    write("b.yaml", "part:\n  use: c\n")
    write("c.yaml", "extends: b\n")
    with pytest.raises(ConfigError, match=r"^c\.yaml:1:1: part\.extends: .* in a cycle: b -> c -> b$"):
        load_document("a")


def test_a_document_that_extends_itself_is_a_cycle(write: Write) -> None:
    write("a.yaml", "extends: a\n")
    with pytest.raises(ConfigError, match=r"in a cycle: a -> a$"):
        load_document("a")


def test_one_part_used_twice_is_no_cycle(write: Write) -> None:
    write("part.yaml", "size: 1\n")
    write("a.yaml", "x: {use: part}\ny: {use: part}\n")
    assert load_document("a").data == {"x": {"size": 1}, "y": {"size": 1}}


def test_files_are_listed_with_the_hash_of_their_content(write: Write) -> None:
    base = write("base.yaml", "a: 1\n")
    derived = write("derived.yaml", "extends: base\n")
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (base, derived)}
    assert load_document("derived").files == hashes


def test_shipped_files_are_listed_by_their_place_in_the_data(write: Write) -> None:
    assert list(load_document("gddr6_aim_ref").files) == ["arch_configs/dram/gddr6_aim_ref.yaml"]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("layout=column_major", ("layout",), "column_major"),
        ("components.memory.channels=8", ("components", "memory", "channels"), 8),
        ("memory.channels=8", ("components", "memory", "channels"), 8),
        ("memory.ports.0.width_bits=128", ("components", "memory", "ports", 0, "width_bits"), 128),
        ("memory.policy=closed_page", ("components", "memory", "policy"), "closed_page"),
        ("memory.size_bytes=1GiB", ("components", "memory", "size_bytes"), "1GiB"),
        ("placement.options={}", ("placement", "options"), {}),
        ("placement.options.depth = 3", ("placement", "options", "depth"), 3),
    ],
)
def test_override_replaces_the_value_at_its_path(
    override: str, path: tuple[str | int, ...], value: object, write: Write
) -> None:
    write("sample.yaml", PLATFORM)
    document = load_document("sample", overrides=[override])
    found = document.data
    for step in path:
        found = found[step]
    assert found == value
    assert document.locate(path) == Origin(f"--set {override}")
    assert isinstance(build(document, Platform), Platform)


def test_later_overrides_win(write: Write) -> None:
    write("sample.yaml", PLATFORM)
    assert load_document("sample", overrides=["layout=a", "layout=b"]).data["layout"] == "b"


def test_an_override_of_use_swaps_the_part(write: Write) -> None:
    write("small.yaml", "rows: 1\n")
    write("large.yaml", "rows: 9\n")
    write("whole.yaml", "kind: platform\ncomponents:\n  memory: {use: small, name: m}\n")
    document = load_document("whole", overrides=["memory.use=large"])
    assert document.data["components"]["memory"] == {"rows": 9, "name": "m"}


BASE = "kind: platform\ncomponents:\n  memory: {use: small, name: m}\n  plain: {rows: 3}\n"


@pytest.mark.parametrize(
    ("derived", "override", "memory"),
    [
        ("", "memory.use=large", {"rows": 9, "name": "m"}),
        ("components: {memory: {name: own}}\n", "memory.use=large", {"rows": 9, "name": "own"}),
        ("components: {memory: {use: middle}}\n", "memory.use=large", {"rows": 9, "name": "m"}),
        ("", "memory.inner.use=large", {"rows": 1, "inner": {"rows": 9}, "name": "m"}),
    ],
)
def test_an_override_of_use_swaps_an_inherited_part(
    derived: str, override: str, memory: dict[str, object], write: Write
) -> None:
    inner = "inner: {use: middle}\n" if "inner" in override else ""
    write("small.yaml", "rows: 1\n" + inner)
    write("middle.yaml", "rows: 5\n")
    write("large.yaml", "rows: 9\n")
    write("base.yaml", BASE)
    write("derived.yaml", "extends: base\n" + derived)
    assert load_document("derived", overrides=[override]).data["components"]["memory"] == memory


def test_a_swap_in_a_part_that_is_used_twice_changes_one_of_the_two(write: Write) -> None:
    write("rows.yaml", "rows: 1\n")
    write("large.yaml", "rows: 9\n")
    write("part.yaml", "inner: {use: rows}\n")
    write("whole.yaml", "kind: platform\ncomponents: {a: {use: part}, b: {use: part}}\n")
    components = load_document("whole", overrides=["b.inner.use=large"]).data["components"]
    assert components == {"a": {"inner": {"rows": 1}}, "b": {"inner": {"rows": 9}}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("memory.use=huge", r"^--set memory\.use=huge: components\.memory\.use: there is no document 'huge'"),
        ("memry.use=large", r"there is no 'memry' in the document .*; nearest: 'memory'"),
    ],
)
def test_a_swap_of_or_to_what_is_not_there_names_itself(override: str, message: str, write: Write) -> None:
    write("small.yaml", "rows: 1\n")
    write("base.yaml", BASE)
    write("derived.yaml", "extends: base\n")
    with pytest.raises(ConfigError, match=message):
        load_document("derived", overrides=[override])


@pytest.mark.parametrize(
    ("override", "path"),
    [("placement.options.depth=3", ("placement", "options")), ("devices.count=2", ("devices",))],
)
def test_an_override_adds_a_block_that_the_schema_knows(override: str, path: tuple[str, ...], write: Write) -> None:
    write("sample.yaml", PLATFORM.replace(", options: {depth: 2}", ""))
    data = load_document("sample", overrides=[override]).data
    for step in path:
        data = data[step]
    assert [f"{key}={value}" for key, value in data.items()] == [override.rpartition(".")[2]]


def test_an_override_of_null_removes_an_optional_key(write: Write) -> None:
    write("sample.yaml", PLATFORM)
    document = load_document("sample", overrides=["memory.ports=null"])
    spec = build(document, Platform).components["memory"]
    assert isinstance(spec, TestMemorySpec)
    assert spec.ports == ()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("memry.channels=8", "there is no 'memry' in the document .*; nearest: 'memory'"),
        ("memory.prots.0.width_bits=8", r"there is no 'prots' in 'components\.memory' .*; nearest: 'ports'"),
        ("memory.chanels=8", "unknown key 'chanels' .*; nearest: 'channels'"),
        ("memory.ports.1.width_bits=8", r"'1' is not a position in 'components\.memory\.ports' \(allowed: 0\.\.0\)"),
        ("devises.count=2", "there is no 'devises' in the document"),
        ("devices.cuont=2", "unknown key 'cuont' .*; nearest: 'count'"),
        ("memory.channels.x=8", r"'components\.memory\.channels' is a value and has no key 'x'"),
        ("memory.channels=eight", r"'eight' is not a whole number \(allowed: 1\.\.4096\)"),
        ("memory.channels", r"an override is written key\.path=value"),
        ("=8", r"an override is written key\.path=value"),
        ("memory..channels=8", r"an override is written key\.path=value"),
        ("memory.channels=[1", "not valid YAML"),
    ],
)
def test_a_bad_override_names_itself(override: str, message: str, write: Write) -> None:
    write("sample.yaml", PLATFORM)
    with pytest.raises(ConfigError, match=message) as caught:
        build(load_document("sample", overrides=[override]), Platform)
    assert str(caught.value).startswith(f"--set {override}: ")


def test_plugins_are_imported_before_validation(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write(
        "plugin_of_the_loader_test.py",
        "from simulator.config.platform_schema import ComponentSpec\n"
        "from simulator.config.registry import component_specs\n"
        "@component_specs.register('loader_test_part')\n"
        "class Part(ComponentSpec):\n"
        "    lanes: int\n",
    )
    text = PLATFORM + "plugins: [plugin_of_the_loader_test]\n"
    write("sample.yaml", text.replace("components:\n", "components:\n  extra: {kind: loader_test_part, lanes: 4}\n"))
    platform = build(load_document("sample"), Platform)
    part = platform.components["extra"].model_dump()
    assert part == {"kind": "loader_test_part", "source": None, "area": {}, "lanes": 4}


def test_built_specs_are_frozen_and_hold_integers(write: Write) -> None:
    write("sample.yaml", PLATFORM)
    memory = build(load_document("sample"), Platform).components["memory"]
    assert isinstance(memory, TestMemorySpec)
    assert (memory.size_bytes, memory.ports[0].latency_ps) == (16 * 2**30, 3900)
    with pytest.raises(ValueError, match="frozen"):
        memory.channels = 1  # type: ignore[misc]


def test_a_semantic_fault_in_a_used_part_points_into_its_file(write: Write) -> None:
    write("standard.yaml", DRAM.replace("gap: nRCD}", "gap: nRDC}"))
    write("derived.yaml", "extends: standard\nname: derived\n")
    with pytest.raises(ConfigError, match=r"^standard\.yaml:29:46: constraints\[0\]\.gap: there is no timing 'nRDC'"):
        build(load_document("derived"), Dram)


def test_a_model_is_not_a_workload() -> None:
    with pytest.raises(
        ConfigError, match=r"'llama2_7b' is a model, not a workload \(known: .*nearest: 'llama2_7b_512_64'"
    ):
        load_document("llama2_7b", expected_kind="workload")
