"""What one simulated piece of work costs: its time, and all that is counted in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulator.metrics.collect import Collector
from simulator.system.builder import System

Amounts = Mapping[tuple[str, ...], float]
"""(what, of which) -> how much: ``("energy", op kind, component, class)`` in J, ``("hop", name)`` in bytes,
``("command", name)``; ``("kind", op kind)``, ``("busy", component)`` and ``("held", op kind, resource)`` in ps."""


@dataclass(frozen=True)
class StepCost:
    """``time_ps`` and dynamic energy, movement, commands and busy times of a piece of work."""

    time_ps: int
    amounts: Amounts


def cost_of(system: System, collector: Collector) -> StepCost:
    """What ``collector`` saw on ``system``, all of it in the stage ``decode``."""
    amounts: dict[tuple[str, ...], float] = {}
    stage_ps = collector.tokens.stage_ps()
    tables = {name: component.energy_table() for name, component in system.components.items()}
    for row in collector.energy.report(tables, {}, stage_ps).rows:
        key = ("energy", row.op_kind, row.component, row.energy_class)
        amounts[key] = amounts.get(key, 0.0) + row.joules
    for what, found in (
        ("kind", collector.op_kinds.by_kind_ps()["decode"]),
        ("busy", collector.utilization.busy_ps()),
        ("hop", collector.movement.by_hop()),
        ("command", collector.command_counts.by_name()),
    ):
        amounts.update({(what, name): float(amount) for name, amount in found.items()})
    for kind, held in system.around.limits.held_ps().items():
        amounts.update({("held", kind, resource): float(ps) for resource, ps in held.items()})
    return StepCost(round(stage_ps["decode"]), amounts)


@dataclass(slots=True, eq=False)
class Point:
    """A simulated piece of work, and how often it counts in each stage of the run."""

    cost: StepCost
    weights: dict[str, float] = field(default_factory=dict)

    @property
    def time_ps(self) -> int:
        """Its time."""
        return self.cost.time_ps

    def count(self, stage: str, weight: float) -> None:
        """It counts ``weight`` times more in ``stage``."""
        self.weights[stage] = self.weights.get(stage, 0.0) + weight


def totals(points: Iterable[Point]) -> dict[str, dict[tuple[str, ...], float]]:
    """Stage -> the sum of all amounts there, each point as often as it counts; times under ``("time",)``."""
    found: dict[str, dict[tuple[str, ...], float]] = defaultdict(lambda: defaultdict(float))
    for point in points:
        for stage, weight in point.weights.items():
            into = found[stage]
            into["time",] += weight * point.time_ps
            for key, amount in point.cost.amounts.items():
                into[key] += weight * amount
    return {stage: dict(amounts) for stage, amounts in found.items()}
