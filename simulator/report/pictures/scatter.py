"""Runs by two figures, both logarithmic; lines join the batch sizes of a design."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulator.report.evidence import Run
from simulator.report.numbers import plain
from simulator.report.pictures.picture import tip
from simulator.report.svg.axes import Area, tick_label, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.labels import place
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import log_around
from simulator.report.svg.style import FAMILY_COLOURS, FAMILY_SHAPES

HEIGHT = 400.0


@dataclass(frozen=True)
class Axis:
    """A figure of runs, above 0, with its name and unit. ``room``: the factor that the axis leaves at both ends."""

    name: str
    unit: str
    of: Callable[[Run], float]
    room: float


def draw_scatter(groups: Mapping[str, Sequence[Run]], across: Axis, up: Axis, width: float) -> Canvas:
    """``groups``: design -> its runs in the order in which they are joined."""
    canvas = Canvas(width, HEIGHT)
    area = Area(54, 34, width - 20, canvas.height - 48)
    runs = [run for group in groups.values() for run in group]
    x = area.x(log_around([across.of(run) for run in runs], room=across.room), log=True)
    y = area.y(log_around([up.of(run) for run in runs], room=up.room), log=True)
    x_axis(canvas, area, x, f"{across.name} ({across.unit})", tick_label)
    y_axis(canvas, area, y, up.unit)
    at = {run.name: (x(across.of(run)), y(up.of(run))) for run in runs}
    for group in groups.values():
        points = " ".join("{:.1f},{:.1f}".format(*at[run.name]) for run in group)
        canvas.add("polyline", points=points, class_=f"series s-{FAMILY_COLOURS[group[0].family]}")
    place(canvas, area, [(*at[run.name], run.mark_name) for run in runs])
    for run in runs:
        figures = [f"{plain(axis.of(run))} {axis.unit}" for axis in (up, across)]
        kind = f"m dot f-{FAMILY_COLOURS[run.family]}"
        mark(canvas, FAMILY_SHAPES[run.family], *at[run.name], 5.5, kind, data_tip=tip(run.label, ", ".join(figures)))
    return canvas
