"""What moving a bit costs: pJ/bit of each hop on the way from the cells to the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.report.evidence import Run
from simulator.report.numbers import plain
from simulator.report.pictures.batches import by_design
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import log_around
from simulator.report.svg.style import COLOURS, FAMILY_COLOURS, FAMILY_SHAPES, SHAPES, colour

PJ_PER_J, BITS_PER_BYTE = 1e12, 8
PAID_BY: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cell array to bank I/O": (("dram_array",), ("cell_array->bank_io",)),
    "bank I/O to pins": (("dram_io",), ("pins->controller", "controller->pins")),
    "TSVs": (("tsv",), ("vertical_bus",)),
    "links and networks": (("link", "network"), ("link",)),
    "on-chip buffers": (("sram",), ("sram",)),
}
"""Hop -> the energy classes that pay for it, and the hops of ``data_movement_bytes`` whose bits they carry."""


def pj_per_bit(run: Run) -> dict[str, float]:
    """pJ/bit of each hop of a run that carried anything and costs something, over the whole run."""
    energy, moved = run.result.energy_j.by_class, run.result.data_movement_bytes
    found = {}
    for hop, (classes, hops) in PAID_BY.items():
        bits = BITS_PER_BYTE * sum(moved.get(name, 0) for name in hops)
        joules = sum(energy.get(name, 0.0) for name in classes)
        if bits and joules:
            found[hop] = joules * PJ_PER_J / bits
    return found


def hops(runs: Sequence[Run]) -> Picture | None:
    """A line for each hop, a mark for each design at its smallest batch; None where nothing moved."""
    first = [group[0] for group in by_design(runs).values()]
    costs = {run.label: costs for run in first if (costs := pj_per_bit(run))}
    shown = [run for run in first if run.label in costs]
    names = [hop for hop in PAID_BY if any(hop in found for found in costs.values())]
    if not names:
        return None
    dearest = max(((value, hop, run) for run, found in costs.items() for hop, value in found.items()))
    return Picture(
        "pj-per-bit",
        "Energy of moving a bit",
        f"pJ/bit of each hop, one mark a design, on a logarithmic axis. The dearest is {dearest[1]} of {dearest[2]}: "
        f"{plain(dearest[0])} pJ/bit.",
        lambda width: _draw(shown, costs, names, width),
        Table(
            ("run", *(f"{hop} (pJ/bit)" for hop in names)),
            [(run.label, *(costs[run.label].get(h) for h in names)) for run in shown],
        ),
        note="Energy of the class that pays for a hop over the bits that crossed it, whole run: row activation and "
        "controllers are in it. A processor's caches and registers are in its compute energy.",
    )


def looks_of(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Colour and shape of each design: its family's, or what is left when another design has that."""
    found: dict[str, tuple[str, str]] = {}
    left = [(colour(n), SHAPES[(n + shift) % len(SHAPES)]) for shift in range(len(SHAPES)) for n in range(COLOURS)]
    for run in runs:
        usual = (FAMILY_COLOURS[run.family], FAMILY_SHAPES[run.family])
        taken = found.values()
        found[run.design] = usual if usual not in taken else next(look for look in left if look not in taken)
    return found


def _draw(runs: Sequence[Run], costs: Mapping[str, Mapping[str, float]], names: Sequence[str], width: float) -> Canvas:
    narrow = width < 600
    row = 58 if narrow else 46
    designs = [run.design for run in runs]
    top = key_height(designs, width) + 10
    canvas = Canvas(width, top + row * len(names) + 48)
    area = Area(12 if narrow else 170, top, width - 20, top + row * len(names))
    values = [value for found in costs.values() for value in found.values()]
    x = area.x(log_around(values, room=1.6), log=True)
    x_axis(canvas, area, x, "energy (pJ/bit)")
    looks = looks_of(runs)
    for position, hop in enumerate(names):
        y = area.top + row * (position + (0.68 if narrow else 0.5))
        if narrow:
            canvas.text(area.left, y - 20, hop, "name")
        else:
            canvas.text(area.left - 12, y + 4, hop, "name", text_anchor="end")
        canvas.line(area.left, y, area.right, y, "axis")
        for run in runs:
            value = costs[run.label].get(hop)
            if value is not None:
                words = tip(run.label, f"{hop}: {plain(value)} pJ/bit")
                fill, shape = looks[run.design]
                mark(canvas, shape, x(value), y, 6.5, f"m dot f-{fill}", data_tip=words)
    draw_key(
        canvas, designs, width, lambda name, x, y: mark(canvas, looks[name][1], x, y, 5.5, f"dot f-{looks[name][0]}")
    )
    return canvas
