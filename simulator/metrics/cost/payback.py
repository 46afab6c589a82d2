"""When machines pay off: a fleet for a load, one against another, and plans over months."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.config.cost_schema import Costs, Stage
from simulator.metrics.cost.tokens import HOURS_PER_MONTH, Offer, power_usd_per_hour


@dataclass(frozen=True)
class Fleet:
    """Enough machines of one kind for a load: how many, what they cost to buy, and what a month's power costs."""

    machines: int
    usd: float
    power_usd_per_month: float


def fleet_for(costs: Costs, offer: Offer, tokens_per_day: float) -> Fleet:
    """The least number of machines that carry ``tokens_per_day``, each used for at most the terms' utilisation."""
    machines = max(1, math.ceil(tokens_per_day / (offer.tokens_per_day * costs.utilization)))
    used = tokens_per_day / (offer.tokens_per_day * machines)
    month = machines * power_usd_per_hour(costs, offer, used) * HOURS_PER_MONTH
    return Fleet(machines, machines * offer.usd, month)


def payback_months(fleet: Fleet, baseline: Fleet) -> float | None:
    """Months until what ``fleet`` costs more to buy is saved in power; 0 if it costs no more, None if never."""
    more, saved = fleet.usd - baseline.usd, baseline.power_usd_per_month - fleet.power_usd_per_month
    if more <= 0:
        return 0.0 if saved >= 0 else None
    return more / saved if saved > 0 else None


def running_total_usd(costs: Costs, offers: dict[str, Offer], stages: tuple[Stage, ...]) -> list[float]:
    """What a plan has cost at the end of each month: machines bought less those sold, and power."""
    plans = costs.plans
    assert plans is not None
    spent, totals, owned, machine = 0.0, [], 0, ""
    for month in range(plans.months):
        stage = [stage for stage in stages if stage.from_month <= month][-1]
        load = [load for load in plans.load if load.from_month <= month][-1]
        if stage.machine != machine:
            if machine:
                spent -= stage.resale_share * owned * offers[machine].usd
            owned, machine = 0, stage.machine
        offer = offers[machine]
        fleet = fleet_for(costs, offer, load.tokens_per_day)
        spent += max(0, fleet.machines - owned) * offer.usd + fleet.power_usd_per_month
        owned = max(owned, fleet.machines)
        totals.append(spent)
    return totals


def cheaper_from_month(totals: list[float], other: list[float]) -> int | None:
    """The first month from whose end on ``totals`` stays below ``other``; None if it ends above."""
    above = [month for month, (own, its) in enumerate(zip(totals, other, strict=True)) if own >= its]
    if not above:
        return 0
    return above[-1] + 1 if above[-1] + 1 < len(totals) else None
