"""Energy: how often each component did each action, times what the action costs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.errors import ConservationError
from simulator.metrics.result import ENERGY_CLASSES, STAGES, STATIC, Energy
from simulator.metrics.stage import Stage, Tally

EnergyTable = Mapping[str, Mapping[str, float]]
"""Of one component: action -> energy class -> pJ per action."""

J_PER_PJ = 1e-12
PS_PER_S = 10**12
RELATIVE_TOLERANCE = 1e-9
"""How far sums of the same terms in another order may differ: rounding only."""


@dataclass(frozen=True)
class EnergyRow:
    """One term of the energy sum, in joules."""

    stage: str
    op_kind: str
    component: str
    energy_class: str
    joules: float


@dataclass(frozen=True)
class EnergyReport:
    """All terms of a run's energy, and their sums."""

    rows: tuple[EnergyRow, ...]

    def total(self, **where: str) -> float:
        """Joules of the rows whose attributes equal ``where``, e.g. ``total(stage="decode")``."""
        chosen = where.items()
        return math.fsum(row.joules for row in self.rows if all(getattr(row, k) == v for k, v in chosen))

    def sums(self, attribute: str, **where: str) -> dict[str, float]:
        """Joules by an attribute of the rows, keys sorted, rows without energy left out."""
        terms: dict[str, list[float]] = defaultdict(list)
        for row in self.rows:
            if all(getattr(row, k) == v for k, v in where.items()):
                terms[getattr(row, attribute)].append(row.joules)
        sums = {key: math.fsum(terms[key]) for key in sorted(terms)}
        return {key: joules for key, joules in sums.items() if joules}

    def energy(self) -> Energy:
        """The totals for the result. Raises ConservationError if the ways of summing differ."""
        total = self.total()
        split = {name: self.sums(name) for name in ("component", "energy_class", "op_kind", "stage")}
        for name, parts in split.items():
            if not math.isclose(math.fsum(parts.values()), total, rel_tol=RELATIVE_TOLERANCE):
                raise ConservationError(
                    f"energy by {name} sums to {math.fsum(parts.values())} J, the total is {total} J"
                )
        by_class = {name: split["energy_class"].get(name, 0.0) for name in sorted(ENERGY_CLASSES)}
        return Energy(total=total, by_component=split["component"], by_class=by_class)

    def by_op_kind(self) -> dict[str, dict[str, float]]:
        """Joules by stage and op kind; power that flows regardless of ops is under ``static``."""
        return {stage: self.sums("op_kind", stage=stage) for stage in STAGES}


class EnergyTally(Tally):
    """Counts the actions of each component, by stage and op kind."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._counts: dict[tuple[str, str, str, str], float] = defaultdict(int)

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        """``component`` did ``action`` ``count`` times for an op of ``op_kind``."""
        self._counts[self.stage.name, op_kind, component, action] += count * self.stage.count

    def report(
        self,
        tables: Mapping[str, EnergyTable],
        static_power_w: Mapping[str, Mapping[str, float]],
        stage_ps: Mapping[str, float],
    ) -> EnergyReport:
        """The energy of the run.

        ``tables`` and ``static_power_w`` (component -> energy class -> W) are by component; ``stage_ps`` is the
        time of each stage. Raises ConservationError for an action without a price or an unknown energy class.
        """
        rows = [*self._dynamic(tables), *_static(static_power_w, stage_ps)]
        for row in rows:
            if row.energy_class not in ENERGY_CLASSES:
                raise ConservationError(f"{row.component}: {row.energy_class!r} is not an energy class")
        return EnergyReport(tuple(rows))

    def _dynamic(self, tables: Mapping[str, EnergyTable]) -> Iterator[EnergyRow]:
        for (stage, op_kind, component, action), count in sorted(self._counts.items()):
            prices = tables.get(component, {}).get(action)
            if prices is None:
                raise ConservationError(f"{component}: action {action!r} was counted but has no energy")
            for energy_class, pj in prices.items():
                yield EnergyRow(stage, op_kind, component, energy_class, count * pj * J_PER_PJ)


def _static(power_w: Mapping[str, Mapping[str, float]], stage_ps: Mapping[str, float]) -> Iterator[EnergyRow]:
    for stage in STAGES:
        seconds = stage_ps[stage] / PS_PER_S
        for component in sorted(power_w):
            for energy_class, watts in power_w[component].items():
                yield EnergyRow(stage, STATIC, component, energy_class, watts * seconds)
