"""Busy time is the union of the busy intervals of a component, up to the last token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ConservationError
from simulator.metrics.bins import Bins
from simulator.metrics.stage import Stage
from simulator.metrics.utilization import PROFILE_BINS, Utilization

STEP_PS = 100
INTERVALS = st.lists(st.tuples(st.integers(0, STEP_PS - 1), st.integers(0, 150)), max_size=20)


@given(st.lists(INTERVALS, max_size=4))
def test_busy_time_is_the_size_of_the_union_within_the_run(steps: list[list[tuple[int, int]]]) -> None:
    utilization, covered = Utilization(Stage()), set()
    for number, step in enumerate(steps):
        utilization.flush()
        for start, length in step:
            begin = STEP_PS * number + start
            utilization.busy("memory", begin, begin + length, "stream")
            covered |= set(range(begin, begin + length))
        utilization.token_done(STEP_PS * (number + 1), number)
    run = set(range(STEP_PS * len(steps)))
    assert utilization.busy_ps().get("memory", 0) == len(covered & run)


def test_an_interval_across_two_steps_counts_in_each_with_its_weight() -> None:
    stage = Stage()
    utilization = Utilization(stage)
    utilization.busy("memory", 80, 130, "refresh")
    utilization.token_done(100, 0)
    utilization.flush()
    stage.weigh(10)
    utilization.token_done(200, 1)
    assert utilization.busy_ps() == {"memory": 20 + 10 * 30}


def test_a_component_that_is_always_busy_is_busy_for_the_whole_of_a_sampled_run() -> None:
    stage = Stage()
    utilization = Utilization(stage)
    for step, weight in enumerate((1, 2.5, 2.5)):
        utilization.flush()
        stage.weigh(weight)
        utilization.busy("memory", 100 * step, 100 * step + 107, "stream")
        utilization.token_done(100 * (step + 1), step)
    assert utilization.fractions(600) == {"memory": 1.0}


def test_a_component_busier_than_time_is_an_error() -> None:
    utilization = Utilization(Stage())
    utilization.busy("memory", 0, 101, "stream")
    utilization.token_done(101, 0)
    with pytest.raises(ConservationError, match="memory: busy for 101 ps of a run of 100 ps"):
        utilization.fractions(100)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (7, 6)])
def test_an_impossible_interval_is_an_error(start: int, end: int) -> None:
    with pytest.raises(ConservationError, match="memory: busy with stream from"):
        Utilization(Stage()).busy("memory", start, end, "stream")


@given(st.lists(st.tuples(st.integers(0, 4 * PROFILE_BINS), st.integers(0, 900)), max_size=12))
def test_a_profile_holds_the_union_of_the_busy_intervals_in_its_window(intervals: list[tuple[int, int]]) -> None:
    step_ps, blocks, start = 40 * PROFILE_BINS, 16, 10_000
    utilization = Utilization(Stage())
    utilization.token_done(start, 0)
    utilization.flush()
    utilization.busy("bus", start, start, "nothing")
    before, after = start + step_ps // 2 - step_ps // blocks - 1, start + step_ps // 2 + step_ps // blocks
    for at_ps, n_bytes in ((before, 5), (after - 1, 7), (after, 11)):
        utilization.transfer(at_ps, at_ps, "link", n_bytes, "bus")
    for begin, length in intervals:
        utilization.busy("bus", start + 8 * begin, start + 8 * begin + length, "stream")
    utilization.token_done(start + step_ps, 1)
    profile = utilization.profile(blocks)
    assert profile is not None
    window = range(profile.start_ps, profile.start_ps + profile.bin_ps * PROFILE_BINS)
    assert (len(window), window.start + window.stop) == (2 * step_ps // blocks, step_ps)
    union = {ps for begin, length in intervals for ps in range(8 * begin, 8 * begin + length)}
    assert profile.moved_bytes == {"bus: link": (0,) * (PROFILE_BINS - 1) + (7,)}
    assert sum(profile.busy["bus"]) * profile.bin_ps == pytest.approx(len(union & set(window)), abs=0.01 * PROFILE_BINS)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 10**9)), max_size=12))
def test_what_is_spread_over_bins_is_all_that_flows_within_them(amounts: list[tuple[int, int, int]]) -> None:
    bins = Bins(first_ps=1000, width_ps=10, count=100)
    flows = [(start, start + length, amount) for start, length, amount in amounts]
    inside = sum(
        amount * (min(end, 2000) - max(start, 1000)) / (end - start)
        for start, end, amount in flows
        if end > start and start < 2000 and end > 1000
    )
    inside += sum(amount for start, end, amount in flows if start == end and 1000 <= start < 2000)
    assert sum(bins.spread(flows)) == pytest.approx(inside, abs=bins.count / 2 + 1e-3)
    assert bins.spread([(1005, 1025, 200)])[:4] == (50, 100, 50, 0)


def test_a_step_of_fewer_than_two_blocks_has_no_profile() -> None:
    utilization = Utilization(Stage())
    utilization.busy("bus", 0, 5, "stream")
    utilization.token_done(10, 0)
    assert utilization.profile(1) is None
