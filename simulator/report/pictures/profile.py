"""Who is busy when: each component, and each kind of wires, over two blocks of a decode step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simulator.metrics.result import BusyProfile
from simulator.report.evidence import Run
from simulator.report.numbers import percent, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.pictures.roofline import HOP_NAMES
from simulator.report.pictures.strips import Layer, Strip, draw_strips

PS_PER_S = 1e12


class _Row(NamedTuple):
    name: str
    shares: Sequence[float]
    of: str


def profile(run: Run) -> Picture | None:
    """Strips of each component and of each kind of wires; None where the result does not have them."""
    found = run.result.busy_profile
    if found is None or not found.busy:
        return None
    rows = [*(_Row(name, shares, "time") for name, shares in found.busy.items()), *_wires(run, found)]
    bins = len(rows[0].shares)
    strips = [_strip(row) for row in rows]
    return Picture(
        f"profile:{run.name}",
        f"Two blocks of a decode step of {run.label}",
        f"One strip a component, and one for each kind of wires, over {si(bins * found.bin_ps / PS_PER_S, 's')} in the "
        "middle of the last decode step: the fuller a column, the busier it is then.",
        lambda width: draw_strips(strips, found.bin_ps, width),
        Table(
            ("from (us)", *(f"{row.name}, share of {row.of}" for row in rows)),
            [((found.start_ps + n * found.bin_ps) / 1e6, *(row.shares[n] for row in rows)) for n in range(bins)],
        ),
        note="Components: share of the time that they work. Wires: bytes over the most they can carry.",
        half=True,
    )


def _strip(row: _Row) -> Strip:
    mean = percent(sum(row.shares) / len(row.shares))
    if row.of == "time":
        return Strip(row.name, (Layer(row.shares, "c0"),), tip(row.name, f"busy {mean} of this window"))
    return Strip(row.name, (Layer(row.shares, "c1"),), tip(row.name, f"{mean} of {row.of} in this window"))


def _wires(run: Run, found: BusyProfile) -> Iterator[_Row]:
    """The wires whose peak rate is known and that carry anything."""
    parts = run.point["components"] if run.point else {}
    for name, part in parts.items():
        for hops, bytes_per_s in part.get("bytes_per_s", {}).items():
            keys = [f"{name}: {hop}" for hop in hops.split(" and ")]
            moved = [found.moved_bytes[key] for key in keys if key in found.moved_bytes]
            peak = bytes_per_s * found.bin_ps / PS_PER_S
            shares = [sum(bytes_) / peak for bytes_ in zip(*moved, strict=True)]
            if any(shares):
                yield _Row(f"{HOP_NAMES.get(hops, hops)} of {name}", shares, f"peak {si(bytes_per_s, 'B/s')}")
