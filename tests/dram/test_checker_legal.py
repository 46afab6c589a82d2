"""Logs that are legal pass: those of published simulators, and none of their commands could come one tick earlier."""

from __future__ import annotations

import csv

import pytest
from aim_logs import LOGS, published_log
from strategies import DATA, STANDARDS, standard

from simulator.dram.checker import check_log
from simulator.dram.checker_table import clocks, evaluate, read_rules
from simulator.dram.log import LoggedCommand
from simulator.dram.reference import MemoryRequest, run_reference

SHIPPED_AS = {
    "DDR4": "ddr4_2400_8gb_x8",
    "DDR5": "ddr5_4800_16gb_x8",
    "GDDR6": "gddr6_14g_8gb",
    "HBM2": "hbm2_2.0g",
    "HBM3": "hbm3_6.4g",
}
RAMULATOR = [path for path in sorted((DATA / "ramulator2").glob("*.csv")) if path.stem.split("_")[1] in SHIPPED_AS]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_logs_of_the_published_aim_simulator_are_legal(path) -> None:
    log = published_log(path.stem)
    assert log
    assert check_log(standard("gddr6_aim_ref"), log) == []


@pytest.mark.parametrize("path", RAMULATOR, ids=lambda path: path.stem)
def test_logs_of_ramulator_are_legal(path) -> None:
    spec = standard(SHIPPED_AS[path.stem.split("_")[1]])
    with path.open() as file:
        rows = list(csv.reader(file))[1:]
    log = [LoggedCommand(int(r[0]), r[1], tuple(map(int, r[2:-2])), int(r[-2]), int(r[-1])) for r in rows]
    assert len(log) >= 500
    assert check_log(spec, log, refresh="REFab" if path.stem.endswith("on") else "none") == []


@pytest.mark.parametrize("name", STANDARDS)
def test_reads_of_new_rows_in_one_bank_cannot_come_one_tick_earlier(name: str) -> None:
    spec = standard(name)
    log = run_reference(spec, [MemoryRequest("R", 0, row) for row in range(4)], refresh="none").log
    assert check_log(spec, log, refresh="none") == []
    for index in range(1, len(log)):
        earlier = [*log[:index], *(entry._replace(tick=entry.tick - 1) for entry in log[index:])]
        assert check_log(spec, earlier, refresh="none"), log[index]


def test_times_round_up_to_whole_clocks() -> None:
    assert clocks(standard("gddr6_aim"))["nREFI"] == 3800
    spec = standard("gddr6_aim").model_copy(update={"timings": {"tREFI_ps": 1_900_001, "nRP": 3}})
    assert clocks(spec) == {"nREFI": 3801, "nRP": 3}


@pytest.mark.parametrize(
    ("expression", "value"),
    [(7, 7), ("nA + nB * 2", 13), ("max(nA, nB, 1) - 1", 4), ("min(nA, nB)", 3), ("(nA + nB) // 3", 2)],
)
def test_expressions_are_integer_arithmetic_over_timings(expression: str | int, value: int) -> None:
    assert evaluate(expression, {"nA": 3, "nB": 5}) == value


@pytest.mark.parametrize(
    "expression", ["nC", "nA / 2", "abs(nA)", "nA.real", "max()", "'3'", "nA if nB else 1", "2 ** 9"]
)
def test_anything_else_in_an_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot evaluate"):
        evaluate(expression, {"nA": 3, "nB": 5})


def test_the_checker_reads_gaps_from_last_tick_to_last_tick() -> None:
    rules = read_rules(standard("hbm3_6.4g"))
    gaps = {(gap.before, gap.after, gap.name): gap.ticks for group in rules.gaps_to.values() for gap in group}
    assert gaps["ACT", "RD", "nRCDRD"] == 62 + 2 - 1
    assert gaps["PREpb", "ACT", "nRP"] == 52 + 0 - 2
