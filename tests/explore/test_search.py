"""Searches with Optuna, on figures that are formulas of the axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from simulator.explore.columns import Row
from simulator.explore.outcome import Outcome
from simulator.explore.pareto import Costs, costs_of, hypervolume
from simulator.explore.plan import Plan
from simulator.explore.points import Point
from simulator.explore.search import search
from tests.explore.conftest import PlanOf

AXES: dict[str, Any] = {
    "memory.channels": {"low": 4, "high": 80, "step": 4},
    "workload.batch": [1, 2, 3, 4, 6, 8, 12, 16, 24, 32],
    "near_bank.accumulators": [2, 4, 8, 16, 32],
    "near_bank.activation": ["none", "near_bank"],
}
"""2,000 points."""


def figures(labels: Mapping[str, Any]) -> Row:
    """More channels and sums are faster and hungrier, with a knee that depends on the batch; the switch costs power."""
    channels, batch = labels["memory.channels"], labels["workload.batch"]
    lanes = min(channels * labels["near_bank.accumulators"], 40 * batch)
    speed = lanes * (1.1 if labels["near_bank.activation"] == "near_bank" else 1.0) / (1 + 0.01 * abs(channels - 40))
    return {"tokens_per_s": speed, "power_w": 10 + 0.5 * channels + 0.02 * lanes * lanes / channels + 0.3 * batch}


class Bench:
    """Evaluates by formula and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Point] = []

    def __call__(self, points: Sequence[Point]) -> Mapping[str, Outcome]:
        self.asked += points
        return {point.id: self.outcome(point) for point in self.asked}

    def outcome(self, point: Point) -> Outcome:
        if point.labels["memory.channels"] == 40:
            return Outcome(point.id, "failed", error="no figures")
        return Outcome(point.id, "done", figures(point.labels))

    def volume(self, plan: Plan) -> float:
        return volume(plan, [figures(p.labels) for p in self.asked if p.labels["memory.channels"] != 40])


def volume(plan: Plan, rows: Sequence[Row]) -> float:
    costs: list[Costs] = [found for row in rows if (found := costs_of(row, plan.objectives)) is not None]
    return hypervolume(costs, (0.0, 120.0))


def searched(plan: Plan) -> Bench:
    bench = Bench()
    search(plan, bench)
    return bench


def test_nsga2_finds_the_front_of_2000_points_with_400(plan_of: PlanOf) -> None:
    plan = plan_of(AXES, sampler="nsga2", samples=400, objectives=["tokens_per_s", "power_w"], seed=3)
    every = [dict(proposal.labels) for proposal in plan.space.grid()]
    assert len(every) == 2000
    best = volume(plan, [figures(labels) for labels in every if labels["memory.channels"] != 40])
    bench = searched(plan)
    assert len({point.id for point in bench.asked}) == len(bench.asked) == 400
    assert bench.volume(plan) >= 0.95 * best


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_a_search_takes_the_same_way_again_and_beats_chance(plan_of: PlanOf, sampler: str) -> None:
    keys: dict[str, Any] = {"samples": 60, "seed": 1, "objectives": ["tokens_per_s", "power_w"]}
    plan = plan_of(AXES, sampler=sampler, **keys)
    bench = searched(plan)
    again = searched(plan_of(AXES, sampler=sampler, **keys))
    assert [point.id for point in again.asked] == [point.id for point in bench.asked]
    chance = [figures(p.labels) for p in plan_of(AXES, sampler="random", **keys).points()]
    assert bench.volume(plan) > volume(plan, chance)


def test_a_constraint_draws_the_search_to_points_that_keep_it(plan_of: PlanOf) -> None:
    keys: dict[str, Any] = {"sampler": "nsga2", "samples": 200, "objectives": ["tokens_per_s"]}
    free, bound = plan_of(AXES, **keys), plan_of(AXES, constraints=["power_w <= 40"], **keys)

    def best_within(points: Sequence[Mapping[str, Any]]) -> float:
        rows = [figures(labels) for labels in points if labels["memory.channels"] != 40]
        return max(float(row["tokens_per_s"] or 0) for row in rows if float(row["power_w"] or 0) <= 40)

    every = best_within([proposal.labels for proposal in bound.space.grid()])
    bound_points, free_points = ([point.labels for point in searched(plan).asked] for plan in (bound, free))
    assert best_within(bound_points) >= 0.95 * every

    def hungry(points: Sequence[Mapping[str, Any]]) -> int:
        return sum(float(figures(labels)["power_w"] or 0) > 40 for labels in points)

    assert hungry(bound_points) < 0.8 * hungry(free_points)


def test_a_small_space_ends_a_search_early(plan_of: PlanOf) -> None:
    axes = AXES | {"memory.channels": [8, 16], "workload.batch": [1], "near_bank.accumulators": [2]}
    bench = searched(plan_of(axes, sampler="nsga2", samples=50, objectives=["power_w"], population=4))
    assert len(bench.asked) == 4
