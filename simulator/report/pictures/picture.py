"""A picture: one drawing, what it says in words, and the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from simulator.report.svg.canvas import Canvas
from simulator.report.svg.style import export_rules

Cell = str | float | None
MARGIN = 12.0
"""White around a picture that is a file of its own, in px."""
WIDE, HALF, NARROW = 1040.0, 500.0, 360.0
"""Widths that a page asks for: the whole column, half of it, a phone."""


@dataclass(frozen=True)
class Table:
    """The figures behind a picture. ``links``: text of a cell -> address. ``keys``: what filters know of each row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    links: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Picture:
    """What `nearbank plot` draws and a page shows.

    ``summary``: what a reader who does not see it needs to know. ``draw``: a width in px -> the drawing. ``filters``:
    a key of marks and rows -> its values, by which they can be hidden. ``half``: two of them fit beside each other.
    """

    name: str
    title: str
    summary: str
    draw: Callable[[float], Canvas]
    table: Table
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    note: str = ""
    half: bool = False


def tip(*lines: str) -> str:
    """What a reader sees of a mark that they point at or reach with the keys: lines, the first its name."""
    return "\n".join(line for line in lines if line)


def inline_svg(picture: Picture, width: float) -> str:
    """The picture within a page, which brings colours and fonts."""
    canvas = picture.draw(width)
    return (
        f'<svg viewBox="0 0 {canvas.width:g} {canvas.height:g}" role="img" '
        f'aria-label="{escape(f"{picture.title}. {picture.summary}")}">{canvas.content()}</svg>'
    )


def standalone_svg(picture: Picture, width: float) -> str:
    """The picture as a file of its own, ``width`` px wide, on white."""
    canvas = picture.draw(width - 2 * MARGIN)
    height = canvas.height + 2 * MARGIN
    size = f'width="{width:g}" height="{height:g}" viewBox="-{MARGIN:g} -{MARGIN:g} {width:g} {height:g}"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f"<title>{escape(picture.title)}</title><desc>{escape(picture.summary)}</desc>"
        f"<style>{export_rules()}</style>"
        f'<rect x="-{MARGIN:g}" y="-{MARGIN:g}" width="100%" height="100%" fill="#fff"/>{canvas.content()}</svg>\n'
    )
