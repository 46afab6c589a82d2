"""Money: what the tokens of each run of a report cost, under prices and terms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulator.config.cost_schema import Costs
from simulator.metrics.cost.appraisal import Appraisal, Loaded, appraise
from simulator.metrics.cost.market import offers, platform_of
from simulator.metrics.cost.tokens import TokenCost
from simulator.report.evidence import Run


@dataclass(frozen=True)
class Terms:
    """Prices, and where payback is asked for: the machine that it counts against, and the load to carry."""

    costs: Costs
    baseline: str | None = None
    tokens_per_day: float | None = None

    def __post_init__(self) -> None:
        """Machines and parts by name, as in a file that was written and read again."""
        by_name = json.loads(json.dumps(self.costs.model_dump(mode="json", exclude_defaults=True), sort_keys=True))
        object.__setattr__(self, "costs", Costs.model_validate(by_name))

    def document(self) -> dict[str, Any]:
        """All of it as data, so that a folder can be priced again the same way."""
        costs = self.costs.model_dump(mode="json", exclude_defaults=True)
        return {"costs": costs, "baseline": self.baseline, "tokens_per_day": self.tokens_per_day}


@dataclass(frozen=True)
class Money:
    """What machines cost. The machine called as its platform prices a run, else the first by name that runs on it."""

    appraisal: Appraisal

    def of(self, run: Run) -> TokenCost | None:
        """What the run's tokens cost; None for a platform without a price, or a run without a rate."""
        place = self._places.get(run.label)
        return None if place is None else self.appraisal.tokens[place]

    def loaded(self, run: Run) -> Loaded | None:
        """The run's fleet for the load, and its payback; None where no load was given."""
        place = self._places.get(run.label)
        return None if place is None or self.appraisal.loaded is None else self.appraisal.loaded[place]

    @cached_property
    def _places(self) -> dict[str, int]:
        costs, tokens, found = self.appraisal.costs, self.appraisal.tokens, dict[str, int]()
        for place in sorted(range(len(tokens)), key=lambda place: _rank(costs, tokens[place])):
            run = tokens[place].offer.run
            if run is not None:
                found.setdefault(run, place)
        return found


def _rank(costs: Costs, cost: TokenCost) -> tuple[bool, str]:
    machine = cost.offer.machine
    return platform_of(costs, machine) != machine, machine


def price(terms: Terms, runs: Sequence[Run]) -> Money:
    """Price ``runs``, whose labels tell them apart. Raises ConfigError where none of them has a price."""
    rated = {run.label: run.result for run in runs if run.result.tokens_per_s is not None}
    found = offers(terms.costs, rated)
    return Money(appraise(terms.costs, found, terms.tokens_per_day, terms.baseline))
