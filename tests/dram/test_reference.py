"""The reference engine does what docs/dram-engine.md says: queues, scheduling, refresh, modes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    NEAR_BANK_STANDARDS,
    PAGE_POLICIES,
    SCHEDULERS,
    STANDARDS,
    programs,
    refresh_policies,
    request_lists,
    standard,
    with_policy,
)

from simulator.dram.checker import check_log
from simulator.dram.reference import MemoryRequest, ProgramEntry, ReferenceRun, run_reference
from simulator.errors import SimulationStalled

HBM2 = "hbm2_2.0g"


def issued(run: ReferenceRun, *commands: str) -> list[tuple[str, int]]:
    """Commands of the given names with their rows."""
    return [(entry.command, entry.row) for entry in run.log if entry.command in commands]


@pytest.mark.parametrize("name", STANDARDS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_random_work_is_finished_legally(name: str, data: st.DataObject) -> None:
    refresh = data.draw(refresh_policies(standard(name)))
    page_policy, scheduler = data.draw(PAGE_POLICIES), data.draw(SCHEDULERS)
    spec = with_policy(standard(name), page_policy=page_policy, refresh=refresh, scheduler=scheduler)
    requests = data.draw(request_lists(spec))
    program = data.draw(programs(spec, max_size=6))
    run = run_reference(spec, requests, program)
    assert check_log(spec, run.log) == []
    moved = sum(run.counts.get(command, 0) for command in ("RD", "RDA", "WR", "WRA"))
    assert moved == len(requests) or "forward_any_read" in spec.controller.quirks
    for command in {entry.command for entry in program}:
        assert run.counts[command] == sum(entry.count for entry in program if entry.command == command)
    assert run.end_tick >= max(run.completions, default=0)
    assert all(done >= request.arrival for done, request in zip(run.completions, requests, strict=True))


def test_no_work_takes_no_time() -> None:
    run = run_reference(standard(HBM2))
    assert (run.end_tick, run.log, run.counts) == (0, (), {})


def test_a_single_read_completes_after_activation_and_latency() -> None:
    run = run_reference(standard(HBM2), [MemoryRequest("R", 5, 7, 9, arrival=100)])
    assert [(e.tick, e.command, e.address, e.row, e.column) for e in run.log] == [
        (100, "ACT", (0, 1, 1), 7, -1),
        (115, "RD", (0, 1, 1), 7, 9),
    ]
    assert run.completions == (131,)


def test_a_row_hit_overtakes_an_older_conflict_under_frfcfs_and_not_under_fcfs() -> None:
    stream = [MemoryRequest("R", 0, 0), MemoryRequest("R", 0, 1), MemoryRequest("R", 0, 0)]
    spec = with_policy(standard("gddr6_aim"), refresh="none")
    assert issued(run_reference(spec, stream), "RD") == [("RD", 0), ("RD", 0), ("RD", 1)]
    fcfs = run_reference(with_policy(spec, scheduler="FCFS"), stream)
    assert issued(fcfs, "RD") == [("RD", 0), ("RD", 1), ("RD", 0)]


def test_a_closed_page_is_precharged_with_the_last_access_that_anybody_waits_for() -> None:
    stream = [MemoryRequest("R", 0, 0), MemoryRequest("R", 0, 0, 1), MemoryRequest("W", 0, 1)]
    run = run_reference(standard(HBM2), stream, page_policy="closed", refresh="none")
    assert issued(run, "RD", "RDA", "WR", "WRA") == [("RD", 0), ("RDA", 0), ("WRA", 1)]
    assert "PREpb" not in run.counts


def test_a_precharge_waits_for_the_active_request_of_its_bank() -> None:
    spec = with_policy(standard(HBM2), refresh="none")
    run = run_reference(spec, [MemoryRequest("W", 0, 0), MemoryRequest("W", 0, 1)])
    assert [entry.command for entry in run.log] == ["ACT", "WR", "PREpb", "ACT", "WR"]


def test_reads_go_first_until_the_write_buffer_is_nearly_full() -> None:
    spec = with_policy(standard(HBM2), refresh="none")
    few = [MemoryRequest("W", 4, 0)] * 25 + [MemoryRequest("R", 0, 0)]
    many = [MemoryRequest("W", 4, 0)] * 26 + [MemoryRequest("R", 0, 0)]
    assert issued(run_reference(spec, few), "RD", "WR")[0][0] == "RD"
    assert issued(run_reference(spec, many), "RD", "WR")[0][0] == "WR"


def test_a_full_buffer_holds_up_everything_behind_it() -> None:
    spec = with_policy(standard(HBM2), refresh="none")
    stream = [MemoryRequest("R", 0, i) for i in range(33)] + [MemoryRequest("W", 4, 0)]
    log = run_reference(spec, stream).log
    write = next(entry.tick for entry in log if entry.command == "WR")
    first_read = next(entry.tick for entry in log if entry.command == "RD")
    assert write > first_read


def test_refresh_comes_at_each_multiple_of_its_interval_and_blocks_new_work() -> None:
    spec = standard("hbm2_pim")
    stream = [MemoryRequest("R", bank, 0, arrival=3895 + bank) for bank in range(16)]
    run = run_reference(spec, stream)
    refresh = next(entry.tick for entry in run.log if entry.command == "REFab")
    opened = [entry.tick for entry in run.log if entry.command == "ACT"]
    assert run.counts["REFab"] == 1
    assert [tick for tick in opened if 3900 <= tick < refresh] == []
    assert (
        min(tick for tick in opened if tick > refresh) >= refresh + 349
    )  # tRFC from last tick to last tick of a two-tick ACT


def test_refresh_is_generated_only_while_work_is_left() -> None:
    spec = standard("hbm2_pim")
    assert "REFab" not in run_reference(spec, [MemoryRequest("R", 0, 0, arrival=3800)]).counts
    late = run_reference(spec, [MemoryRequest("R", 0, 0, arrival=5 * 3900 - 1)])
    assert late.counts["REFab"] == 4


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
def test_an_all_bank_command_opens_every_bank_first(name: str) -> None:
    run = run_reference(standard(name), program=[ProgramEntry("MACab", 3, row=4)])
    openers = 1 if name == "gddr6_aim_ref" else 4
    assert [entry.command for entry in run.log][-3:] == ["MACab"] * 3
    assert sum(run.counts.values()) == openers + 3


def test_gang_activations_of_gddr6_aim_are_a_window_apart() -> None:
    run = run_reference(standard("gddr6_aim"), program=[ProgramEntry("MACab")])
    assert [entry.tick for entry in run.log if entry.command == "ACT4"] == [1, 43, 85, 127]


def test_a_gang_activation_reopens_a_half_open_bank_group() -> None:
    spec = standard("gddr6_aim")
    run = run_reference(spec, program=[ProgramEntry("MACpb", row=3, bank=1), ProgramEntry("MACab", row=3)])
    assert [entry.command for entry in run.log] == ["ACT", "MACpb", "ACT4", "ACT4", "ACT4", "ACT4", "MACab"]
    assert check_log(spec, run.log) == []


def test_a_register_command_switches_the_mode_once_for_a_run_of_them() -> None:
    program = [ProgramEntry("WRGB", 5), ProgramEntry("RDMACab"), ProgramEntry("MACab")]
    run = run_reference(standard("gddr6_aim_ref"), program=program)
    assert run.counts["TMOD"] == 2
    assert [entry.command for entry in run.log][:2] == ["TMOD", "WRGB"]


def test_any_write_forwards_to_any_read_only_with_the_quirk() -> None:
    stream = [MemoryRequest("W", 0, 0), MemoryRequest("R", 9, 5)]
    run = run_reference(standard("gddr6_aim_ref"), stream)
    assert run.completions[1] == 1
    assert "RD" not in run.counts
    assert run_reference(standard("gddr6_aim"), stream).counts["RD"] == 1


def test_the_near_bank_queue_goes_before_the_memory_buffers() -> None:
    run = run_reference(standard("hbm2_pim"), [MemoryRequest("R", 0, 0)], [ProgramEntry("MACab", 50, row=1)])
    assert [entry.command for entry in run.log][-4:] == ["MACab", "PREpb", "ACT", "RD"]


def test_work_that_can_never_issue_is_reported() -> None:
    spec = standard(HBM2)
    broken = spec.model_copy(
        update={"commands": spec.commands | {"RD": spec.commands["RD"].model_copy(update={"opener": None})}}
    )
    with pytest.raises(SimulationStalled, match="RD needs another row state"):
        run_reference(broken, [MemoryRequest("R", 0, 0)])
