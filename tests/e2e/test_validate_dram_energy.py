"""`nearbank validate --suite dram` judges energies against DRAMsim3's on the same currents, commands and times."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.suites.base import Case
from simulator.cli.suites.dram_energy import own_energy_cases

DRAM = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "dram"
ENERGY = json.loads((DRAM / "energy_dramsim3.json").read_text())

Change = Callable[[dict[str, Any]], object]


def folder(tmp_path: Path, name: str, stream: str, change: Change = lambda _: None) -> Path:
    """A suite folder with one energy run alone, changed."""
    entry = copy.deepcopy(ENERGY["configs"][name])
    entry["streams"] = {stream: entry["streams"][stream]}
    change(entry)
    (tmp_path / "energy_dramsim3.json").write_text(json.dumps({"configs": {name: entry}}))
    return tmp_path


def judged(nearbank: Callable[..., Any], data: Path) -> Any:
    return nearbank("validate", "--suite", "dram", "--data", data, "--json")


def scaled(component: str, factor: float) -> Change:
    def change(entry: dict[str, Any]) -> None:
        for run in entry["streams"].values():
            run["reported"][component] *= factor

    return change


@pytest.mark.parametrize("name", ENERGY["configs"])
def test_each_visible_run_agrees_in_every_component(nearbank: Callable[..., Any], tmp_path: Path, name: str) -> None:
    for stream in ENERGY["configs"][name]["streams"]:
        shown = judged(nearbank, folder(tmp_path, name, stream))
        parts = {case["case"].rpartition("/")[2]: case for case in shown.json["cases"]}
        assert {"ACT", "RD", "act_stb", "pre_stb", "total"} <= parts.keys()
        assert ("WR" in parts) is (stream.split("/")[0] == "d_random_rw")
        assert ("REFab" in parts) is stream.endswith("refresh_on")
        assert all(abs(case["error_pct"]) < 1e-6 for case in parts.values())
        assert (shown.code, shown.json["passed"]) == (0, True)


def test_the_figures_are_pj(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    """DRAMsim3 counts V mA cycles: an activation of 4156.8 at 0.83 ns is 3450 pJ."""
    shown = judged(nearbank, folder(tmp_path, "DDR4", "a_seq/refresh_on"))
    activations = ENERGY["configs"]["DDR4"]["streams"]["a_seq/refresh_on"]["reported"]["num_act_cmds"]
    (case,) = [case for case in shown.json["cases"] if case["case"].endswith("/ACT")]
    assert case["got"] == pytest.approx(activations * 4156.8 * 0.83)


@pytest.mark.parametrize(("factor", "passes"), [(1.02, True), (1.04, False), (0.96, False)])
@pytest.mark.parametrize("component", ["read_energy", "ref_energy", "total_energy"])
def test_an_energy_may_differ_by_three_percent(
    nearbank: Callable[..., Any], tmp_path: Path, component: str, factor: float, passes: bool
) -> None:
    data = folder(tmp_path, "HBM2", "c_random/refresh_on", scaled(component, factor))
    shown = judged(nearbank, data)
    assert all(case["passed"] for case in shown.json["cases"]) is passes


def test_an_unseen_run_without_its_configuration_takes_the_known_one(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    data = folder(tmp_path, "GDDR6", "d_random_rw/refresh_off", lambda entry: entry.pop("config"))
    shown = judged(nearbank, data)
    assert (shown.code, shown.json["passed"]) == (0, True)


def test_currents_given_with_the_energies_come_first(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["IDD"] = entry["config"]["power"] | {"IDD4R": 100}

    shown = judged(nearbank, folder(tmp_path, "GDDR6", "a_seq/refresh_off", change))
    wrong = {case["case"].rpartition("/")[2] for case in shown.json["cases"] if not case["passed"]}
    assert wrong == {"RD", "total"}


def test_a_run_of_our_own_is_judged_by_its_commands_and_times(tmp_path: Path) -> None:
    stats = ENERGY["configs"]["DDR4"]["streams"]["c_random/refresh_on"]["reported"]
    folder(tmp_path, "DDR4", "c_random/refresh_on")
    commands = {"ACT": stats["num_act_cmds"], "RD": stats["num_read_cmds"], "REFab": stats["num_ref_cmds"]}
    active, closed = stats["rank_active_cycles"]["0"], stats["all_bank_idle_cycles"]["0"]
    errors = []
    for activations in (1, 2):
        beside = {
            "commands": commands | {"ACT": commands["ACT"] * activations},
            "active_ticks": active,
            "rank_ticks": active + closed,
        }
        cycles = Case("dramsim3/DDR4/c_random/refresh_on", 1, 1, "DDR4", "ours", None, "prediction", beside=beside)
        (case,) = own_energy_cases(tmp_path, [cycles])
        errors.append(case.error_pct)
    assert errors == [pytest.approx(0, abs=1e-6), pytest.approx(100 * stats["act_energy"] / stats["total_energy"])]


def test_runs_beside_the_cycles_are_judged_too(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    found = ENERGY["configs"]["DDR4"]
    golden = json.loads((DRAM / "golden.json").read_text())["dramsim3"]["DDR4"]
    entry = golden | {"config": found["config"] | golden.get("config", {})}
    figures = golden["streams"]["f_rowconflict"]["refresh_on"]
    stats = found["streams"]["f_rowconflict/refresh_on"]["reported"]
    entry["streams"] = {"f_rowconflict": {"refresh_on": figures | {"dramsim3_stats": stats}}}
    (tmp_path / "golden.json").write_text(json.dumps({"dramsim3": {"DDR4": entry}}))
    shown = judged(nearbank, tmp_path)
    names = [case["case"] for case in shown.json["cases"] if case["kind"] == "energy"]
    assert "dramsim3/DDR4/f_rowconflict/refresh_on/energy/total" in names


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry["config"]["timing"].pop("tRAS"), "DDR4/a_seq/refresh_on: is not the energy"),
        (lambda entry: entry["config"]["power"].update(IDD0="x"), "is not the energy of a DRAMsim3 run"),
        (lambda entry: entry["streams"]["a_seq/refresh_on"]["reported"].pop("total_energy"), "total_energy"),
        (lambda entry: entry["streams"].update({"a_seq/refresh_on": []}), "is not of its format"),
        (lambda entry: entry["config"]["dram_structure"].update(BL=0), "is not the energy of a DRAMsim3 run"),
        (lambda entry: entry["config"]["power"].update(IDD0=1), "is not the energy of a DRAMsim3 run"),
    ],
)
def test_an_energy_that_cannot_be_read_is_one_line(
    nearbank: Callable[..., Any], tmp_path: Path, change: Change, said: str
) -> None:
    data = folder(tmp_path, "DDR4", "a_seq/refresh_on", change)
    shown = nearbank("validate", "--suite", "dram", "--data", data)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert shown.err.count("\n") == 1
