"""Parallel coordinates of a sweep: each point a line across upright axes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.evidence import SweepTable
from simulator.report.pictures.picture import Cell, Picture, Table
from simulator.report.pictures.sweep_axes import axis_data, name_of, scale_of
from simulator.report.svg.axes import tick_label
from simulator.report.svg.canvas import Canvas, shortened
from simulator.report.svg.scales import Scale
from simulator.report.sweep_columns import Column, columns, done

MOST_LINES = 1500
"""Lines of a picture of parallel coordinates; more are a grey surface."""


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
    part = f" One line in {every} is drawn, and of a selection at most {MOST_LINES:,}." if every > 1 else ""
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
    lines = [Line(c, scale_of(c, bottom, top), left + n * step) for n, c in enumerate(shown)]
    paths = _paths(lines, every)
    # The fewer, the darker: each can be followed, and many together do not become one area.
    with canvas.group(class_="lines", style=f"stroke-opacity:{min(0.7, max(0.14, 12 / len(paths))):.2f}"):
        for path in paths:
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
        axes_data = json.dumps([axis_data(line.column, line.scale)])
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
