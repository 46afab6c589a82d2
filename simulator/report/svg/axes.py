"""Axes: the frame of a picture with two scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.report.numbers import plain
from simulator.report.svg.canvas import Canvas, text_width
from simulator.report.svg.scales import Linear, Log, Scale

LINE_HEIGHT = 16
Label = Callable[[float], str]


@dataclass(frozen=True)
class Area:
    """Where in a canvas the marks go: pixels of the left, upper, right and lower edge."""

    left: float
    top: float
    right: float
    bottom: float

    def x(self, limits: tuple[float, float], *, log: bool = False) -> Scale:
        """The scale from left to right."""
        return (Log if log else Linear)(*limits, self.left, self.right)

    def y(self, limits: tuple[float, float], *, log: bool = False) -> Scale:
        """The scale from the bottom up."""
        return (Log if log else Linear)(*limits, self.bottom, self.top)


def tick_label(value: float) -> str:
    """A tick's figure: ``0.01``, ``5``, ``2,000``."""
    return f"{value:,g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else plain(value)


def x_axis(canvas: Canvas, area: Area, scale: Scale, name: str, label: Label = tick_label) -> None:
    """Ticks and grid below ``area``, ``name`` with its unit under them; labels that would touch are left out."""
    free_from = -1e9
    for value in scale.ticks(6):
        x = scale(value)
        canvas.line(x, area.top, x, area.bottom, "grid")
        words = label(value)
        half = text_width(words) / 2
        if x - half > free_from:
            canvas.text(x, area.bottom + LINE_HEIGHT, words, text_anchor="middle")
            free_from = x + half + 6
    canvas.line(area.left, area.bottom, area.right, area.bottom, "axis")
    canvas.text((area.left + area.right) / 2, area.bottom + 2.4 * LINE_HEIGHT, name, "axis-name", text_anchor="middle")


def y_axis(canvas: Canvas, area: Area, scale: Scale, name: str, label: Label = tick_label) -> None:
    """Ticks and grid at the left of ``area``, ``name`` with its unit above them."""
    for value in scale.ticks(6):
        y = scale(value)
        canvas.line(area.left, y, area.right, y, "grid")
        canvas.text(area.left - 8, y + 4, label(value), text_anchor="end")
    canvas.text(4, area.top - 10, name, "axis-name")
