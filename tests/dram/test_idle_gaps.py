"""Gaps between requests: sleeping channels draw less, wake late, and are the same under both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import standard

from simulator.config.dram_schema import Dram
from simulator.config.energy import resolve_energy
from simulator.config.timing import clocks, resolve_dram
from simulator.dram.checker import check_log
from simulator.dram.device import Device, RequestList
from simulator.dram.idle_gaps import IdleRun, run_with_idle_states
from simulator.dram.reference_device import ReferenceDevice
from simulator.dram.replay import logged, replay_run

DOWN, ASLEEP = "power_down_after_ps", "self_refresh_after_ps"
DDR4 = "ddr4_3200_8gb_x8"


def sleepy(name: str, **idle: int) -> Dram:
    """A standard with an idle policy."""
    spec = standard(name)
    policy = spec.controller.idle.model_copy(update=idle)
    return spec.model_copy(update={"controller": spec.controller.model_copy(update={"idle": policy})})


def reads(arrivals: list[int], bank: int = 0) -> RequestList:
    """Reads of one row, each when it arrives."""
    zeros = np.zeros(len(arrivals), dtype=np.int64)
    return RequestList(zeros == 1, zeros + bank, zeros, zeros, np.array(arrivals, dtype=np.int64))


def served(spec: Dram, arrivals: list[int]) -> IdleRun:
    return run_with_idle_states(Device(spec), reads(arrivals))


def energy_j(spec: Dram, idle: IdleRun) -> float:
    return replay_run(spec, idle.run, 0.0, idle.saved_pj).energy_j


def test_without_gaps_nothing_changes() -> None:
    spec = sleepy(DDR4, **{DOWN: 1_000_000})
    plain = Device(spec).run_requests(reads([0] * 50), log=True)
    found = served(spec, [0] * 50)
    assert found.saved_pj == 0
    assert found.run.completions.tolist() == plain.completions.tolist()


def test_a_read_after_a_gap_waits_for_the_exit_from_power_down() -> None:
    spec = sleepy(DDR4, **{DOWN: 100_000})
    late = 5000
    plain = Device(spec).run_requests(reads([0, late]))
    found = served(spec, [0, late]).run
    assert found.completions[0] == plain.completions[0]
    assert found.completions[1] - plain.completions[1] == clocks(spec)["nXP"]


def test_active_power_down_saves_the_difference_to_standing_by_with_the_row_open() -> None:
    spec = sleepy(DDR4, **{DOWN: 100_000})
    late, done = 5000, int(Device(spec).run_requests(reads([0])).completions[0])
    energy = resolve_energy(spec)
    assert energy.power_down_active_mw is not None
    one_open = energy.precharged_mw + energy.rank_open_mw + energy.bank_open_mw
    ticks = late - done - 100_000 // spec.tCK_ps
    expected_pj = (one_open - energy.power_down_active_mw) * ticks * spec.tCK_ps * 1e-3
    assert served(spec, [0, late]).saved_pj == pytest.approx(expected_pj)


def test_self_refresh_begins_at_a_refresh_and_replaces_the_later_ones() -> None:
    spec = sleepy(DDR4, **{ASLEEP: 1_000_000})
    interval = resolve_dram(spec).refresh_interval
    late = 10 * interval + interval // 2
    plain = Device(spec).run_requests(reads([0, late]))
    found = served(spec, [0, late]).run
    assert (plain.commands["REFab"], found.commands["REFab"]) == (10, 1)
    assert found.completions[1] - plain.completions[1] == clocks(spec)["nXS"]
    assert found.issued is not None
    assert check_log(spec, logged(spec, found.issued, 0)) == []


@pytest.mark.parametrize("idle", [{DOWN: 50_000}, {ASLEEP: 200_000}, {DOWN: 50_000, ASLEEP: 8_000_000}])
@pytest.mark.parametrize("name", [DDR4, "ddr5_5600_16gb_x8", "lpddr5_6400_16gb_x16", "gddr6_16g_8gb", "hbm3_6.4g"])
def test_a_sparse_list_takes_no_less_time_and_less_energy(name: str, idle: dict[str, int]) -> None:
    spec = sleepy(name, **idle)
    interval = resolve_dram(spec).refresh_interval
    arrivals = [k * 3 * interval + j for k in range(5) for j in range(4)]
    awake, found = served(standard(name), arrivals), served(spec, arrivals)
    assert awake.saved_pj == 0
    assert (found.run.completions >= awake.run.completions).all()
    assert energy_j(spec, found) < energy_j(spec, awake)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_both_engines_sleep_and_wake_alike(data: st.DataObject) -> None:
    idle: dict[str, Any] = data.draw(st.sampled_from([{DOWN: 20_000}, {DOWN: 20_000, ASLEEP: 4_000_000}]))
    spec = sleepy(data.draw(st.sampled_from([DDR4, "hbm3_6.4g"])), **idle)
    pauses = data.draw(st.lists(st.sampled_from([0, 1, 40, 300, 5000, 30_000]), min_size=1, max_size=12))
    requests = reads(np.cumsum(pauses).tolist())
    compiled, reference = (run_with_idle_states(engine(spec), requests) for engine in (Device, ReferenceDevice))
    assert compiled.run.completions.tolist() == reference.run.completions.tolist()
    assert compiled.run.commands == reference.run.commands
    assert compiled.saved_pj == reference.saved_pj
