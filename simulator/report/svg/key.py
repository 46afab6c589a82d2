"""The key of a picture: names with what they look like, in as many lines as they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.report.svg.canvas import Canvas, text_width

LINE = 20.0
SWATCH = 18.0
GAP = 18.0
Swatch = Callable[[str, float, float], None]
"""Draws the look of a name around a point."""


def key_height(names: Sequence[str], width: float) -> float:
    """The height that `draw_key` takes."""
    return _placed(names, width)[-1][2] + 8 if names else 0.0


def draw_key(canvas: Canvas, names: Sequence[str], width: float, swatch: Swatch) -> None:
    """Write ``names`` from the upper left corner on, each behind its ``swatch``."""
    for name, x, y in _placed(names, width):
        swatch(name, x + 6, y - 4)
        canvas.text(x + SWATCH, y, name, "name")


def _placed(names: Sequence[str], width: float) -> list[tuple[str, float, float]]:
    placed, x, y = [], 0.0, 14.0
    for name in names:
        room = SWATCH + text_width(name, 12.5)
        if x and x + room > width:
            x, y = 0.0, y + LINE
        placed.append((name, x, y))
        x += room + GAP
    return placed
