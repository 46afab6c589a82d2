"""Heat, leakage and temperature in balance, against closed forms; the transient against the steady state."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.metrics.thermal import Stack, TemperatureTrace, by_class
from simulator.units.base import Environment, Surroundings
from simulator.units.thermal import Thermal, ThermalSpec

NO_LEAKAGE = 0.0


def stack(leakage_share: float = NO_LEAKAGE, doubling_c: float = 10.0, **changes: Any) -> Stack:
    """A sink of 1 K/W above two DRAM dies of 0.5 K/W and a logic die of 0.25 K/W; leakage is given at 25 C."""
    values: dict[str, Any] = {
        "kind": "thermal",
        "ambient_c": 25.0,
        "sink": {"resistance_k_per_w": 1.0, "heat_capacity_j_per_k": 10.0, "source": "test"},
        "dies": {
            "dram": {"count": 2, "resistance_k_per_w": 0.5, "heat_capacity_j_per_k": 0.1, "source": "test"},
            "logic": {"resistance_k_per_w": 0.25, "heat_capacity_j_per_k": 0.1, "source": "test"},
        },
        "heat": (
            {"component": "memory", "dies": "dram"},
            {"component": "matrix", "dies": "logic", "leakage_share": leakage_share},
        ),
        "outside": ("host",),
        "leakage": {"reference_c": 25.0, "doubling_c": doubling_c, "source": "test"},
        "throttle": {"policy": "none", "above_c": 95.0, "source": "test"},
    }
    spec = ThermalSpec.model_validate(values | changes)
    return Stack(Thermal("thermal", spec, Surroundings(Environment())))


def test_heat_is_shared_out_to_the_dies_and_what_is_outside_heats_nothing() -> None:
    dynamic = {("memory", "dram_array"): 4.0, ("matrix", "compute"): 3.0, ("host", "host"): 100.0}
    state = stack().settle(dynamic, {"matrix": {"static": 1.0}, "host": {"host": 50.0}})
    assert state.power_w == pytest.approx({"sink": 0, "dram_0": 2, "dram_1": 2, "logic": 4})
    assert state.temperature_c == pytest.approx({"sink": 33, "dram_0": 37, "dram_1": 40, "logic": 41})
    assert state.converged


def test_leakage_settles_where_both_curves_meet() -> None:
    found = stack(leakage_share=0.5, doubling_c=20.0)
    state = found.settle({("matrix", "compute"): 5.0}, {"matrix": {"static": 2.0}})
    assert state.converged
    # By hand: T = 25 + (1 + 0.5 + 0.5 + 0.25) (5 + 1 + 1 x 2^((T - 25) / 20)).
    celsius = state.temperature_c["logic"]
    assert celsius == pytest.approx(25 + 2.25 * (6 + 2 ** ((celsius - 25) / 20)), abs=1e-6)
    static = found.static_w(state.temperature_c, {"matrix": {"static": 2.0}, "host": {"host": 7.0}})
    assert static["matrix"]["static"] == pytest.approx(1 + 2 ** ((celsius - 25) / 20))
    assert static["host"] == {"host": 7.0}
    assert sum(state.power_w.values()) == pytest.approx(5 + static["matrix"]["static"])


def test_leakage_that_runs_away_is_told_not_hidden() -> None:
    state = stack(leakage_share=1.0, doubling_c=5.0).settle({}, {"matrix": {"static": 20.0}})
    assert not state.converged
    assert np.isfinite(list(state.temperature_c.values())).all()


@given(ambient=st.floats(-20, 60), more=st.floats(0, 20), watts=st.floats(0, 8), share=st.floats(0, 1))
def test_a_hotter_ambient_cools_nothing_and_never_saves_leakage(
    ambient: float, more: float, watts: float, share: float
) -> None:
    dynamic, static = {("memory", "dram_io"): watts, ("matrix", "compute"): watts}, {"matrix": {"static": 1.0}}
    cool, warm = (stack(share, 30.0, ambient_c=a).settle(dynamic, static) for a in (ambient, ambient + more))
    assert warm.hottest_c() >= cool.hottest_c() - 1e-6
    assert sum(warm.power_w.values()) >= sum(cool.power_w.values()) - 1e-6


def test_the_hottest_of_some_dies_leaves_the_others_and_the_sink_out() -> None:
    state = stack().settle({("matrix", "compute"): 10.0}, {})
    assert state.hottest_c(("dram_0", "dram_1")) == pytest.approx(25 + 20)
    assert state.hottest_c() == pytest.approx(25 + 22.5)


def test_a_trace_of_constant_power_ends_in_the_steady_state() -> None:
    found = stack()
    static = {"matrix": {"static": 2.0}}
    trace = TemperatureTrace(found, {"memory": {"RD": {"dram_array": 1000.0}}}, static)
    for step in range(1, 401):
        trace.activity("memory", "RD", 10**9, "qkv_proj")
        trace.token_done(step * 10**12, step)
    steady = found.settle({("memory", "dram_array"): 1.0}, static)
    assert {node: c[-1] for node, c in trace.temperatures_c.items()} == pytest.approx(steady.temperature_c, abs=1e-3)
    assert trace.times_s == [float(step) for step in range(1, 401)]
    hottest = trace.temperatures_c["logic"]
    assert all(a <= b + 1e-9 for a, b in pairwise(hottest))


def test_a_trace_lists_one_line_a_step() -> None:
    trace = TemperatureTrace(stack(), {}, {}, start_c=30.0)
    trace.token_done(0, 0)
    assert trace.to_csv() == "time_s,sink_c,dram_0_c,dram_1_c,logic_c\n0,30.0000,30.0000,30.0000,30.0000\n"


def test_power_of_two_classes_of_a_part_stays_apart() -> None:
    assert by_class({"a": {"static": 1.0, "host": 2.0}}) == {("a", "static"): 1.0, ("a", "host"): 2.0}
