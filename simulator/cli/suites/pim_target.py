"""What a case of suite `pim` is: a run, a figure of it, and what was published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One run: ``overrides`` as ``--set`` takes them."""

    arch: str
    workload: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class PimCase:
    """One row. With a ``baseline`` the expected value is the metric's ratio to that of the baseline's run."""

    case: str
    target: Target
    baseline: Target | None
    metric: str
    expected: float
    limit_pct: float | None
    kind: str
    source: str
    file: str
    line: int

    @property
    def targets(self) -> tuple[Target, ...]:
        """What has to run."""
        return (self.target,) if self.baseline is None else (self.target, self.baseline)
