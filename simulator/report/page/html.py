"""Pieces of HTML that all sections are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from simulator.report.numbers import plain
from simulator.report.pictures.picture import HALF, NARROW, WIDE, Cell, Picture, Table, inline_svg


def slug(name: str) -> str:
    """``name`` as an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def cell(value: Cell, links: Mapping[str, str]) -> str:
    """A cell of a table; a figure keeps its exact value for sorting."""
    if value is None:
        return '<td class="none">-</td>'
    if isinstance(value, bool | str):
        words = escape(str(value))
        address = links.get(str(value))
        linked = f'<a href="{escape(address)}" rel="noreferrer">{words}</a>' if address else words
        return f"<td>{linked}</td>"
    shown = (
        f"{value:,}" if isinstance(value, int) else plain(value) if abs(value) >= 1e-3 or value == 0 else f"{value:.2e}"
    )
    return f'<td class="n" data-v="{value!r}">{shown}</td>'


def table(content: Table, caption: str, *, classes: str = "") -> str:
    """A table whose columns sort; within a frame of its own that scrolls sideways where it has to."""
    heads = "".join(_head(name, position, content) for position, name in enumerate(content.columns))
    body = []
    for position, row in enumerate(content.rows):
        keys = content.keys[position] if content.keys else {}
        marks = "".join(f' data-{key}="{escape(value)}"' for key, value in keys.items())
        first, *rest = row
        body.append(
            f'<tr{marks}><th scope="row">{escape(str(first))}</th>'
            f"{''.join(cell(value, content.links) for value in rest)}</tr>"
        )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="{classes}">'
        f'<caption class="vh">{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _head(name: str, position: int, content: Table) -> str:
    numbers = any(isinstance(row[position], int | float) for row in content.rows[:20]) and position > 0
    kind = ' class="n"' if numbers else ""
    return f'<th scope="col"{kind}><button type="button" class="sort">{escape(name)}</button></th>'


def figure(picture: Picture) -> str:
    """A picture with its filters, what it says in words, and the figures behind it."""
    name = slug(picture.name)
    wide = HALF if picture.half else WIDE
    note = f"<p>{escape(picture.note)}</p>" if picture.note else ""
    filters = "".join(_chips(name, key, values) for key, values in picture.filters.items())
    return (
        f'<figure class="pic{" half" if picture.half else ""}" id="{name}" data-picture="{escape(picture.name)}">'
        f"<figcaption><h3>{escape(picture.title)}</h3>{note}</figcaption>"
        f"{filters}"
        f'<div class="stage" tabindex="0" role="group" aria-roledescription="picture" aria-describedby="{name}-sum" '
        f'aria-label="{escape(picture.title)}; arrow keys go from mark to mark">'
        f'<div class="wide">{inline_svg(picture, wide)}</div>'
        f'<div class="narrow">{inline_svg(picture, NARROW)}</div></div>'
        f'<p class="vh" id="{name}-sum">{escape(picture.summary)}</p>'
        "<details><summary>Figures behind it</summary>"
        f"{table(picture.table, f'Figures: {picture.title}')}</details></figure>"
    )


def _chips(picture: str, key: str, values: Mapping[str, str]) -> str:
    buttons = "".join(
        f'<button type="button" class="chip" aria-pressed="true" data-for="{picture}" data-key="{escape(key)}" '
        f'data-value="{escape(value)}">{escape(words)}</button>'
        for value, words in values.items()
    )
    return (
        f'<div class="chips" role="group" aria-label="Show by {escape(key)}"><span>{escape(key)}</span>{buttons}</div>'
    )


def grid(figures: list[str]) -> str:
    """Figures beside and under each other."""
    return f'<div class="figures">{"".join(figures)}</div>'


def code(command: str) -> str:
    """A command to be copied."""
    return f'<pre tabindex="0" role="region" aria-label="Command"><code>{escape(command)}</code></pre>'


def listing(title: str, lines: list[str]) -> str:
    """A closed list with its length; empty when there is nothing in it."""
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<details><summary>{escape(title)} ({len(lines)})</summary><ul>{items}</ul></details>"
