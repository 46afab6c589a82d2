"""All that can be said of machines under one set of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.config.cost_schema import Costs
from simulator.config.nearest import hint
from simulator.errors import ConfigError
from simulator.metrics.cost.payback import Fleet, cheaper_from_month, fleet_for, payback_months, running_total_usd
from simulator.metrics.cost.tokens import Offer, TokenCost, token_cost


@dataclass(frozen=True)
class Loaded:
    """A fleet for a load, and the months until it has paid off against the baseline (None: never, or no baseline)."""

    fleet: Fleet
    payback_months: float | None


@dataclass(frozen=True)
class PlanCost:
    """Dollars spent by the end of each month; ``cheaper_from``: other plan -> month from which this one is ahead."""

    running_total_usd: Sequence[float]
    cheaper_from: dict[str, int | None]


@dataclass(frozen=True)
class Appraisal:
    """Costs of tokens, cheapest first; ``loaded`` follows their order, where a load was given.

    ``unknown``: plan that cannot be told -> the machine that there are no figures of.
    """

    costs: Costs
    tokens: Sequence[TokenCost]
    loaded: Sequence[Loaded] | None
    baseline: str | None
    tokens_per_day: float | None
    plans: dict[str, PlanCost]
    unknown: dict[str, str]


def appraise(
    costs: Costs, offers: Sequence[Offer], tokens_per_day: float | None = None, baseline: str | None = None
) -> Appraisal:
    """Price ``offers`` under ``costs``. Raises ConfigError for a baseline without figures."""
    priced = sorted((token_cost(costs, offer) for offer in offers), key=lambda found: found.usd_per_million_tokens)
    best = _best(priced)
    if baseline is not None and baseline not in best:
        known = f"(there are: {', '.join(best)}){hint(baseline, best)}"
        raise ConfigError(f"--baseline: there are no figures of '{baseline}' {known}")
    loaded = None
    if tokens_per_day is not None:
        against = fleet_for(costs, best[baseline], tokens_per_day) if baseline else None
        loaded = [_loaded(costs, found.offer, tokens_per_day, against) for found in priced]
    unknown = _unknown(costs, best)
    return Appraisal(costs, priced, loaded, baseline, tokens_per_day, _plans(costs, best, unknown), unknown)


def _best(priced: Sequence[TokenCost]) -> dict[str, Offer]:
    """Machine -> its offer with the cheapest tokens."""
    found: dict[str, Offer] = {}
    for cost in priced:
        found.setdefault(cost.offer.machine, cost.offer)
    return found


def _loaded(costs: Costs, offer: Offer, tokens_per_day: float, against: Fleet | None) -> Loaded:
    fleet = fleet_for(costs, offer, tokens_per_day)
    return Loaded(fleet, None if against is None else payback_months(fleet, against))


def _unknown(costs: Costs, best: Mapping[str, Offer]) -> dict[str, str]:
    stages = costs.plans.stages if costs.plans else {}
    gone = {name: [stage.machine for stage in each if stage.machine not in best] for name, each in stages.items()}
    return {name: machines[0] for name, machines in gone.items() if machines}


def _plans(costs: Costs, best: dict[str, Offer], unknown: Mapping[str, str]) -> dict[str, PlanCost]:
    stages = costs.plans.stages if costs.plans else {}
    totals = {name: running_total_usd(costs, best, each) for name, each in stages.items() if name not in unknown}
    return {
        name: PlanCost(total, {other: cheaper_from_month(total, its) for other, its in totals.items() if other != name})
        for name, total in totals.items()
    }
