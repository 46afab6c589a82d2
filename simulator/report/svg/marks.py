"""Marks: one point of a picture, with a shape that tells it apart without its colour."""

from __future__ import annotations

import math

from simulator.report.svg.canvas import Canvas, Value

_UNIT: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)),
    "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "up": ((0, -1.2), (1.15, 0.85), (-1.15, 0.85)),
    "down": ((0, 1.2), (1.15, -0.85), (-1.15, -0.85)),
    "cross": (
        (-0.4, -1.15), (0.4, -1.15), (0.4, -0.4), (1.15, -0.4), (1.15, 0.4), (0.4, 0.4),
        (0.4, 1.15), (-0.4, 1.15), (-0.4, 0.4), (-1.15, 0.4), (-1.15, -0.4), (-0.4, -0.4),
    ),
    "star": tuple(
        (radius * math.sin(math.pi * n / 5), -radius * math.cos(math.pi * n / 5))
        for n, radius in enumerate((1.4, 0.6) * 5)
    ),
}  # fmt: skip
"""Corners of each shape, of about the same area as a circle of radius 1."""


def mark(  # noqa: PLR0913 - where, how large, and in what look
    canvas: Canvas, shape: str, x: float, y: float, radius: float, kind: str, **attributes: Value
) -> None:
    """The mark of ``shape`` around (``x``, ``y``)."""
    if shape == "circle":
        canvas.add("circle", cx=x, cy=y, r=radius, class_=kind, **attributes)
    else:
        corners = " ".join(f"{x + dx * radius:.1f},{y + dy * radius:.1f}" for dx, dy in _UNIT[shape])
        canvas.add("polygon", points=corners, class_=kind, **attributes)
