"""What became of a design point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from simulator.config.tree import Scalar

Status = Literal["done", "skipped", "infeasible", "failed"]
STATUSES: tuple[Status, ...] = ("done", "skipped", "infeasible", "failed")
"""``skipped`` by the sweep's ``skip_if``; ``infeasible``: a design that cannot run its workload; ``failed``: a limit
exceeded, a worker that died, or a fault of the simulator."""


@dataclass(frozen=True)
class Figures:
    """What simulating a point gives. ``figures``: the flattened result; none for a point that was skipped."""

    figures: Mapping[str, Scalar] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    skipped: bool = False


@dataclass(frozen=True)
class Outcome:
    """The last word on a point. ``wall_s``: time it took; ``attempts``: how often it was begun."""

    id: str
    status: Status
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    error: str | None = None
    wall_s: float = 0.0
    attempts: int = 1

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_record(cls, data: dict[str, Any]) -> Outcome:
        """What `record` gave, after JSON."""
        return cls(**(data | {"assumptions": tuple(data["assumptions"])}))
