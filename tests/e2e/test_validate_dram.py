"""`nearbank validate --suite dram` judges request streams against the cycles of other DRAM simulators."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.cli.suites.dram_golden import GoldenConfig, read_golden
from simulator.cli.suites.dram_shipped import SHIPPED, disagreements
from simulator.cli.suites.dram_spec import build_spec, unsupported
from simulator.cli.suites.dram_streams import random_stream, requests
from simulator.config.timing import resolve_dram
from simulator.dram.address import AddressMapping, Location
from tests.validation_page import is_documented

DRAM = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "dram"
GOLDEN = json.loads((DRAM / "golden.json").read_text())
RAMULATOR, DRAMSIM = "ramulator2.1", "dramsim3"
CASE_KEYS = {"case", "expected", "got", "error_pct", "kind", "source"}

Change = Callable[[dict[str, Any]], object]


def config(name: str) -> GoldenConfig:
    return next(found for found in read_golden(DRAM) if (found.simulator, found.name) == (RAMULATOR, name))


def folder(tmp_path: Path, name: str, stream: str, change: Change = lambda _: None) -> Path:
    """A suite folder with one stream of one configuration, its description changed, without request lists."""
    entry = copy.deepcopy(GOLDEN[RAMULATOR][name])
    entry["streams"] = {stream: entry["streams"][stream]}
    change(entry)
    (tmp_path / "golden.json").write_text(json.dumps({RAMULATOR: {name: entry}}))
    return tmp_path


def cases(shown: Any) -> list[dict[str, Any]]:
    return [case for case in shown.json["cases"] if case["kind"] not in ("table", "energy", "policy")]


def test_every_visible_case_agrees(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("validate", "--suite", "dram", "--json")
    report = shown.json
    assert is_documented(report)
    listed = [case["case"] for case in cases(shown)]
    assert listed == [
        f"{simulator}/{name}/{stream}/{refresh}"
        for simulator, configs in GOLDEN.items()
        for name, entry in configs.items()
        for stream, modes in entry["streams"].items()
        for refresh in modes
    ]
    assert all(case.keys() >= CASE_KEYS for case in report["cases"])
    judged = [case for case in cases(shown) if case["limit_pct"] is not None]
    assert {case["limit_pct"] for case in judged if case["case"].endswith("refresh_off")} == {1.0}
    assert {case["limit_pct"] for case in judged if case["case"].endswith("refresh_on")} == {2.0}
    assert [(case["case"], case["error_pct"]) for case in judged if case["error_pct"] != 0] == []
    assert [case["case"] for case in judged if not case["same_commands"]] == []
    tables = [case for case in report["cases"] if case["kind"] == "table"]
    assert sorted(case["case"].rpartition("/")[2] for case in tables) == sorted(SHIPPED.values())
    assert all(case["passed"] and case["differences"] == [] for case in tables)
    assert (shown.code, report["passed"], report["median_abs_error_pct"]) == (0, True, 0.0)
    swapped = {case["case"]: case for case in report["cases"] if case["kind"] == "policy"}
    ddr4 = [case for name, case in swapped.items() if "/DDR4/" in name]
    assert len(ddr4) == 10
    assert all(case["error_pct"] == 0 for case in ddr4), "the policy is the whole difference"
    assert all(case["limit_pct"] is None and abs(case["error_pct"]) < 2 for case in swapped.values())
    assert "own policy: 103,628" in swapped[f"{RAMULATOR}/DDR4/a_seq/refresh_off as {DRAMSIM}"]["differences"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("queue_structure", "PER_CHANNEL"), ("row_buf_policy", "SMART"), ("refresh_policy", "BANK_LEVEL_STAGGERED")],
)
def test_a_policy_of_an_ini_file_without_a_counterpart_is_named_and_not_judged(
    nearbank: Callable[..., Any], tmp_path: Path, key: str, value: str
) -> None:
    entry = copy.deepcopy(GOLDEN[DRAMSIM]["DDR4"])
    entry["config"]["system"][key] = value
    (tmp_path / "golden.json").write_text(json.dumps({DRAMSIM: {"DDR4": entry}}))
    left_out = nearbank("validate", "--suite", "dram", "--data", tmp_path, "--json").json["cases"]
    assert len(left_out) == 12
    for case in left_out:
        assert (case["kind"], case["limit_pct"]) == ("unsupported", None)
        assert case["differences"] == [f"not supported yet: {key} '{value}'"]


def test_a_changed_timing_of_an_ini_file_changes_the_cycles(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    entry = copy.deepcopy(GOLDEN[DRAMSIM]["GDDR6"])
    entry["streams"] = {"f_rowconflict": entry["streams"]["f_rowconflict"]}
    entry["config"]["timing"]["tRAS"] = "64 ; ten more"
    (tmp_path / "golden.json").write_text(json.dumps({DRAMSIM: {"GDDR6": entry}}))
    found = nearbank("validate", "--suite", "dram", "--data", tmp_path, "--json").json["cases"]
    (case,) = [case for case in found if case["case"].endswith("refresh_off")]
    assert case["got"] - case["expected"] == 1999 * 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda entry: entry.update(controller="LPDDR6"), "controller 'LPDDR6'"),
        (lambda entry: entry["command_cycles_ticks"].update(MRW=1), "commands MRW"),
        (lambda entry: entry.update(row_policy="Timeout"), "row_policy 'Timeout'"),
        (lambda entry: entry["streams"].update(g_new=entry["streams"].pop("f_rowconflict")), "stream 'g_new'"),
    ],
)
def test_what_the_engine_lacks_is_reported_and_passes_nothing(
    nearbank: Callable[..., Any], tmp_path: Path, change: Change, reason: str
) -> None:
    shown = nearbank(
        "validate", "--suite", "dram", "--data", folder(tmp_path, "DDR4", "f_rowconflict", change), "--json"
    )
    assert {case["differences"][0] for case in cases(shown)} == {f"not supported yet: {reason}"}
    assert (shown.code, shown.json["passed"]) == (1, False)


def scaled(factor: float, refresh: str) -> Change:
    """Other expected cycles in one refresh mode."""

    def change(entry: dict[str, Any]) -> None:
        for modes in entry["streams"].values():
            figures = modes[refresh]
            figures["cycles_first_cmd_to_last_data"] = int(figures["cycles_first_cmd_to_last_data"] * factor)

    return change


@pytest.mark.parametrize(
    ("factor", "refresh", "passes"),
    [(1.015, "refresh_on", True), (1.025, "refresh_on", False), (1.015, "refresh_off", False)],
)
def test_refresh_on_may_differ_by_two_percent_and_off_by_one(
    nearbank: Callable[..., Any], tmp_path: Path, factor: float, refresh: str, passes: bool
) -> None:
    data = folder(tmp_path, "HBM2", "f_rowconflict", scaled(factor, refresh))
    shown = nearbank("validate", "--suite", "dram", "--data", data, "--json")
    assert all(case["passed"] for case in cases(shown)) is passes


def test_a_median_above_half_a_percent_fails(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    def change(entry: dict[str, Any]) -> None:
        scaled(1.009, "refresh_on")(entry)
        scaled(1.009, "refresh_off")(entry)

    data = folder(tmp_path, "HBM2", "f_rowconflict", change)
    shown = nearbank("validate", "--suite", "dram", "--data", data, "--json")
    assert all(case["passed"] for case in cases(shown))
    assert (shown.code, shown.json["passed"]) == (1, False)


def test_a_changed_timing_changes_the_cycles(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    data = folder(tmp_path, "DDR4", "f_rowconflict", lambda entry: entry["timing_CK"].update(nRC=66))
    (case,) = [
        case
        for case in cases(nearbank("validate", "--suite", "dram", "--data", data, "--json"))
        if case["case"].endswith("refresh_off")
    ]
    assert case["got"] - case["expected"] == 1999 * (66 - 56)


def test_the_table_of_a_shipped_standard_is_compared_with_the_golden_one() -> None:
    golden = resolve_dram(build_spec(config("DDR4")))
    entry = copy.deepcopy(GOLDEN[RAMULATOR]["DDR4"])
    entry["timing_CK"]["nFAW"] += 1
    entry["timing_constraints"] = [row for row in entry["timing_constraints"] if row["latency"] != "nRRDL"]
    changed = resolve_dram(build_spec(GoldenConfig(RAMULATOR, "DDR4", DRAM / "golden.json", entry)))
    assert disagreements(golden, golden)[1] == ()
    assert disagreements(golden, changed)[1] == (
        "lacks gap bankgroup ACT ACT 6 1 False",
        "lacks gap rank ACT ACT 26 4 False",
        "has gap rank ACT ACT 27 4 False",
    )


@pytest.mark.parametrize("name", sorted(path.name for path in (DRAM / "streams").iterdir()))
def test_a_request_list_is_the_sample_that_its_rule_draws(name: str) -> None:
    _, title, stream = name.removesuffix(".txt.gz").split("_", 2)
    spec = build_spec(config(title))
    addresses, writes = random_stream(spec, stream)
    with gzip.open(DRAM / "streams" / name, "rt") as lines:
        listed = [line.split() for line in lines]
    assert [(kind == "W", int(address, 16)) for kind, address in listed] == list(
        zip(writes.tolist(), addresses.tolist(), strict=True)
    )


def test_interleaved_streams_walk_bank_groups_then_columns_then_banks() -> None:
    found = config("HBM3")
    spec = build_spec(found)
    stream = requests(found, spec, "e2_pc_bg_interleave", 600)
    digits = np.stack(np.unravel_index(stream.bank, tuple(spec.organization.levels.values())))
    pseudochannel, sid, group, bank = digits
    i = np.arange(600)
    assert (pseudochannel == i % 2).all()
    assert (sid == 0).all()
    assert (group == i // 2 % 4).all()
    assert (stream.column == i // 8 % 32).all()
    assert (bank == i // 256 % 4).all()


def test_the_sequential_stream_follows_the_described_mapping() -> None:
    found = config("HBM2")
    spec = build_spec(found)
    stream = requests(found, spec, "a_seq", 2000)
    place = Location(stream.bank * 0, stream.bank, stream.row, stream.column)
    assert AddressMapping(spec).encode(place).tolist() == [i * 32 for i in range(2000)]
    assert (stream.column[:32] == np.arange(32)).all()


def test_all_supported_configurations_become_standards() -> None:
    supported = [found for found in read_golden(DRAM) if unsupported(found) is None]
    assert supported == list(read_golden(DRAM))
    for found in supported:
        assert {row.scope for name, row in build_spec(found).commands.items() if not name.endswith("ab")} == {"bank"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry.pop("timing_CK"), "ramulator2.1/DDR4: the key 'timing_CK' is missing"),
        (lambda entry: entry["timing_CK"].pop("nRTP"), "there is no timing 'nRTP'"),
        (
            lambda entry: entry["mapping_LSB_first"].append(["Row", 3]),
            "ramulator2.1/DDR4: is not a description of a DRAM",
        ),
        (lambda entry: entry["streams"]["f_rowconflict"]["refresh_on"].pop("reads"), "reads, writes and cycles"),
    ],
)
def test_a_description_that_is_none_is_said_with_its_name(
    nearbank: Callable[..., Any], tmp_path: Path, change: Change, said: str
) -> None:
    shown = nearbank("validate", "--suite", "dram", "--data", folder(tmp_path, "DDR4", "f_rowconflict", change))
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert "golden.json" in shown.err


@pytest.mark.parametrize("content", [None, "not json", "[1]"])
def test_a_golden_file_that_cannot_be_read_is_one_line(
    nearbank: Callable[..., Any], tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "golden.json").write_text(content)
    shown = nearbank("validate", "--suite", "dram", "--data", tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert "golden.json" in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("line", ["X 40", "R", "R zz", "R ffffffffffffff"])
def test_a_request_list_that_cannot_be_read_is_one_line(
    nearbank: Callable[..., Any], tmp_path: Path, line: str
) -> None:
    data = folder(tmp_path, "DDR4", "c_random")
    (data / "streams").mkdir()
    with gzip.open(data / "streams" / "ramulator2_DDR4_c_random.txt.gz", "wt") as lines:
        lines.write(f"{line}\n" * 20000)
    shown = nearbank("validate", "--suite", "dram", "--data", data)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.count("\n") == 1


def test_the_terminal_shows_a_table_by_configuration_and_the_verdict(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    shown = nearbank("validate", "--suite", "dram", "--data", folder(tmp_path, "DDR5", "f_rowconflict"))
    assert shown.code == 0
    assert f"{RAMULATOR}/DDR5 refresh_on" in shown.out
    assert f"{RAMULATOR}/DDR5 refresh_off" in shown.out
    assert "suite dram: passed" in shown.out
