"""Strips over time, one below the other: how full a column is, is a share from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.scales import Linear

PS_PER_US = 1e6
TEXT = 16.0
"""Lower strips than a line of text have a name at every second or third of them only."""


class Layer(NamedTuple):
    """Shares by bin, in a colour class."""

    shares: Sequence[float]
    colour: str


class Strip(NamedTuple):
    """``layers``: the first behind the others. ``tip``: what the strip says when pointed at."""

    name: str
    layers: Sequence[Layer]
    tip: str
    height: float = 34.0


def draw_strips(strips: Sequence[Strip], bin_ps: float, width: float, key: dict[str, str] | None = None) -> Canvas:
    """Strips of equally many bins of ``bin_ps``. ``key``: what a layer is -> its colour class."""
    key = key or {}
    left = min(0.4 * width, 14 + max(text_width(each.name, 12.5) for each in strips))
    top = 6 + (key_height(list(key), width) + 6 if key else 0)
    area = Area(left, top, width - 14, top + sum(each.height for each in strips))
    canvas = Canvas(width, area.bottom + 50)

    def swatch(name: str, x: float, y: float) -> None:
        canvas.add("rect", x=x - 6, y=y - 6, width=12, height=12, class_=f"f-{key[name]}")

    draw_key(canvas, list(key), width, swatch)
    bins = len(strips[0].layers[0].shares)
    time = Linear(0.0, bins * bin_ps / PS_PER_US, area.left, area.right)
    x_axis(canvas, area, time, "time in the window (us)")
    base, named_to = area.top, area.top
    for each in strips:
        base += each.height
        middle = base - each.height / 2
        if middle - TEXT / 2 >= named_to - 0.5:
            canvas.text(left - 8, middle + 4.5, shortened(each.name, left - 10, 12.5), "name", text_anchor="end")
            named_to = max(middle + TEXT / 2, named_to)
        _draw_layers(canvas, each, area, base - min(3.0, each.height / 6))
    return canvas


def _draw_layers(canvas: Canvas, strip: Strip, area: Area, base: float) -> None:
    canvas.line(area.left, base, area.right, base, "axis")
    room = strip.height * 0.8
    with canvas.group(class_="m", data_tip=strip.tip):
        canvas.add("rect", x=area.left, y=base - room, width=area.right - area.left, height=room, fill="transparent")
        for layer in strip.layers:
            if any(layer.shares):
                canvas.add("path", d=_path(layer.shares, area, base, room), class_=f"f-{layer.colour}")


def _path(shares: Sequence[float], area: Area, base: float, height: float) -> str:
    """Columns from ``base`` up; runs of equal ones are one."""
    points, before = [f"M{area.left:.1f} {base:.1f}"], base
    for n, share in enumerate(shares):
        top = base - min(1.0, share) * height
        if f"{top:.1f}" != f"{before:.1f}":
            points.append(f"H{area.left + n / len(shares) * (area.right - area.left):.1f}V{top:.1f}")
            before = top
    return f"{''.join(points)}H{area.right:.1f}V{base:.1f}Z"
