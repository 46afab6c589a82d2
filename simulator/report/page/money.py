"""What tokens cost: pictures, all machines with their payback, the terms, and where the prices come from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simulator.config.cost_schema import Costs
from simulator.report.cost_view import caveats, payback, terms
from simulator.report.evidence import Run
from simulator.report.money import Money
from simulator.report.page.html import figure, grid, listing, table
from simulator.report.pictures.catalog import money_pictures
from simulator.report.pictures.picture import Cell, Table


def money_section(runs: Sequence[Run], money: Money | None) -> str:
    """The section; empty without prices."""
    if money is None:
        return ""
    appraisal = money.appraisal
    unpriced = [run.design for run in runs if money.of(run) is None]
    notes = [terms(appraisal), *caveats(appraisal)]
    if unpriced:
        notes.append(f"No price is given for {', '.join(dict.fromkeys(unpriced))}.")
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    pictures = grid([figure(picture) for picture in money_pictures(runs, money)])
    return f'<div class="lead">{said}</div>{table(_machines(money), "Machines")}{pictures}{_sources(appraisal.costs)}'


def _machines(money: Money) -> Table:
    appraisal = money.appraisal
    columns = ["machine", "buy ($)", "tokens/s", "power (W)", "$/h", "$/M tokens"]
    if appraisal.loaded is not None:
        columns += ["machines for the load", *(["payback"] if appraisal.baseline else [])]
    rows: list[list[Cell]] = []
    for position, cost in enumerate(appraisal.tokens):
        offer = cost.offer
        row: list[Cell] = [offer.name, offer.usd, offer.tokens_per_s, offer.busy_w]
        row += [cost.usd_per_hour, cost.usd_per_million_tokens]
        if appraisal.loaded is not None:
            loaded = appraisal.loaded[position]
            row += [loaded.fleet.machines, *([payback(loaded)] if appraisal.baseline else [])]
        rows.append(row)
    return Table(columns, rows)


def _sources(costs: Costs) -> str:
    """Every price with where it comes from."""
    lines = [f"{costs.name}: {costs.source}"] if costs.source else []
    for name, machine in costs.machines.items():
        if machine.measured is not None:
            lines.append(f"{name}, measured: {machine.measured.source}")
        for part, spec in machine.parts.items():
            lines.append(f"{name}, {part}: {spec.source}")
            if spec.die is not None:
                lines.append(f"{name}, die of {part}: {spec.die.source}")
    return f'<div class="rests">{listing("Prices and their sources", lines)}</div>'
