"""The pictures of a sweep: fronts, parallel coordinates, and which axis matters."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.evidence import SweepTable
from simulator.report.numbers import percent, plain
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.svg.axes import Area, tick_label, x_axis, y_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Linear, Log, Scale, log_around
from simulator.report.svg.style import colour
from simulator.report.sweep_columns import Column, axes_of, columns, done, explained, front_of

UNITS = {
    "tokens_per_s": "tokens/s",
    "tokens_per_j": "tokens/J",
    "power_w": "power (W)",
    "latency.tpot_s": "time per token (s)",
    "latency.ttft_s": "time to first token (s)",
    "energy_j.total": "energy (J)",
    "capacity.needed_bytes": "memory (bytes)",
    "edp_j_s": "energy x delay (J s)",
}
HIGHER = ("tokens_per_s", "tokens_per_j")
MOST_MARKS = 40
"""Marks on a front; one with more points is a line."""

MOST_LINES = 1500
"""Lines of a picture of parallel coordinates; more are a grey surface."""


def name_of(column: str) -> str:
    """A column as a picture writes it."""
    return UNITS.get(column, column)


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


def slug(column: str) -> str:
    """A column within the name of a picture."""
    return column.rpartition(".")[2].replace("_", "-")


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _scale(column: Column, start: float, end: float) -> Scale:
    known = [value for value in column.numbers if not math.isnan(value)] or [0.0, 1.0]
    if column.log:
        return Log(*log_around(known, room=1.15), start, end)
    if column.categories:
        return Linear(-0.4, len(column.categories) - 0.6, start, end)
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.5
    return Linear(low - room if low - room > 0 or low < 0 else 0.0, high + room, start, end)


def _axis_data(column: Column, scale: Scale) -> dict[str, object]:
    """What the page needs to find a figure's place."""
    return {
        "column": column.name,
        "kind": scale.kind,
        "low": scale.low,
        "high": scale.high,
        "start": round(scale.start, 1),
        "end": round(scale.end, 1),
    }


def _draw_front(x: Column, y: Column, best: Sequence[int], axes: Sequence[Column], width: float) -> Canvas:
    canvas = Canvas(width, 370)
    area = Area(60, 34, width - 14, canvas.height - 48)
    to_x, to_y = _scale(x, area.left, area.right), _scale(y, area.bottom, area.top)
    x_axis(canvas, area, to_x, name_of(x.name))
    y_axis(canvas, area, to_y, name_of(y.name))
    xs, ys = x.numbers, y.numbers
    places = {f"{to_x(a):.0f} {to_y(b):.0f}" for a, b in zip(xs, ys, strict=True) if not math.isnan(a + b)}
    dots = "".join(f"M{place}h0" for place in sorted(places))
    canvas.add("path", d=dots, class_="points s-c0")
    steps = " ".join(f"{to_x(xs[i]):.1f},{to_y(ys[i]):.1f}" for i in best)
    canvas.add("polyline", points=steps, class_="series s-c3")
    every = max(1, (len(best) - 1) / (MOST_MARKS - 1))
    for i in [best[round(n * every)] for n in range(min(len(best), MOST_MARKS))]:
        settings = "; ".join(f"{axis.name} {axis.values[i]}" for axis in axes)
        words = tip(f"{plain(ys[i])} {name_of(y.name)}", f"{plain(xs[i])} {name_of(x.name)}", settings)
        mark(canvas, "diamond", to_x(xs[i]), to_y(ys[i]), 4.5, "m dot f-c3", data_tip=words)
    axes_data = json.dumps([_axis_data(x, to_x), _axis_data(y, to_y)])
    canvas.add("rect", x=area.left, y=area.top, width=area.right - area.left, height=area.bottom - area.top,
               class_="brush", fill="none", pointer_events="all", data_axes=axes_data, data_form="scatter")  # fmt: skip
    return canvas


@dataclass(frozen=True)
class Line:
    """One upright axis of the parallel coordinates."""

    column: Column
    scale: Scale
    x: float


def parallel(sweep: SweepTable) -> Picture | None:
    """A line a point across upright axes, one for each axis of the sweep and each figure; None with under two."""
    shown = [column for column in columns(sweep) if column.name not in ("energy_j.total", "capacity.needed_bytes")]
    n_rows = len(done(sweep))
    if len(shown) < 2 or not n_rows:
        return None
    every = max(1, math.ceil(n_rows / MOST_LINES))
    part = f" One line in {every} is drawn; a selection shows all of its own." if every > 1 else ""
    return Picture(
        f"parallel:{sweep.name}",
        "Parallel coordinates",
        f"Upright axes for {', '.join(name_of(column.name) for column in shown)}; each point is a line.{part}",
        lambda width: _draw_parallel(shown, every, width),
        Table(
            ("column", "least", "largest", "values"),
            [(name_of(c.name), *_range(c), len({str(v) for v in c.values})) for c in shown],
        ),
        note=f"Drag along an axis to select.{part}",
    )


def _range(column: Column) -> tuple[Cell, Cell]:
    if column.categories:
        return column.categories[0], column.categories[-1]
    known = [value for value in column.numbers if not math.isnan(value)]
    return min(known), max(known)


def _draw_parallel(shown: Sequence[Column], every: int, width: float) -> Canvas:
    narrow = width < 600
    canvas = Canvas(width, 420 if not narrow else 460)
    top, bottom = 62.0, canvas.height - 24
    left, right = 30.0, width - 40
    step = (right - left) / (len(shown) - 1)
    lines = [Line(c, _scale(c, bottom, top), left + n * step) for n, c in enumerate(shown)]
    with canvas.group(class_="lines"):
        for path in _paths(lines, every):
            canvas.add("path", d=path)
    for position, line in enumerate(lines):
        canvas.line(line.x, top, line.x, bottom, "axis")
        room = min(2 * step - 8, line.x + 20 if position == len(lines) - 1 else width)
        up = 36 - 18 * (position % 2)
        anchor = "start" if position == 0 else "end" if position == len(lines) - 1 else "middle"
        words = shortened(name_of(line.column.name), room, 12.5)
        shift = -20 if anchor == "start" else 36 if anchor == "end" else 0
        canvas.text(line.x + shift, up, words, "name", text_anchor=anchor)
        _upright_ticks(canvas, line, step - 12)
        axes_data = json.dumps([_axis_data(line.column, line.scale)])
        canvas.add("rect", x=line.x - 12, y=top, width=24, height=bottom - top, class_="brush", fill="none",
                   pointer_events="all", data_axes=axes_data, data_form="axis", data_x=line.x)  # fmt: skip
    return canvas


def _upright_ticks(canvas: Canvas, line: Line, room: float) -> None:
    names = line.column.categories
    ticks = [float(n) for n in range(len(names))] if names else line.scale.ticks(6)
    if len(ticks) > 14:
        ticks = ticks[:: math.ceil(len(ticks) / 14)]
    for value in ticks:
        words = names[round(value)] if names else tick_label(value)
        canvas.line(line.x - 3, line.scale(value), line.x, line.scale(value), "axis")
        canvas.text(line.x + 5, line.scale(value) + 4, shortened(words, max(room, 30), 11), "small halo")


def _paths(lines: Sequence[Line], every: int) -> list[str]:
    columns_of = [[line.scale(v) if not math.isnan(v) else None for v in line.column.numbers] for line in lines]
    seen = set()
    for row in range(0, len(columns_of[0]), every):
        path, pen = [], "M"
        for line, places in zip(lines, columns_of, strict=True):
            y = places[row]
            if y is None:
                pen = "M"
                continue
            path.append(f"{pen}{line.x:.0f} {y:.0f}")
            pen = "L"
        seen.add("".join(path))
    return sorted(seen)


def sensitivity(sweep: SweepTable) -> list[Picture]:
    """Bars: how much of the spread of each figure every axis explains alone."""
    axes = axes_of(sweep)
    figures = [c for c in columns(sweep) if c.name in (*sweep.objectives, *HIGHER, "power_w")]
    if not axes or not figures:
        return []
    shares = {axis.name: {figure.name: explained(axis, _logs(figure)) for figure in figures} for axis in axes}
    order = sorted(shares, key=lambda name: -max(shares[name].values()))
    most = {figure.name: max(order, key=lambda name: shares[name][figure.name]) for figure in figures}
    said = "; ".join(f"{name_of(name)}: most by {axis}, {percent(shares[axis][name])}" for name, axis in most.items())
    rows: list[tuple[Cell, ...]] = [(name, *(shares[name][figure.name] for figure in figures)) for name in order]
    return [
        Picture(
            f"sensitivity:{sweep.name}",
            "Which axis matters",
            f"Share of the variance of the logarithm of each figure that an axis explains alone. {said}.",
            lambda width: _draw_sensitivity(order, [figure.name for figure in figures], shares, width),
            Table(("axis", *(name_of(figure.name) for figure in figures)), rows),
            note="Share of the variance of the logarithm of a figure between the values of one axis (first order); "
            "what is missing to 100 % is interaction.",
        )
    ]


def _logs(column: Column) -> list[float]:
    return [math.log(value) if value > 0 else math.nan for value in column.numbers]


def _draw_sensitivity(
    order: Sequence[str], figures: Sequence[str], shares: dict[str, dict[str, float]], width: float
) -> Canvas:
    narrow = width < 600
    bar = 14.0
    row = bar * len(figures) + (34 if narrow else 16)
    names = [name_of(figure) for figure in figures]
    top = key_height(names, width) + 10
    canvas = Canvas(width, top + row * len(order) + 48)
    left = 8.0 if narrow else min(0.35 * width, 14 + max(text_width(name, 12.5) for name in order))
    area = Area(left, top, width - 60, top + row * len(order))
    x = area.x((0.0, 1.0))

    def swatch(name: str, at: float, y: float) -> None:
        canvas.add("rect", x=at - 6, y=y - 6, width=12, height=12, class_=f"f-{colour(names.index(name))}")

    draw_key(canvas, names, width, swatch)
    x_axis(canvas, area, x, "share of the variance (%)", lambda value: f"{value * 100:g}")
    for position, axis in enumerate(order):
        y = area.top + row * position + (22 if narrow else 6)
        if narrow:
            canvas.text(left, y - 6, axis, "name")
        else:
            canvas.text(
                left - 8, y + bar * len(figures) / 2 + 4, shortened(axis, left - 10, 12.5), "name", text_anchor="end"
            )
        for n, figure in enumerate(figures):
            share = shares[axis][figure]
            words = tip(axis, f"{percent(share)} of the variance of {name_of(figure)}")
            canvas.add("rect", x=left, y=y + n * bar, width=max(1.0, x(share) - left), height=bar - 2,
                       class_=f"m f-{colour(n)}", data_tip=words)  # fmt: skip
            canvas.text(x(share) + 5, y + n * bar + 10, percent(share), "small")
    return canvas
