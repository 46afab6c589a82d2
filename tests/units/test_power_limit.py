"""Power limit of a GPU: clock and voltage that give way, what attention kernels multiply, and whole runs under it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import components, platform, product, run_alone
from test_processors import attention

from simulator import api
from simulator.hooks import Hooks, Instrument
from simulator.system.builder import System, build_system
from simulator.units.processors.power_limit import Load, PowerLimit, clock_under

LIMIT = PowerLimit(limit_w=400, least_clock=0.2, knee_clock=0.5, least_voltage=0.7)

LOADS = st.builds(
    Load,
    core_ps=st.integers(0, 10**9),
    other_ps=st.integers(1, 10**9),
    after_ps=st.integers(0, 10**6),
    core_pj=st.floats(0, 1e12),
    other_pj=st.floats(0, 1e11),
    clocked_w=st.floats(0, 300),
    other_w=st.floats(0, 150),
)


class Counted(Instrument):
    """Actions by component, in all."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], float] = {}

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        self.of[component, action] = self.of.get((component, action), 0) + count


def wired(name: str = "a100_sxm_80g", changes: dict[str, dict[str, Any]] | None = None, *hooks: Instrument) -> System:
    return build_system(platform(components(name, changes), "one_processor"), hooks=Hooks(list(hooks)))


def watts(system: System, counted: Counted, took_ps: int) -> float:
    tables = {name: component.energy_table() for name, component in system.components.items()}
    spent_pj = sum(count * sum(tables[name][action].values()) for (name, action), count in counted.of.items())
    rest_w = sum(w for part in system.static_power_w(1).values() for w in part.values())
    return rest_w + spent_pj / took_ps


@given(LOADS, st.floats(0.2, 1))
def test_the_clock_is_the_highest_that_keeps_the_limit(load: Load, other: float) -> None:
    clock = clock_under(LIMIT, load)
    kept = load.power_w(clock, LIMIT.voltage(clock)) <= LIMIT.limit_w * (1 + 1e-6)
    assert kept or clock == LIMIT.least_clock
    if other > clock + 1e-6:
        assert load.power_w(other, LIMIT.voltage(other)) > LIMIT.limit_w


def test_voltage_falls_with_the_clock_down_to_its_knee() -> None:
    assert [LIMIT.voltage(clock) for clock in (1.0, 0.75, 0.5, 0.3)] == pytest.approx([1.0, 0.85, 0.7, 0.7])


def test_a_long_product_on_an_a100_is_as_fast_as_was_measured_at_its_limit() -> None:
    counted = Counted()
    system = wired("a100_sxm_80g", None, counted)
    op = product(8192, 8192, 8192)
    took_ps = run_alone(system, op)
    assert op.flops / took_ps == pytest.approx(257, rel=0.03)
    assert watts(system, counted, took_ps) == pytest.approx(400, rel=0.01)


def test_one_op_by_itself_runs_at_full_clock() -> None:
    op = product(8192, 8192, 8192)
    system = wired()
    system.around.sustained = False
    short_ps = run_alone(system, op)
    assert short_ps < 0.95 * run_alone(wired(), op)
    alone = api.run_op(api.load_arch("a100_sxm_80g"), "gemm", (8192, 8192), batch=8192)
    assert alone["time_ps"] == pytest.approx(short_ps, rel=0.01)


@pytest.mark.parametrize("name", ["h100_sxm", "a100_pcie_80g", "l4", "mi210"])
def test_a_prompt_never_draws_more_than_the_board_may(name: str) -> None:
    arch = api.load_arch(name)
    workload = api.load_workload("decode_512", ["model=llama32_1b", "batch=8", "prompt_tokens=1024", "output_tokens=1"])
    result = api.simulate(arch, workload)
    limit_w = arch.values["components"]["gpu"]["power_limit"]["limit_w"]
    assert result.energy_j.total / result.latency.e2e_s < 1.01 * limit_w


def test_a_flash_decoding_kernel_multiplies_all_rows_of_its_tile() -> None:
    macs = {}
    for rows in (0, 64, 128):
        counted = Counted()
        system = wired("a100_sxm_80g", {"stack": {"attention_rows": rows, "shared_heads": True}}, counted)
        system.around.sustained = False
        run_alone(system, attention(8, 512))
        macs[rows] = counted.of["gpu", "multiply_add_16"], counted.of.get(("gpu", "lane_op"), 0)
    useful = attention(8, 512).flops // 2
    assert [n for n, _ in macs.values()] == [4 * useful, 16 * useful, 32 * useful]
    assert 0 == macs[0][1] < macs[64][1] < macs[128][1]
