"""Time by stage and by op kind."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ConservationError
from simulator.metrics.latency import OpKindTimes, TokenTimes
from simulator.metrics.result import WAITING
from simulator.metrics.stage import Stage


def decode_times(*marks: tuple[int, str, str]) -> dict[str, float]:
    """Time by op kind of (time, "+" or "-", kind) marks in the decode stage."""
    times = OpKindTimes(Stage(name="decode"))
    for time_ps, sign, kind in marks:
        (times.op_started if sign == "+" else times.op_finished)(time_ps, kind, kind, "unit")
    return times.by_kind_ps()["decode"]


def test_ops_that_run_together_share_the_time() -> None:
    marks = [(0, "+", "gate"), (40, "+", "up"), (100, "-", "gate"), (110, "-", "up")]
    assert decode_times(*marks) == {"gate": 40 + 30, "up": 30 + 10}


def test_an_odd_picosecond_goes_to_the_op_that_started_first() -> None:
    assert decode_times((0, "+", "gate"), (0, "+", "up"), (3, "-", "gate"), (3, "-", "up")) == {"gate": 2, "up": 1}


def test_time_without_an_op_is_waiting() -> None:
    marks = [(5, "+", "gate"), (10, "-", "gate"), (12, "+", "up"), (20, "-", "up")]
    assert decode_times(*marks) == {"gate": 5, "up": 8, WAITING: 5 + 2}


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 1000)), min_size=1, max_size=12))
def test_shares_of_random_overlapping_ops_sum_to_the_elapsed_time(spans: Sequence[tuple[int, int]]) -> None:
    marks = [(start, 1, i) for i, (start, _) in enumerate(spans)]
    marks += [(start + length, 0, i) for i, (start, length) in enumerate(spans)]
    times = OpKindTimes(Stage(name="decode"))
    for time_ps, starts, index in sorted(marks):
        (times.op_started if starts else times.op_finished)(time_ps, f"op{index}", f"kind{index % 3}", "unit")
    assert sum(times.by_kind_ps()["decode"].values()) == max(start + length for start, length in spans)


def test_an_op_reported_in_the_past_is_an_error() -> None:
    with pytest.raises(ConservationError, match="reported at 5 ps after one at 10 ps"):
        decode_times((10, "+", "gate"), (5, "+", "up"))


def test_a_token_before_the_one_it_follows_is_an_error() -> None:
    tokens = TokenTimes(Stage())
    tokens.token_done(100, 0)
    with pytest.raises(ConservationError, match="token 1 is done at 99 ps"):
        tokens.token_done(99, 1)


def test_stage_times_are_weighted_by_the_steps_they_stand_for() -> None:
    stage = Stage()
    tokens = TokenTimes(stage)
    tokens.token_done(1000, 0)
    stage.name = "decode"
    stage.weigh(4)
    tokens.token_done(1010, 1)
    assert tokens.stage_ps() == {"prefill": 1000, "decode": 40}
    assert tokens.steps["decode"] == 4
