"""The terms of a sweep: what holds for all its points, frozen with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.config.conditions import Condition
from simulator.explore.columns import Objective


@dataclass(frozen=True)
class Rules:
    """What holds for each point: most seconds, most memory of its worker, tries after its worker died."""

    time_s: float
    memory_mib: int
    retries: int


@dataclass(frozen=True)
class Terms:
    """A sweep's name, its rules, its axes, and what it looks for.

    ``varied``: the axes with more than one value. ``labels``: the columns of the axes and of the single keys that they
    set. ``constraints``: conditions.
    """

    name: str
    rules: Rules
    axes: tuple[str, ...]
    varied: tuple[str, ...]
    labels: tuple[str, ...]
    objectives: tuple[Objective, ...]
    constraints: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The constraints, parsed."""
        return tuple(Condition(text) for text in self.constraints)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Terms:
        """What `dataclasses.asdict` made, after JSON."""
        return cls(
            name=data["name"],
            rules=Rules(**data["rules"]),
            axes=tuple(data["axes"]),
            varied=tuple(data["varied"]),
            labels=tuple(data["labels"]),
            objectives=tuple(Objective(**wanted) for wanted in data["objectives"]),
            constraints=tuple(data["constraints"]),
        )
