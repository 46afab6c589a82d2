"""A design point drawn from its resolved tree: its parts as boxes, links between them and what they use as lines."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.report.evidence import Run
from simulator.report.numbers import n_bytes, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.canvas import Canvas, shortened

KIND_COLOURS = {"memory": "c0", "compute": "c2", "buffer": "c1", "host": "c7", "other": "c8"}
COMPUTING = ("cpu", "gpu", "fpga", "dpu", "near_bank", "hbm_pim", "matrix", "vault_matrix", "vector")
GAP, BOX_HEIGHT, LINES = 30.0, 74.0, 3


@dataclass(frozen=True)
class Edge:
    """A line between two boxes; ``words``: the link that it is, empty where one part just uses another."""

    start: str
    end: str
    words: str


def topology(run: Run) -> Picture | None:
    """The picture; None where the platform cannot be built here."""
    if run.point is None:
        return None
    parts = run.point["components"]
    edges = edges_of(parts)
    levels = levels_of(parts, edges)
    rows = [(name, part["kind"], figures(part), part["description"], part["source"]) for name, part in parts.items()]
    devices = run.point["devices"]
    many = f"{devices} such devices. " if devices > 1 else ""
    joined = "; ".join(f"{edge.start} to {edge.end}{f' over {edge.words}' if edge.words else ''}" for edge in edges)
    return Picture(
        f"topology:{run.name}",
        f"Parts of {run.point['name']}",
        f"{many}Boxes are parts, lines are links and uses: {joined}.",
        lambda width: _draw(parts, edges, levels, devices, width),
        Table(("part", "kind", "at most", "description", "source"), rows),
    )


def _is_link(part: Mapping[str, Any]) -> bool:
    return "between" in part["values"]


def edges_of(parts: Mapping[str, Mapping[str, Any]]) -> list[Edge]:
    """Links, and each mention of one part in the values of another."""
    edges = []
    for name, part in parts.items():
        values = part["values"]
        if _is_link(part):
            start, end = values["between"]
            edges.append(Edge(start, end, f"{name}{_rate(part)}"))
            continue
        for value in values.values():
            mentioned = value if isinstance(value, list | tuple) else [value]
            edges += [Edge(name, one, "") for one in mentioned if isinstance(one, str) and one in parts and one != name]
    seen: dict[tuple[frozenset[str], str], Edge] = {}
    for edge in edges:
        if all(end in parts and not _is_link(parts[end]) for end in (edge.start, edge.end)):
            seen.setdefault((frozenset((edge.start, edge.end)), edge.words), edge)
    return list(seen.values())


def _rate(part: Mapping[str, Any]) -> str:
    rate = part["values"].get("bandwidth_gb_s")
    return f", {rate:g} GB/s" if isinstance(rate, int | float) else ""


def levels_of(parts: Mapping[str, Mapping[str, Any]], edges: list[Edge]) -> list[list[str]]:
    """The boxes from left to right: memories, what is joined to them, and so on; what is joined to nothing last."""
    boxes = [name for name, part in parts.items() if not _is_link(part)]
    found = [[name for name in boxes if _kind(parts[name]) == "memory"] or boxes[:1]]
    left = [name for name in boxes if name not in found[0]]
    while left:
        last = set(found[-1])
        following = [
            name
            for name in left
            if any({edge.start, edge.end} & last and name in (edge.start, edge.end) for edge in edges)
        ] or left
        found.append(following)
        left = [name for name in left if name not in following]
    return found


def _kind(part: Mapping[str, Any]) -> str:
    if "capacity_bytes" in part and "dram" in part:
        return "memory"
    if part.get("flops_per_s") or part["kind"] in COMPUTING:
        return "compute"
    if "host" in part["kind"]:
        return "host"
    return "buffer" if "buffer" in part["kind"] or "sram" in part["kind"] else "other"


def figures(part: Mapping[str, Any]) -> str:
    """What a part can do at most, in a few words."""
    found = []
    if "capacity_bytes" in part:
        found.append(n_bytes(part["capacity_bytes"]))
    found += [si(rate, "B/s") for rate in part.get("bytes_per_s", {}).values()]
    if part.get("flops_per_s"):
        found.append(si(part["flops_per_s"], "FLOP/s"))
    if part.get("static_power_w"):
        found.append(f"{si(part['static_power_w'], 'W')} static")
    return ", ".join(found)


def _draw(
    parts: Mapping[str, Mapping[str, Any]], edges: list[Edge], levels: list[list[str]], devices: int, width: float
) -> Canvas:
    narrow = width < 600
    boxes = _down(levels, width) if narrow else _across(levels, width)
    bottom = max(y + BOX_HEIGHT for _, y, _ in boxes.values())
    notes = [f"{edge.words}: {edge.start} to {edge.end}" for edge in edges if edge.words]
    canvas = Canvas(width, bottom + 14 + 17 * len(notes) + (18 if devices > 1 else 0))
    for edge in edges:
        _wire(canvas, boxes, edge)
    for name, (x, y, room) in boxes.items():
        part = parts[name]
        words = tip(name, part["description"], figures(part), f"source: {part['source']}" if part["source"] else "")
        canvas.add("rect", x=x, y=y, width=room, height=BOX_HEIGHT, rx=5, class_="m box", data_tip=words)
        canvas.add("rect", x=x, y=y, width=5, height=BOX_HEIGHT, rx=2, class_=f"f-{KIND_COLOURS[_kind(part)]}")
        canvas.text(x + 14, y + 20, shortened(name, room - 18, 12.5), "strong")
        for line, text in enumerate(textwrap.wrap(figures(part), max(10, int((room - 18) / 6)))[:LINES]):
            canvas.text(x + 14, y + 36 + 14 * line, shortened(text, room - 18, 11), "small")
    y = bottom + 20
    for note in notes:
        canvas.text(0, y, shortened(note, width, 11), "small")
        y += 17
    if devices > 1:
        canvas.text(0, y, f"{devices} such devices", "strong")
    return canvas


Places = dict[str, tuple[float, float, float]]
"""Name -> left, top and width of its box."""


def _across(levels: list[list[str]], width: float) -> Places:
    room = min(230.0, (width - 90 * (len(levels) - 1)) / len(levels))
    step = (width - room) / max(1, len(levels) - 1) if len(levels) > 1 else 0.0
    step = min(step, room + 150)
    tallest = max(len(level) for level in levels) * (BOX_HEIGHT + GAP) - GAP
    found = {}
    for column, level in enumerate(levels):
        height = len(level) * (BOX_HEIGHT + GAP) - GAP
        for row, name in enumerate(level):
            found[name] = (column * step + 1, 4 + (tallest - height) / 2 + row * (BOX_HEIGHT + GAP), room)
    return found


def _down(levels: list[list[str]], width: float) -> Places:
    found, y = {}, 4.0
    for level in levels:
        for start in range(0, len(level), 2):
            pair = level[start : start + 2]
            room = (width - 22 * (len(pair) - 1)) / len(pair) - 2
            for position, name in enumerate(pair):
                found[name] = (1 + position * (room + 22), y, room)
            y += BOX_HEIGHT + GAP
    return found


def _wire(canvas: Canvas, boxes: Places, edge: Edge) -> None:
    (x1, y1, w1), (x2, y2, w2) = boxes[edge.start], boxes[edge.end]
    kind = "wire" if edge.words else "iso"
    if abs(x1 - x2) < 1 and abs(y1 - y2) > BOX_HEIGHT + GAP + 1:
        bend = x1 + w1 + 20
        high, low = y1 + BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2
        path = f"M{x1 + w1:.1f} {high:.1f}C{bend:.1f} {high:.1f} {bend:.1f} {low:.1f} {x2 + w2:.1f} {low:.1f}"
        canvas.add("path", d=path, class_=f"m {kind}", fill="none", data_tip=edge.words or None)
        return
    canvas.line(
        x1 + w1 / 2, y1 + BOX_HEIGHT / 2, x2 + w2 / 2, y2 + BOX_HEIGHT / 2, f"m {kind}" if edge.words else kind,
        data_tip=edge.words or None,
    )  # fmt: skip
