"""Fronts of a sweep: all its points on two axes, and those that no other beats."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from simulator.report.evidence import SweepTable
from simulator.report.numbers import plain
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.pictures.sweep_axes import HIGHER, axis_data, name_of, scale_of, slug
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.marks import mark
from simulator.report.sweep_columns import Column, axes_of, columns, done, front_of

FEW = 300
FEW_POINTS = "stroke-width:6;stroke-opacity:.75"
"""How so few points look; more of them are smaller and let the ones below show."""
MOST_MARKS = 40
"""Marks on a front; one with more points is a line."""


def front(sweep: SweepTable) -> list[Picture]:
    """Scatters of all points, with the front of each pair: efficiency over speed, speed over power, the objectives."""
    wanted = [("tokens_per_s", "tokens_per_j"), ("power_w", "tokens_per_s")]
    objectives = tuple(sweep.objectives)[:2]
    if len(objectives) == 2 and set(objectives) not in [set(pair) for pair in wanted]:
        wanted.append((objectives[0], objectives[1]))
    by_name = {column.name: column for column in columns(sweep)}
    return [_front(sweep, by_name[x], by_name[y]) for x, y in wanted if x in by_name and y in by_name]


def _marked(best: Sequence[int]) -> str:
    return f" (line; {MOST_MARKS} of them as diamonds)" if len(best) > MOST_MARKS else " (diamonds)"


def _better_low(sweep: SweepTable, column: str) -> bool:
    return sweep.objectives.get(column, "max" if column in HIGHER else "min") == "min"


def _front(sweep: SweepTable, x: Column, y: Column) -> Picture:
    xs, ys = x.numbers, y.numbers
    best = front_of(xs, ys, low_x=_better_low(sweep, x.name), low_y=_better_low(sweep, y.name))
    axes, rows = axes_of(sweep), done(sweep)
    heads = (*(axis.name for axis in axes), name_of(x.name), name_of(y.name))
    table: list[tuple[Cell, ...]] = [
        (n + 1, *(_cell(rows[i].get(axis.name)) for axis in axes), xs[i], ys[i]) for n, i in enumerate(best)
    ]
    return Picture(
        f"front-{slug(x.name)}-{slug(y.name)}:{sweep.name}",
        f"{name_of(y.name)} over {name_of(x.name)}",
        f"{len(xs)} points of the sweep on two axes; the line joins the {len(best)} that no other beats in both.",
        lambda width: _draw_front(x, y, best, axes, width),
        Table(("front", *heads), table),
        note=f"{len(best):,} of {len(xs):,} points are on the front{_marked(best)}. Drag to select.",
        half=True,
    )


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _draw_front(x: Column, y: Column, best: Sequence[int], axes: Sequence[Column], width: float) -> Canvas:
    canvas = Canvas(width, 370)
    area = Area(60, 34, width - 14, canvas.height - 48)
    to_x, to_y = scale_of(x, area.left, area.right), scale_of(y, area.bottom, area.top)
    x_axis(canvas, area, to_x, name_of(x.name))
    y_axis(canvas, area, to_y, name_of(y.name))
    xs, ys = x.numbers, y.numbers
    places = {f"{to_x(a):.0f} {to_y(b):.0f}" for a, b in zip(xs, ys, strict=True) if not math.isnan(a + b)}
    dots = "".join(f"M{place}h0" for place in sorted(places))
    canvas.add("path", d=dots, class_="points s-c0", style=FEW_POINTS if len(places) <= FEW else None)
    steps = " ".join(f"{to_x(xs[i]):.1f},{to_y(ys[i]):.1f}" for i in best)
    canvas.add("polyline", points=steps, class_="series s-c3")
    every = max(1, (len(best) - 1) / (MOST_MARKS - 1))
    for i in [best[round(n * every)] for n in range(min(len(best), MOST_MARKS))]:
        settings = "; ".join(f"{axis.name} {axis.values[i]}" for axis in axes)
        words = tip(f"{plain(ys[i])} {name_of(y.name)}", f"{plain(xs[i])} {name_of(x.name)}", settings)
        mark(canvas, "diamond", to_x(xs[i]), to_y(ys[i]), 4.5, "m dot f-c3", data_tip=words)
    axes_data = json.dumps([axis_data(x, to_x), axis_data(y, to_y)])
    canvas.add("rect", x=area.left, y=area.top, width=area.right - area.left, height=area.bottom - area.top,
               class_="brush", fill="none", pointer_events="all", data_axes=axes_data, data_form="scatter")  # fmt: skip
    return canvas
