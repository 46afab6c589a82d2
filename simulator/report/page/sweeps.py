"""A sweep on the page: its pictures, filters, and the table of its points, all of one selection."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from html import escape

from simulator.report.evidence import Scalar, SweepTable
from simulator.report.page.answer import cards, embedded
from simulator.report.page.html import code, figure, grid
from simulator.report.pictures.catalog import sweep_pictures
from simulator.report.pictures.sweep_axes import name_of
from simulator.report.sweep_columns import Column, columns, done
from simulator.report.winners import candidates

MOST_BOXES = 12
"""An axis of more values is filtered by a range."""

DIGITS = 5
"""Significant digits of figures on the page; all of them are in the sweep's own table."""


def sweep_section(sweep: SweepTable, position: int, max_power_w: float | None = None) -> str:
    """All of one sweep."""
    shown = columns(sweep)
    rows = done(sweep)
    if not rows:
        return f"<p>{escape(_counts(sweep))}</p>{code(sweep.command)}"
    name = f"sweep-{position}"
    parquet = (
        f'<a download="{escape(sweep.name)}.parquet" href="data:application/vnd.apache.parquet;base64,'
        f'{base64.b64encode(sweep.parquet).decode()}">Parquet</a>'
        if sweep.parquet
        else ""
    )
    tools = (
        f'<div class="tools"><span class="count" role="status">{len(rows)} of {len(rows)} points</span>'
        '<button type="button" class="clear">Show all</button>'
        f'<button type="button" class="csv" data-name="{escape(sweep.name)}">CSV of these points</button>'
        f"{parquet}</div>"
    )
    filters = "".join(_filter(column, n, name) for n, column in enumerate(shown))
    heads = "".join(
        f'<th scope="col" class="{"" if c.categories else "n"}">'
        f'<button type="button" class="sort">{escape(name_of(c.name))}</button></th>'
        for c in shown
    )
    return (
        f'<div class="sweep" data-sweep="{name}"><p class="lead">{escape(_counts(sweep))}</p>'
        f"{cards(candidates(sweep), max_power_w)}{tools}"
        f'<details open><summary>Filters</summary><div class="filters">{filters}</div></details>'
        f"{grid([figure(picture) for picture in sweep_pictures(sweep)])}"
        '<h3>Points</h3><div class="scroll" tabindex="0" role="region" aria-label="Points">'
        f'<table class="live"><caption class="vh">Points of the selection</caption><thead><tr>{heads}</tr></thead>'
        '<tbody></tbody></table></div><div class="pager"><button type="button" class="back">Previous</button>'
        '<span class="where" role="status"></span><button type="button" class="on-page">Next</button></div>'
        f"<p>This sweep again:</p>{code(sweep.command)}"
        f'<script type="application/json" class="data">{_data(shown, rows)}</script></div>'
    )


def _counts(sweep: SweepTable) -> str:
    counts = Counter(str(row.get("status")) for row in sweep.rows)
    if sweep.missing:
        counts["without an outcome yet"] = sweep.missing
    wanted = ", ".join(f"{column} ({direction})" for column, direction in sweep.objectives.items())
    said = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    return (
        f"{len(sweep.rows) + sweep.missing:,} points: {said}. Objectives: {wanted}. {len(sweep.front)} on their front."
    )


def _filter(column: Column, position: int, sweep: str) -> str:
    label = escape(name_of(column.name))
    values = column.categories or [str(value) for value in sorted(set(column.values), key=_order)]
    if len(values) <= MOST_BOXES and (column.categories or len(values) < 8):
        boxes = "".join(
            f'<label><input type="checkbox" checked data-column="{position}" value="{escape(value)}">'
            f" {escape(value)}</label>"
            for value in values
        )
        return f'<fieldset><legend>{label}</legend><div class="opts">{boxes}</div></fieldset>'
    limits = "".join(
        f'<input type="number" step="any" data-column="{position}" data-end="{end}" aria-label="{label}: {words}" '
        f'placeholder="{words}" id="{sweep}-{position}-{end}">'
        for end, words in (("low", "least"), ("high", "most"))
    )
    return f'<fieldset><legend>{label}</legend><div class="pair">{limits}</div></fieldset>'


def _order(value: Scalar) -> tuple[bool, float, str]:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return (not numeric, float(value) if isinstance(value, int | float) else 0.0, str(value))


def _data(shown: Sequence[Column], rows: Sequence[object]) -> str:
    return embedded(
        {
            "rows": len(rows),
            "columns": [
                {
                    "name": column.name,
                    "label": name_of(column.name),
                    "categories": list(column.categories) or None,
                    "values": _values(column),
                }
                for column in shown
            ],
        }
    )


def _values(column: Column) -> list[Scalar]:
    if column.categories:
        place = {name: position for position, name in enumerate(column.categories)}
        return [place[str(value)] for value in column.values]
    return [float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for value in column.values]
