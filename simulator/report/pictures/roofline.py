"""The roofline of a run: each op kind by its arithmetic intensity, under what wires and units can do at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from simulator.report.evidence import Run
from simulator.report.numbers import plain, si
from simulator.report.pictures.picture import Picture, Table
from simulator.report.pictures.roofline_drawing import Dot, draw

HOP_NAMES = {
    "bank_io->mac": "bank I/O to MACs",
    "pins->controller and controller->pins": "data pins",
    "vertical_bus": "vertical bus",
}


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
        lambda width: draw(dots, slopes, flats, width),
        Table(
            ("op kind", "FLOP/byte", "FLOP/s", "share of time", "held by"),
            [(d.kind, d.flops_per_byte, d.flops_per_s, d.time_share, d.bound_by) for d in dots],
        ),
        note="Bytes: stored weights, keys and values; ops without any are left out. Roofs are of all devices; that "
        "of vector lanes counts one operation a clock, though some multiply and add in one.",
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
    times = Counter(hop for part in point["components"].values() for hop in part.get("bytes_per_s", {}))
    for name, part in point["components"].items():
        for hop, bytes_per_s in part.get("bytes_per_s", {}).items():
            wires, rate = HOP_NAMES.get(hop, hop), bytes_per_s * point["devices"]
            alike = next((known for known, other in slopes.items() if other == rate and known.startswith(wires)), None)
            if alike is not None:
                slopes[f"{alike} and {name}"] = slopes.pop(alike)
            else:
                slopes[wires if times[hop] == 1 else f"{wires} of {name}"] = rate
        for bits, flops_per_s in part.get("flops_per_s_by_bits", {}).items():
            flats[f"{name}, {bits} bit"] = flops_per_s * point["devices"]
        if part.get("flops_per_s"):
            flats[name] = part["flops_per_s"] * point["devices"]
    return slopes, flats
