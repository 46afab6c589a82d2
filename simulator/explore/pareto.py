"""Pareto fronts, and the volume that they dominate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from simulator.config.conditions import Condition
from simulator.config.tree import Scalar
from simulator.explore.columns import Objective, Row

Costs = tuple[float, ...]


def front(rows: Sequence[Row], objectives: Sequence[Objective]) -> list[Row]:
    """The rows that no other row beats in one objective without losing in another; best in the first objective first.

    Rows that lack a figure are left out; of rows with equal figures the first stands for all.
    """
    entries = sorted(
        ((costs, position) for position, row in enumerate(rows) if (costs := costs_of(row, objectives)) is not None),
    )
    kept: list[Costs] = []
    found: list[Row] = []
    for costs, position in entries:
        if not any(_covers(other, costs) for other in kept):
            kept.append(costs)
            found.append(rows[position])
    return found


def costs_of(row: Mapping[str, Scalar], objectives: Sequence[Objective]) -> Costs | None:
    """The objectives of a row as costs; None if one is missing."""
    costs = [objective.cost(row) for objective in objectives]
    return None if any(cost is None for cost in costs) else tuple(cost for cost in costs if cost is not None)


def feasible(rows: Sequence[Row], constraints: Sequence[Condition]) -> list[Row]:
    """The rows that are done and meet every constraint. Raises ValueError for figures that cannot be compared."""
    return [row for row in rows if row["status"] == "done" and all(c.holds(row) for c in constraints)]


def _covers(one: Costs, other: Costs) -> bool:
    """Whether ``one`` is nowhere worse; for costs in sorted order that makes ``other`` superfluous."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def hypervolume(points: Sequence[Costs], reference: Costs) -> float:
    """The volume between the costs ``points`` and ``reference``, which is worse than all that counts.

    By slices along the last objective: exact, and fast enough for the fronts of a sweep.
    """
    inside = [point for point in points if all(a < b for a, b in zip(point, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(point[0] for point in inside)
    inside.sort(key=lambda point: point[-1])
    edges = [point[-1] for point in inside] + [reference[-1]]
    volume = 0.0
    for count, (low, high) in enumerate(pairwise(edges), start=1):
        if high > low:
            volume += (high - low) * hypervolume([point[:-1] for point in inside[:count]], reference[:-1])
    return volume
