"""The thermal network against solutions by hand, and what physics forbids."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.metrics.thermal_network import Network

POWERS = st.lists(st.floats(0, 100), min_size=3, max_size=3).map(np.array)
CHAIN = Network((0.5, 0.1, 0.2), (50.0, 0.01, 0.02))


def test_one_node_is_ambient_plus_power_times_resistance() -> None:
    assert Network((0.5,), (1.0,)).steady_c(np.array([40.0]), 35) == pytest.approx([55.0])


def test_in_a_chain_all_the_heat_below_crosses_each_resistance() -> None:
    # 10 W in the sink, 20 W in the die next to it, 30 W in the last: 60, 50 and 30 W through 0.5, 0.1 and 0.2 K/W.
    found = CHAIN.steady_c(np.array([10.0, 20.0, 30.0]), 25)
    assert found == pytest.approx([25 + 30, 25 + 30 + 5, 25 + 30 + 5 + 6])


def test_a_path_through_the_board_divides_the_heat() -> None:
    # One node between 1 K/W and 3 K/W to the same ambient: 0.75 K/W.
    network = Network((1.0,), (1.0,), board_k_per_w=3.0)
    assert network.steady_c(np.array([8.0]), 20) == pytest.approx([26.0])


def test_one_node_warms_up_as_an_exponential() -> None:
    network = Network((2.0,), (5.0,))
    warm = network.after_c(np.array([25.0]), np.array([10.0]), 25, seconds=7)
    assert warm == pytest.approx([25 + 20 * (1 - math.exp(-7 / 10))])


@given(power=POWERS, seconds=st.floats(1e-6, 100), parts=st.integers(2, 5))
def test_a_stretch_of_time_is_the_sum_of_its_parts(power: np.ndarray, seconds: float, parts: int) -> None:
    start = np.array([30.0, 50.0, 40.0])
    whole = CHAIN.after_c(start, power, 25, seconds)
    for _ in range(parts):
        start = CHAIN.after_c(start, power, 25, seconds / parts)
    assert start == pytest.approx(whole, abs=1e-6)


@given(power=POWERS)
def test_after_long_enough_the_steady_state_is_reached_and_stays(power: np.ndarray) -> None:
    steady = CHAIN.steady_c(power, 25)
    assert CHAIN.after_c(np.full(3, 25.0), power, 25, 1e4) == pytest.approx(steady, abs=1e-6)
    assert CHAIN.after_c(steady, power, 25, 1.0) == pytest.approx(steady, abs=1e-6)


@given(power=POWERS, more=POWERS)
def test_more_heat_anywhere_cools_nothing(power: np.ndarray, more: np.ndarray) -> None:
    assert (CHAIN.steady_c(power + more, 25) >= CHAIN.steady_c(power, 25) - 1e-9).all()


@settings(max_examples=15)
@given(power=POWERS, seconds=st.floats(1e-5, 0.2))
def test_energy_in_is_energy_stored_and_energy_out(power: np.ndarray, seconds: float) -> None:
    start = np.full(3, 25.0)
    steps = 400
    out = 0.0
    for _ in range(steps):
        after = CHAIN.after_c(start, power, 25, seconds / steps)
        out += ((start[0] + after[0]) / 2 - 25) / 0.5 * seconds / steps
        start = after
    stored = float(np.dot(CHAIN.capacities_j_per_k, start - 25))
    assert stored + out == pytest.approx(power.sum() * seconds, rel=1e-3, abs=1e-9)
