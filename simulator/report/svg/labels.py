"""Labels beside marks, placed so that none lies on another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.report.svg.axes import Area
from simulator.report.svg.canvas import Canvas, text_width

HEIGHT = 14.0
BOLD = 14.0
"""The size at which regular letters are as wide as the bold ones of a label."""


@dataclass(frozen=True)
class Box:
    """A rectangle that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share room."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def around(x: float, y: float, radius: float) -> Box:
    """What a mark takes."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def place(canvas: Canvas, area: Area, labels: Sequence[tuple[float, float, str]], taken: Iterable[Box] = ()) -> None:
    """Write each (x, y, words) beside its point, where there is room; a thin line leads to one that had to move away.

    A label that has room nowhere is left out: the table behind the picture has it.
    """
    full = [*taken, *(around(x, y, 5) for x, y, _ in labels)]
    for x, y, words in labels:
        found = next((box for box in _places(x, y, text_width(words, BOLD)) if _fits(box, area, full)), None)
        if found is None:
            continue
        full.append(found)
        base = found.bottom - 3
        if min(abs(found.left - x), abs(found.right - x)) > 14 or abs((found.top + found.bottom) / 2 - y) > 16:
            near = min(max(x, found.left), found.right)
            canvas.line(x, y, near, found.top if found.top > y else found.bottom - 2, "axis")
        # Letters of a wider font than the one measured grow away from the mark.
        if found.right <= x:
            canvas.text(found.right, base, words, "strong halo", text_anchor="end")
        else:
            canvas.text(found.left, base, words, "strong halo")


def _places(x: float, y: float, width: float) -> Iterable[Box]:
    """Where a label may go, the best place first."""
    for away in (9.0, 22.0, 38.0, 56.0):
        for left, middle in (
            (x + away, y),
            (x - away - width, y),
            (x - width / 2, y - away - 5),
            (x - width / 2, y + away + 5),
            (x + away * 0.7, y - away),
            (x + away * 0.7, y + away),
            (x - away * 0.7 - width, y - away),
            (x - away * 0.7 - width, y + away),
        ):
            yield Box(left, middle - HEIGHT / 2, left + width, middle + HEIGHT / 2)


def _fits(box: Box, area: Area, full: Iterable[Box]) -> bool:
    inside = box.left >= area.left and box.right <= area.right and box.top >= area.top and box.bottom <= area.bottom
    return inside and not any(box.meets(other) for other in full)
