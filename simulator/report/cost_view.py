"""Money on a terminal and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.metrics.cost.appraisal import Appraisal, Loaded
from simulator.report.numbers import digits, plain

SCHEMA = "nearbank.cost/1"
MONTHS_PER_YEAR = 12


def document(appraisal: Appraisal) -> dict[str, Any]:
    """The appraisal as data, schema ``nearbank.cost/1``; months count from 0."""
    return {
        "schema": SCHEMA,
        "costs": appraisal.costs.name,
        "baseline": appraisal.baseline,
        "tokens_per_day": appraisal.tokens_per_day,
        "machines": [_row(appraisal, position) for position in range(len(appraisal.tokens))],
        "plans": {name: asdict(plan) for name, plan in appraisal.plans.items()},
        "plans_left_out": appraisal.unknown,
    }


def _row(appraisal: Appraisal, position: int) -> dict[str, Any]:
    found = appraisal.tokens[position]
    row: dict[str, Any] = {
        "name": found.offer.name,
        "machine": found.offer.machine,
        "usd": found.offer.usd,
        "parts_usd": dict(found.offer.parts_usd),
        "tokens_per_s": found.offer.tokens_per_s,
        "power_w": found.offer.busy_w,
        "hardware_usd_per_hour": found.hardware_usd_per_hour,
        "power_usd_per_hour": found.power_usd_per_hour,
        "usd_per_hour": found.usd_per_hour,
        "usd_per_million_tokens": found.usd_per_million_tokens,
    }
    if appraisal.loaded is not None:
        loaded = appraisal.loaded[position]
        row["fleet"] = asdict(loaded.fleet) | {"payback_months": loaded.payback_months}
    return row


def view(appraisal: Appraisal) -> Group:
    """A table of machines, cheapest tokens first; one of plans, if there are any; the terms."""
    parts: list[RenderableType] = [_machines(appraisal)]
    if appraisal.plans:
        parts += [Text(), _plans(appraisal), *_ahead(appraisal)]
    notes = [terms(appraisal), *caveats(appraisal)]
    return Group(*parts, Text(), *(Text(note, style="dim") for note in notes))


def terms(appraisal: Appraisal) -> str:
    """What all machines are priced under, in words."""
    costs = appraisal.costs
    words = (
        f"{costs.years:g} years, in use {costs.utilization:.0%} of the time, "
        f"{costs.electricity_usd_per_kwh:g} $/kWh, PUE {costs.pue:g}"
    )
    if appraisal.tokens_per_day is None:
        return f"{costs.name}: {words}"
    against = f", payback against {appraisal.baseline}" if appraisal.baseline else ""
    return f"{costs.name}: {words}; {appraisal.tokens_per_day:,.0f} tokens a day{against}"


def caveats(appraisal: Appraisal) -> list[str]:
    """Plans that cannot be told, and why."""
    return [f"plan '{plan}' is left out: no run of '{machine}'" for plan, machine in appraisal.unknown.items()]


def _machines(appraisal: Appraisal) -> Table:
    names = ["buy", "tokens/s", "power", "$/h", "$/M tokens"]
    if appraisal.loaded is not None:
        names += ["fleet", "payback"] if appraisal.baseline else ["fleet"]
    table = _table("machine", names)
    for position, found in enumerate(appraisal.tokens):
        cells = [
            f"${found.offer.usd:,.0f}", plain(found.offer.tokens_per_s), f"{plain(found.offer.busy_w)} W",
            digits(found.usd_per_hour), digits(found.usd_per_million_tokens),
        ]  # fmt: skip
        if appraisal.loaded is not None:
            loaded = appraisal.loaded[position]
            cells.append(f"{loaded.fleet.machines:,}")
            if appraisal.baseline:
                cells.append(payback(loaded))
        table.add_row(found.offer.name, *cells)
    return table


def payback(loaded: Loaded) -> str:
    """Months until it has paid off, in words."""
    months = loaded.payback_months
    if months is None:
        return "never"
    return f"{digits(months)} mo" if months else "at once"


def _plans(appraisal: Appraisal) -> Table:
    plans = appraisal.costs.plans
    assert plans is not None
    ends = [*range(MONTHS_PER_YEAR, plans.months, MONTHS_PER_YEAR), plans.months]
    table = _table("plan", [f"{month} months" for month in ends])
    for name, plan in appraisal.plans.items():
        table.add_row(name, *(f"${plan.running_total_usd[month - 1]:,.0f}" for month in ends))
    return table


def _ahead(appraisal: Appraisal) -> Iterator[Text]:
    """A line for each plan that is cheaper than another from some month on."""
    for name, plan in appraisal.plans.items():
        for other, month in plan.cheaper_from.items():
            if month is not None:
                yield Text(f"{name}: cheaper than {other} from month {month + 1} on", style="dim")


def _table(first: str, names: list[str]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table
