"""The drawing of a roofline: roofs, slopes, and the op kinds under them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.report.numbers import plain, short, si
from simulator.report.pictures.picture import tip
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas, text_width
from simulator.report.svg.labels import Box, place
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Scale
from simulator.report.svg.style import SHAPES, colour

HEAP = 12.0
"""Marks nearer to each other than this, in px, share a label."""


@dataclass(frozen=True)
class Dot:
    """An op kind: FLOP/byte, FLOP/s over the time in which it ran, and that time's share of the stage."""

    kind: str
    flops_per_byte: float
    flops_per_s: float
    time_share: float
    bound_by: str


@dataclass(frozen=True)
class Frame:
    """Where things go: the area of the picture and its scales."""

    area: Area
    x: Scale
    y: Scale


def draw(dots: Sequence[Dot], slopes: Mapping[str, float], flats: Mapping[str, float], width: float) -> Canvas:
    """``slopes``: bytes/s by name of the wires; ``flats``: FLOP/s by name of the unit."""
    canvas = Canvas(width, 390)
    frame = _frame(dots, slopes, flats, Area(64, 34, width - 16, canvas.height - 48))
    x_axis(canvas, frame.area, frame.x, "arithmetic intensity (FLOP/byte)")
    y_axis(canvas, frame.area, frame.y, "FLOP/s", short)
    slopes = _alike(slopes)
    roof = max(flats.values(), default=frame.y.high)
    taken = [box for name, rate in slopes.items() for box in _slope(canvas, frame, name, rate, roof)]
    taken += _flats(canvas, frame, flats)
    places = [(frame.x(dot.flops_per_byte), frame.y(dot.flops_per_s)) for dot in dots]
    place(canvas, frame.area, _together(places, [dot.kind for dot in dots]), taken)
    for position, (at, dot) in enumerate(zip(places, dots, strict=True)):
        words = tip(
            dot.kind,
            f"{plain(dot.flops_per_byte)} FLOP/byte, {si(dot.flops_per_s, 'FLOP/s')}",
            f"{dot.time_share:.1%} of the time, held by {dot.bound_by}",
        )
        radius = 4 + 7 * math.sqrt(dot.time_share)
        mark(canvas, SHAPES[position % len(SHAPES)], *at, radius, f"m dot f-{colour(position)}", data_tip=words)
    return canvas


def _alike(slopes: Mapping[str, float]) -> dict[str, float]:
    """Wires of one bandwidth as one line, whose figures would lie on each other."""
    names: dict[float, list[str]] = {}
    for name, rate in slopes.items():
        near = next((known for known in names if math.isclose(known, rate, rel_tol=0.01)), rate)
        names.setdefault(near, []).append(name)
    return {" and ".join(together): rate for rate, together in names.items()}


def _frame(dots: Sequence[Dot], slopes: Mapping[str, float], flats: Mapping[str, float], area: Area) -> Frame:
    low_x = 10 ** math.floor(math.log10(min(dot.flops_per_byte for dot in dots) / 2))
    top = max([*flats.values(), *(dot.flops_per_s for dot in dots)])
    knees = [top / bytes_per_s for bytes_per_s in slopes.values() if bytes_per_s]
    high_x = 10 ** math.ceil(math.log10(max([*knees, *(2 * dot.flops_per_byte for dot in dots)])))
    bottom = min([*(dot.flops_per_s for dot in dots), *(low_x * b for b in slopes.values())])
    y = area.y((10 ** math.floor(math.log10(bottom)), top * 2), log=True)
    return Frame(area, area.x((low_x, high_x), log=True), y)


def _flats(canvas: Canvas, frame: Frame, flats: Mapping[str, float]) -> list[Box]:
    """The lines of the units, each with its figure at the right; gives the room that these take."""
    area, taken = frame.area, []
    free = area.top - 40.0
    for name, flops_per_s in sorted(flats.items(), key=lambda item: -item[1]):
        y, words = frame.y(flops_per_s), f"{name}, {si(flops_per_s, 'FLOP/s')}"
        canvas.line(area.left, y, area.right, y, "roof", data_tip=words)
        free = max(y - 4, free + 13)
        canvas.text(area.right - 2, free, words, "small halo", text_anchor="end")
        taken.append(Box(area.right - 2 - text_width(words, 11), free - 10, area.right, free + 3))
    return taken


def _slope(canvas: Canvas, frame: Frame, name: str, bytes_per_s: float, roof: float) -> list[Box]:
    """The line of a bandwidth up to the highest roof, its figure along it; gives the room that this takes."""
    x, y = frame.x, frame.y
    start, end = max(x.low, y.low / bytes_per_s), min(x.high, roof / bytes_per_s)
    if start >= end:
        return []
    words = f"{name}, {si(bytes_per_s, 'B/s')}"
    x1, y1, x2, y2 = x(start), y(start * bytes_per_s), x(end), y(end * bytes_per_s)
    canvas.line(x1, y1, x2, y2, "roof", data_tip=words)
    room = text_width(words, 11)
    if math.dist((x1, y1), (x2, y2)) < room:
        # The line is too short to carry its figure, which stands at its end instead.
        canvas.text(x2 + 6, y2 + 14, words, "small halo")
        return [Box(x2, y2 + 2, x2 + room, y2 + 18)]
    angle = math.atan2(y2 - y1, x2 - x1)
    left, base = x1 + 8 * math.cos(angle), y1 - 9
    where = f"translate({left:.1f} {base:.1f}) rotate({math.degrees(angle):.1f})"
    canvas.text(0, 0, words, "small halo", transform=where)
    steps = range(0, int(room), 12)
    return [
        Box(
            left + n * math.cos(angle) - 6,
            base + n * math.sin(angle) - 12,
            left + n * math.cos(angle) + 6,
            base + n * math.sin(angle) + 4,
        )
        for n in steps
    ]


def _together(places: Sequence[tuple[float, float]], kinds: Sequence[str]) -> list[tuple[float, float, str]]:
    """A label for each heap of marks: at its first, which takes most time, two names and the number of others."""
    heaps: list[tuple[tuple[float, float], list[str]]] = []
    for at, kind in zip(places, kinds, strict=True):
        heap = next((names for middle, names in heaps if math.dist(middle, at) < HEAP), None)
        if heap is None:
            heaps.append((at, [kind]))
        else:
            heap.append(kind)
    return [
        (*at, ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")) for at, names in heaps
    ]
