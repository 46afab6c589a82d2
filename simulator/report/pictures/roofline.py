"""The roofline of a run: each op kind by its arithmetic intensity, under what wires and units can do at most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.report.evidence import Run
from simulator.report.numbers import plain, short, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.labels import place
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Scale
from simulator.report.svg.style import SHAPES, colour

HOP_NAMES = {
    "bank_io->mac": "bank I/O to near-bank MACs",
    "pins->controller and controller->pins": "data pins",
    "vertical_bus": "vertical bus",
}


@dataclass(frozen=True)
class Dot:
    """An op kind: FLOP/byte, FLOP/s over the time in which it ran, and that time's share of the stage."""

    kind: str
    flops_per_byte: float
    flops_per_s: float
    time_share: float
    bound_by: str


def roofline(run: Run) -> Picture | None:
    """The picture; None where the result or the platform does not say enough."""
    dots = dots_of(run)
    if not dots or run.point is None:
        return None
    slopes, flats = roofs(run.point)
    main = max(dots, key=lambda dot: dot.time_share)
    return Picture(
        f"roofline:{run.name}",
        f"Roofline of {run.label}",
        f"FLOP/s of each op kind of the {run.stage} stage over its FLOP per byte of weights, keys and values, on "
        f"logarithmic axes. Most time goes to {main.kind}: {plain(main.flops_per_byte)} FLOP/byte, "
        f"{si(main.flops_per_s, 'FLOP/s')}, held by {main.bound_by}.",
        lambda width: _draw(dots, slopes, flats, width),
        Table(
            ("op kind", "FLOP/byte", "FLOP/s", "share of time", "held by"),
            [(d.kind, d.flops_per_byte, d.flops_per_s, d.time_share, d.bound_by) for d in dots],
        ),
        note="Bytes: stored weights, keys and values; ops without any are left out. Roofs are those of all devices.",
        half=True,
    )


def dots_of(run: Run) -> list[Dot]:
    """The op kinds that have both FLOPs and stored bytes, those that take most time first."""
    time = run.result.time_by_op_kind_s[run.stage]
    total = sum(time.values())
    dots = []
    for kind, work in run.result.work_by_op_kind.get(run.stage, {}).items():
        seconds = time.get(kind, 0.0)
        if work.flops and work.bytes and seconds:
            held = run.result.bound_by.get(kind, "not known")
            dots.append(Dot(kind, work.flops / work.bytes, work.flops / seconds, seconds / total, held))
    return sorted(dots, key=lambda dot: -dot.time_share)


def roofs(point: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """(bytes/s by name of the wires, FLOP/s by name of the unit) of all devices of a design point."""
    slopes: dict[str, float] = {}
    flats: dict[str, float] = {}
    for name, part in point["components"].items():
        for hop, bytes_per_s in part.get("bytes_per_s", {}).items():
            slopes[f"{HOP_NAMES.get(hop, hop)} of {name}"] = bytes_per_s * point["devices"]
        for bits, flops_per_s in part.get("flops_per_s_by_bits", {}).items():
            flats[f"{name}, {bits} bit"] = flops_per_s * point["devices"]
        if part.get("flops_per_s"):
            flats[name] = part["flops_per_s"] * point["devices"]
    return slopes, flats


def _draw(dots: Sequence[Dot], slopes: Mapping[str, float], flats: Mapping[str, float], width: float) -> Canvas:
    canvas = Canvas(width, 390)
    area = Area(64, 34, width - 16, canvas.height - 48)
    low_x = 10 ** math.floor(math.log10(min(dot.flops_per_byte for dot in dots) / 2))
    top = max([*flats.values(), *(dot.flops_per_s for dot in dots)])
    knees = [top / bytes_per_s for bytes_per_s in slopes.values() if bytes_per_s]
    high_x = 10 ** math.ceil(math.log10(max([*knees, *(2 * dot.flops_per_byte for dot in dots)])))
    bottom = min([*(dot.flops_per_s for dot in dots), *(low_x * b for b in slopes.values())])
    x = area.x((low_x, high_x), log=True)
    y = area.y((10 ** math.floor(math.log10(bottom)), top * 2), log=True)
    x_axis(canvas, area, x, "arithmetic intensity (FLOP/byte)")
    y_axis(canvas, area, y, "FLOP/s", short)
    for name, bytes_per_s in slopes.items():
        _slope(canvas, x, y, bytes_per_s, max([*flats.values(), 0]) or y.high, name)
    free = area.top - 40.0
    for name, flops_per_s in sorted(flats.items(), key=lambda item: -item[1]):
        canvas.line(
            area.left, y(flops_per_s), area.right, y(flops_per_s), "roof", data_tip=tip(name, si(flops_per_s, "FLOP/s"))
        )
        base = max(y(flops_per_s) - 4, free + 13)
        canvas.text(area.right - 2, base, f"{name}, {si(flops_per_s, 'FLOP/s')}", "small halo", text_anchor="end")
        free = base
    places = [(x(dot.flops_per_byte), y(dot.flops_per_s)) for dot in dots]
    place(canvas, area, [(*at, dot.kind) for at, dot in zip(places, dots, strict=True)])
    for position, (at, dot) in enumerate(zip(places, dots, strict=True)):
        words = tip(
            dot.kind,
            f"{plain(dot.flops_per_byte)} FLOP/byte, {si(dot.flops_per_s, 'FLOP/s')}",
            f"{dot.time_share:.1%} of the time, held by {dot.bound_by}",
        )
        radius = 4 + 7 * math.sqrt(dot.time_share)
        mark(canvas, SHAPES[position % len(SHAPES)], *at, radius, f"m dot f-{colour(position)}", data_tip=words)
    return canvas


def _slope(canvas: Canvas, x: Scale, y: Scale, bytes_per_s: float, top: float, name: str) -> None:  # noqa: PLR0913
    """The line of a bandwidth up to the highest roof, its figure along it."""
    start = max(x.low, y.low / bytes_per_s)
    end = min(x.high, top / bytes_per_s)
    if start >= end:
        return
    words = f"{name}, {si(bytes_per_s, 'B/s')}"
    x1, y1, x2, y2 = x(start), y(start * bytes_per_s), x(end), y(end * bytes_per_s)
    canvas.line(x1, y1, x2, y2, "roof", data_tip=words)
    angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
    canvas.text(
        0, 0, words, "small halo", text_anchor="middle",
        transform=f"translate({x1 + (x2 - x1) * 0.24:.1f} {y1 + (y2 - y1) * 0.24 - 6:.1f}) rotate({angle:.1f})",
    )  # fmt: skip
