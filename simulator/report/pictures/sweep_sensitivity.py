"""Which axis of a sweep matters: how much of the spread of each figure it explains alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.report.evidence import SweepTable
from simulator.report.numbers import percent
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.pictures.sweep_axes import HIGHER, name_of
from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.style import colour
from simulator.report.sweep_columns import Column, axes_of, columns, explained


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
