"""Pareto fronts and hypervolumes against their definitions."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.explore.columns import Objective, Row, best, fixed_columns, objective
from simulator.explore.pareto import Costs, front, hypervolume

OBJECTIVES = (Objective("fast", "max"), Objective("cheap", "min"), Objective("small", "min"))
SIDE = 5
FIGURES = st.lists(st.tuples(*[st.integers(0, SIDE)] * 3), max_size=12)


def rows_of(figures: list[tuple[int, ...]]) -> list[Row]:
    return [{"fast": a, "cheap": b, "small": c} for a, b, c in figures]


@given(FIGURES)
def test_the_front_is_what_nothing_dominates(figures: list[tuple[int, ...]]) -> None:
    rows = rows_of(figures)

    def dominates(one: Row, other: Row) -> bool:
        pairs = [(o.cost(one) or 0, o.cost(other) or 0) for o in OBJECTIVES]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    expected = {tuple(row.values()) for row in rows if not any(dominates(other, row) for other in rows)}
    found = [tuple(row.values()) for row in front(rows, OBJECTIVES)]
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [row[0] for row in found] == sorted((row[0] for row in found), reverse=True)


@given(FIGURES)
def test_the_hypervolume_is_the_number_of_dominated_cells(points: list[Costs]) -> None:
    reference = (SIDE,) * 3
    cells = product(range(SIDE), repeat=3)
    dominated = sum(any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in points) for cell in cells)
    assert hypervolume(points, reference) == dominated


def test_rows_without_a_figure_are_on_no_front() -> None:
    rows: list[Row] = [{"fast": None, "cheap": 1}, {"fast": 2, "cheap": 5}, {"cheap": 0}, {"fast": True, "cheap": 0}]
    assert front(rows, OBJECTIVES[:2]) == [rows[1]]
    assert best(rows, OBJECTIVES[0]) == rows[1]


def test_figures_know_which_way_is_better() -> None:
    assert objective("tokens_per_s").direction == objective("utilization.memory").direction == "max"
    assert objective("power_w").direction == objective("latency.ttft_s").direction == "min"
    assert objective({"capacity.available_bytes": "max"}).direction == "max"
    with pytest.raises(ValueError, match=r"there is no column 'energy_j\.by_klass\.host' in a result; nearest"):
        objective("energy_j.by_klass.host")
    assert {"tokens_per_s", "latency.tpot_s", "energy_j.total", "energy_j.by_class"} <= fixed_columns().keys()
