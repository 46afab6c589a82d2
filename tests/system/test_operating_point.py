"""The operating point of stacks: refresh and speed follow from temperature, and hotter is never faster."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tiny import Log, workload

from simulator.api import load_arch, load_workload, simulate
from simulator.errors import ConfigError
from simulator.metrics.result import Result
from simulator.system.operating_point import OperatingPoint, at, temperature_trace, thermal_spec
from simulator.workload.scenario import Workload

JOB: Workload = workload(prompt_tokens=64, output_tokens=4)

LLAMA = load_workload("llama2_7b_512_64").model
BUSY: Workload = workload(
    model=LLAMA.__class__(**({key: getattr(LLAMA, key) for key in LLAMA.__slots__} | {"n_layers": 2})),
    prompt_tokens=4,
    output_tokens=6,
)
"""Two layers of Llama-2-7B: heat enough to matter."""


def run(*overrides: str, arch: str = "ndp3d_hybrid_bonded", job: Workload = JOB) -> Result:
    return simulate(load_arch(arch, overrides), job)


def test_a_cool_stack_runs_at_full_speed_with_the_normal_refresh() -> None:
    thermal = run().thermal
    assert thermal is not None
    assert (thermal.refresh_factor, thermal.speed, thermal.runs) == (1, 1.0, 1)
    assert thermal.within_limit
    assert thermal.converged


def test_temperatures_follow_from_the_energy_of_the_result() -> None:
    result = run("thermal.leakage.doubling_c=1e9")
    thermal = result.thermal
    assert thermal is not None
    inside = {c: j for c, j in result.energy_j.by_component.items() if c not in ("host", "pcie")}
    heat_w = sum(inside.values()) / (result.time_ps * 1e-12)
    assert sum(thermal.power_w.values()) == pytest.approx(heat_w, rel=1e-9)
    # All heat leaves through the heat sink.
    assert thermal.temperature_c["sink"] == pytest.approx(35 + 0.2 * heat_w)
    on_dram = result.energy_j.by_component["memory"] / (result.time_ps * 1e-12)
    assert thermal.power_w["dram_3"] == pytest.approx(on_dram / 8)
    below_w = heat_w
    for die, next_die in (("sink", "dram_0"), ("dram_0", "dram_1"), ("dram_6", "dram_7")):
        below_w = sum(
            w for node, w in thermal.power_w.items() if list(thermal.power_w).index(node) >= index_of(next_die)
        )
        rise = thermal.temperature_c[next_die] - thermal.temperature_c[die]
        assert rise == pytest.approx(0.058 * below_w)


def index_of(node: str) -> int:
    return ["sink", *(f"dram_{i}" for i in range(8)), "logic"].index(node)


def test_leakage_at_the_temperature_found_is_in_the_energy() -> None:
    warm, cold = run("thermal.ambient_c=55"), run("thermal.ambient_c=5")
    assert warm.thermal is not None
    assert cold.thermal is not None
    assert (warm.time_ps, warm.commands) == (cold.time_ps, cold.commands)
    grown = [2 ** ((r.thermal.temperature_c["logic"] - 60) / 25) for r in (warm, cold) if r.thermal]
    seconds = warm.time_ps * 1e-12
    difference = warm.energy_j.by_component["matrix"] - cold.energy_j.by_component["matrix"]
    assert difference == pytest.approx(3.2 * 0.5 * (grown[0] - grown[1]) * seconds)
    assert warm.energy_j.by_component["host"] == cold.energy_j.by_component["host"]


def test_above_85_c_the_memory_refreshes_twice_as_often() -> None:
    job = workload(prompt_tokens=200, output_tokens=12)
    hot, cool = run("thermal.ambient_c=84", job=job), run(job=job)
    assert hot.thermal is not None
    assert hot.thermal.refresh_factor == 2
    assert hot.thermal.temperature_c["dram_7"] > 85
    per_ps = [result.commands["REFab"] / result.time_ps for result in (hot, cool)]
    assert per_ps[0] / per_ps[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("arch", ["ndp3d_tsv", "ndp3d_hybrid_bonded"])
def test_a_hotter_ambient_is_never_faster(arch: str) -> None:
    results = [run(f"thermal.ambient_c={celsius}", arch=arch) for celsius in (20, 60, 76, 84, 90)]
    assert all(result.thermal for result in results)
    times = [result.time_ps for result in results]
    assert times == sorted(times)
    speeds = [result.thermal.speed for result in results if result.thermal]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] < speeds[0]


def test_a_stack_above_its_limit_slows_down_until_it_is_within() -> None:
    hot = ("thermal.sink.resistance_k_per_w=0.9", "host.sampling_ns=0")
    free, held = (run(*hot, f"thermal.throttle.policy={p}", arch="ndp3d_tsv", job=BUSY) for p in ("none", "steps"))
    assert free.thermal is not None
    assert held.thermal is not None
    assert (free.thermal.within_limit, free.thermal.speed) == (False, 1.0)
    assert held.thermal.within_limit
    assert held.thermal.speed < 1
    assert held.time_ps > free.time_ps
    assert held.thermal.hottest_c < 95 < free.thermal.hottest_c


def test_a_stack_that_no_step_saves_says_so() -> None:
    thermal = run("thermal.ambient_c=100").thermal
    assert thermal is not None
    assert not thermal.within_limit
    assert thermal.speed == 0.2


def test_leakage_that_runs_away_is_in_the_result() -> None:
    thermal = run(
        "thermal.leakage.doubling_c=1", "thermal.leakage.reference_c=45", "thermal.sink.resistance_k_per_w=5"
    ).thermal
    assert thermal is not None
    assert not thermal.converged
    assert not thermal.within_limit


def test_a_point_changes_the_platform_and_nothing_else() -> None:
    platform = load_arch("ndp3d_tsv").spec
    spec = thermal_spec(platform)
    assert spec is not None
    slow = at(platform, spec, OperatingPoint(refresh_factor=2, step=2)).components
    assert slow["memory"].dram.timings["nREFI"] == 6240 // 2  # type: ignore[attr-defined]
    assert slow["memory"].pace == 0.6  # type: ignore[attr-defined]
    assert slow["matrix"].clock_mhz == pytest.approx(600)  # type: ignore[attr-defined]
    assert {n for n, part in slow.items() if part != platform.components[n]} == {"memory", "matrix", "vector"}
    assert at(platform, spec, OperatingPoint()) == platform


def test_observers_see_one_run_at_the_operating_point_found() -> None:
    log = Log()
    arch = load_arch("ndp3d_tsv", ["thermal.ambient_c=84"])
    result = simulate(arch, JOB, hooks=[log])
    assert result.thermal is not None
    assert result.thermal.runs > 1
    ends = [line[1] for line in log.lines if line[0] == "finish"]
    assert max(ends) == result.time_ps
    assert ends == sorted(ends)


def test_the_transient_starts_at_the_ambient_and_stays_below_the_steady_state_of_its_power() -> None:
    arch = load_arch("ndp3d_tsv")
    trace = temperature_trace(arch.spec)
    result = simulate(arch, JOB, hooks=[trace])
    assert result.thermal is not None
    assert len(trace.times_s) == 4
    assert trace.times_s[-1] == pytest.approx(result.time_ps * 1e-12)
    # Such a short run hardly warms the heat sink.
    assert all(35 <= celsius < 35.1 for celsius in trace.temperatures_c["sink"])
    assert trace.temperatures_c["logic"][-1] > 35


def test_a_platform_without_a_thermal_part_has_no_temperatures() -> None:
    assert simulate(load_arch("hbm3_npu"), JOB).thermal is None
    with pytest.raises(ConfigError, match="hbm3_npu has no component of the kind 'thermal'"):
        temperature_trace(load_arch("hbm3_npu").spec)


NO_FEEDBACK = ("host.sampling_ns=0", "thermal.refresh.above_c=1000", "thermal.throttle.policy=none")
ROUNDING = 1.02
"""Refreshes fall on other ops when times change."""


@pytest.mark.parametrize("arch", ["ndp3d_tsv", "ndp3d_hybrid_bonded"])
def test_at_one_operating_point_more_work_never_takes_less_time(arch: str) -> None:
    contexts, batches = (4, 64, 512, 900), (1, 2, 7, 32)
    by_context = [run(*NO_FEEDBACK, arch=arch, job=workload(prompt_tokens=n, output_tokens=2)) for n in contexts]
    by_batch = [run(*NO_FEEDBACK, arch=arch, job=workload(batch=n, output_tokens=2)) for n in batches]
    for results in (by_context, by_batch):
        times = [result.latency.tpot_s or 0 for result in results]
        assert all(less <= more * ROUNDING for less, more in pairwise(times))
        assert times[0] < times[-1]
