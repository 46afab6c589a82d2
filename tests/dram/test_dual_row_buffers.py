"""Banks with a row for reads and writes and one for near-bank commands: both engines, the checker, the arbitration."""

from __future__ import annotations

import numpy as np
import pytest
from engines import assert_engines_agree, host_program, request_list
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import standard, with_controller

from simulator.config.dram_schema import Dram
from simulator.dram.checker import check_log
from simulator.dram.checker_bulk import count_violations
from simulator.dram.device import Device, DeviceRun
from simulator.dram.log import LoggedCommand
from simulator.dram.reference import MemoryRequest, ProgramEntry
from simulator.dram.replay import logged

DUAL, SINGLE = "hbm2_neupims", "hbm2_neupims_single"
COMMANDS = ("P_HEADER", "GWRITE", "COMP", "READRES", "COMPS_READRES_8", "COMPS_READRES_32", "PIM_PRECHARGE")
BANKS = 32


def dual(**controller: object) -> Dram:
    return with_controller(standard(DUAL), **controller)


entries = st.lists(
    st.builds(
        ProgramEntry,
        command=st.sampled_from(COMMANDS),
        count=st.integers(1, 5),
        bank=st.integers(0, BANKS - 1),
        row=st.integers(0, 2),
    ),
    max_size=10,
)


@st.composite
def requests(draw: st.DrawFn) -> list[MemoryRequest]:
    found, arrival = [], 0
    for _ in range(draw(st.integers(0, 30))):
        arrival += draw(st.sampled_from((0, 0, 1, 7, 60)))
        bank, row = draw(st.integers(0, BANKS - 1)), draw(st.integers(0, 2))
        found.append(MemoryRequest(draw(st.sampled_from("RW")), bank, row, draw(st.integers(0, 15)), arrival))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests(), entries, st.sampled_from((0, 1, 10, 40)), st.sampled_from((None, 300)))
def test_both_engines_issue_the_same_legal_commands(
    memory: list[MemoryRequest], program: list[ProgramEntry], slack: int, interval: int | None
) -> None:
    spec = dual(near_bank_slack=slack)
    if interval:  # Refreshes come while both kinds of rows are open.
        spec = spec.model_copy(update={"timings": spec.timings | {"nREFI": interval + 260}})
    assert_engines_agree(Device(spec), memory, program)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests(), entries)
def test_one_row_buffer_excludes_reads_from_near_bank_work_in_both_engines(
    memory: list[MemoryRequest], program: list[ProgramEntry]
) -> None:
    assert_engines_agree(Device(standard(SINGLE)), memory, program)


def run(spec: Dram, memory: list[MemoryRequest], program: list[ProgramEntry]) -> tuple[DeviceRun, list[LoggedCommand]]:
    found = Device(spec).run_requests(request_list(memory), host_program(spec, program), log=True)
    assert found.issued is not None
    return found, logged(spec, found.issued, 0)


def reads(n: int) -> list[MemoryRequest]:
    """A stream over both bank groups of all banks, rows apart from those of near-bank work."""
    return [MemoryRequest("R", (4 * i) % BANKS + i // 8 % 4, 100 + i // 512, i // 32 % 16) for i in range(n)]


TILES = [ProgramEntry("COMPS_READRES_8", 4, 0, row) for row in range(8)]


def test_reads_go_on_beside_near_bank_work_only_with_two_row_buffers() -> None:
    beside, after = (run(spec, reads(600), TILES)[0].end_tick for spec in (dual(), standard(SINGLE)))
    alone = run(dual(), [], TILES)[0].end_tick
    stream = run(dual(), reads(600), [])[0].end_tick
    assert max(alone, stream) <= beside < 0.8 * (alone + stream)
    assert after >= 0.95 * (alone + stream)


def test_a_tile_takes_eight_group_activations_a_window_apart() -> None:
    spec = with_controller(standard(DUAL), refresh="none")
    _, log = run(spec, [], TILES[:2])
    acts = [entry.tick for entry in log if entry.command == "G_ACT"]
    assert len(acts) == 16
    assert set(np.diff(acts[:8])) == {spec.timings["nFAW"]}
    first = next(entry.tick for entry in log if entry.command.startswith("COMPS"))
    fused = [entry.tick for entry in log if entry.command.startswith("COMPS")]
    assert first - acts[7] == spec.timings["nRCDRD"]
    assert np.diff(fused[:4]).tolist() == [2 * (8 + 1)] * 3, "2 x (max(n, 6) + 1)"


def test_a_row_to_the_global_buffer_takes_ninety_six_clocks() -> None:
    _, log = run(dual(refresh="none"), [], [ProgramEntry("GWRITE", 2, 5, 7)])
    first, second = (entry.tick for entry in log if entry.command == "GWRITE")
    assert second - first == 96


def test_slack_keeps_reads_away_from_the_next_near_bank_command() -> None:
    spec = dual(near_bank_slack=10, refresh="none")
    _, log = run(spec, reads(2000), TILES)
    near_bank = {"G_ACT", "PIM_PRECHARGE", "COMPS_READRES_8"}
    ends = [entry.tick for entry in log if entry.command in near_bank]
    memory = [entry.tick for entry in log if entry.command not in near_bank and entry.tick < ends[-1]]
    distance = [min((end - tick for end in ends if end > tick), default=99) for tick in memory]
    assert min(distance) >= 10
    loose, _ = run(dual(near_bank_slack=0, refresh="none"), reads(2000), TILES)
    assert max(loose.completions) < run(spec, reads(2000), TILES)[0].completions.max()


def test_open_rows_of_both_buffers_are_counted() -> None:
    spec = dual(refresh="none")
    one, _ = run(spec, [MemoryRequest("R", 0, 1)], [])
    both, _ = run(spec, [MemoryRequest("R", 0, 1)], [ProgramEntry("COMP", 1, 0, 3)])
    assert both.bank_ticks > one.bank_ticks


LEGAL = [
    LoggedCommand(1, "G_ACT", (0, 0, -1), 3, -1),
    LoggedCommand(40, "ACT", (0, 0, 1), 9, -1),
    LoggedCommand(60, "RD", (0, 0, 1), 9, 0),
    LoggedCommand(90, "PREpb", (0, 0, 1), -1, -1),
    LoggedCommand(120, "PIM_PRECHARGE", (-1, -1, -1), -1, -1),
]


def changed(index: int, **fields: object) -> list[LoggedCommand]:
    log = list(LEGAL)
    log[index] = log[index]._replace(**fields)
    return log


def test_a_bank_may_have_a_row_of_each_kind_open() -> None:
    assert check_log(dual(), LEGAL, refresh="none") == []


@pytest.mark.parametrize(
    ("log", "rule"),
    [
        (LEGAL[:1] + LEGAL[2:], "row: RD to closed bank"),
        ([*LEGAL[:1], LoggedCommand(60, "COMP", (-1, -1, -1), 3, -1)], "row: COMP to closed bank"),
        (changed(1, tick=5), "nFAW: ACT 4 ticks after G_ACT"),
        ([LEGAL[1]._replace(tick=1), LoggedCommand(6, "G_ACT", (0, 0, -1), 3, -1)], "nRRDL: G_ACT 5 ticks after ACT"),
        ([*LEGAL[:1], LoggedCommand(49, "G_ACT", (0, 0, -1), 4, -1)], "row: G_ACT for row 4 while"),
        ([*LEGAL[:1], LoggedCommand(20, "G_ACT", (0, 1, -1), 4, -1)], "nFAW: G_ACT 19 ticks after G_ACT"),
        ([LEGAL[0], LEGAL[4]._replace(tick=30)], "nRAS: PIM_PRECHARGE 29 ticks after G_ACT"),
        ([LEGAL[0], LEGAL[4], LoggedCommand(130, "G_ACT", (1, 0, -1), 3, -1)], "nRP: G_ACT 10 ticks after PIM_PREC"),
        ([LEGAL[0], LoggedCommand(300, "REFab", (0, -1, -1), -1, -1)], "row: REFab while bank"),
        ([LoggedCommand(1, "ACT", (0, 0, 0), 3, -1), LoggedCommand(20, "GWRITE", (0, 0, 0), 3, -1),
          LoggedCommand(60, "RD", (0, 0, 0), 3, 1)], "32 * (nCCDS + nCCDL): RD 40 ticks after GWRITE"),
        ([LoggedCommand(1, "READRES", (-1, -1, -1), -1, -1), LoggedCommand(2, "READRES", (-1, -1, -1), -1, -1)],
         "nCCDL: READRES 1 ticks after READRES"),
        ([LoggedCommand(1, "P_HEADER", (-1, -1, -1), -1, -1), LoggedCommand(1, "ACT", (0, 0, 0), 3, -1)], "bus: ACT"),
    ],
)  # fmt: skip
def test_the_checkers_find_what_is_planted(log: list[LoggedCommand], rule: str) -> None:
    found = [str(violation) for violation in check_log(dual(), log, refresh="none")]
    assert any(rule in text for text in found), found


def test_the_same_log_is_illegal_with_one_row_buffer() -> None:
    found = [str(violation) for violation in check_log(standard(SINGLE), LEGAL, refresh="none")]
    assert any("row: ACT while bank (0, 0, 1) is open" in text for text in found), found


def test_the_bulk_checker_keeps_the_row_buffers_apart() -> None:
    found, _ = run(dual(), reads(300), TILES)
    assert found.issued is not None
    assert not count_violations(dual(), found.issued)
    assert count_violations(standard(SINGLE), found.issued)["row"] > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"near_bank": "concurrent", "near_bank_slack": 0, "age_limit": 100}, "does not go with age_limit"),
        ({"near_bank": "exclusive", "near_bank_slack": 3}, "needs near_bank: concurrent"),
        ({"near_bank": "concurrent", "near_bank_slack": 0, "scheduler": "BANK_QUEUES"}, "serves no near-bank commands"),
    ],
)
def test_policies_that_exclude_each_other_are_named(changes: dict[str, object], message: str) -> None:
    from simulator.config.policy_checks import policy_faults

    assert any(message in fault.message for fault in policy_faults(dual(**changes)))


def test_a_closer_of_the_other_row_buffer_is_named() -> None:
    from simulator.config.policy_checks import policy_faults

    spec = standard(DUAL)
    wrong = spec.commands | {"COMP": spec.commands["COMP"].model_copy(update={"closer": "PREpb"})}
    faults = [fault.message for fault in policy_faults(spec.model_copy(update={"commands": wrong}))]
    assert any("'PREpb' changes the row buffer 'memory', 'COMP' needs 'pim'" in text for text in faults)
