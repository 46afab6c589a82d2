"""Columns of a sweep: fronts against brute force, explained variance against closed forms."""

from __future__ import annotations

import math

import pytest
from drawn_runs import sweep
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.sweep_columns import Column, axes_of, columns, explained, front_of

values = st.integers(0, 8).map(float)


@given(st.lists(st.tuples(values, values), max_size=30), st.booleans(), st.booleans())
def test_a_front_holds_each_pair_of_figures_that_nothing_beats(
    points: list[tuple[float, float]], low_x: bool, low_y: bool
) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    costs = {(x if low_x else -x, y if low_y else -y) for x, y in points}
    best = {c for c in costs if not any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in costs)}
    found = [
        (xs[n] if low_x else -xs[n], ys[n] if low_y else -ys[n]) for n in front_of(xs, ys, low_x=low_x, low_y=low_y)
    ]
    assert found == sorted(best)


def test_points_without_a_figure_are_on_no_front() -> None:
    assert front_of([1.0, math.nan, 3.0], [1.0, 0.0, 2.0], low_x=True, low_y=False) == [0, 2]


def test_an_axis_explains_all_nothing_or_its_share() -> None:
    a, b = Column("a", [0, 0, 1, 1]), Column("b", [0, 1, 0, 1])
    assert explained(a, [5.0, 5.0, 9.0, 9.0]) == pytest.approx(1)
    assert explained(b, [5.0, 5.0, 9.0, 9.0]) == pytest.approx(0)
    both = [3.0 * x + 4.0 * y for x, y in zip(a.numbers, b.numbers, strict=True)]
    assert explained(a, both) == pytest.approx(9 / 25)
    assert explained(b, both) == pytest.approx(16 / 25)
    assert explained(a, [1.0] * 4) == 0


def test_a_drawn_axis_is_gathered_into_bins() -> None:
    drawn = Column("x", [n / 1000 for n in range(1000)])
    assert explained(drawn, [float(n) for n in range(1000)]) == pytest.approx(0.99, abs=0.001)


def test_columns_are_the_axes_that_vary_and_the_figures_there_are() -> None:
    names = [column.name for column in columns(sweep())]
    assert names[:3] == ["memory.channels", "workload.batch", "memory.dram.controller.page_policy"]
    assert names[3:] == ["tokens_per_s", "power_w", "tokens_per_j", "latency.tpot_s"]
    assert [column.name for column in axes_of(sweep(channels=1))] == names[1:3]
    page = columns(sweep())[2]
    assert page.categories == ("open", "closed")
    assert set(page.numbers) == {0.0, 1.0}
