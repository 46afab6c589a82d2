"""One operator on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from simulator.report.numbers import NONE, n_bytes, si


def view(arch: str, kind: str, shape: tuple[int, int], batch: int, done: Mapping[str, Any]) -> Group:
    """Cycles, time, energy, work and what limited it."""
    seconds = done["time_ps"] / 10**12
    figures = {
        "cycles": f"{done['cycles']:,}",
        "time": si(seconds, "s"),
        "energy": si(done["energy_j"], "J"),
        "bytes": n_bytes(done["bytes"]),
        "arithmetic": si(done["flops"] / seconds, "FLOP/s") if seconds else NONE,
        "limited by": done["bound_by"],
    }
    if done["link_bytes"]:
        figures["over links"] = n_bytes(done["link_bytes"])
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in figures:
        table.add_column(name, no_wrap=True)
    table.add_row(*(Text(figure, style="bold") for figure in figures.values()))
    what = f" {shape[0]} x {shape[1]}, batch {batch}, on {done['unit']} of "
    heading = Text.assemble((kind, "bold"), what, (arch, "bold"))
    chosen = ", ".join(f"{name} {value}" for name, value in done["mapping"].items())
    mapping = [Text(f"mapping: {chosen}", style="dim")] if chosen else []
    commands = ", ".join(f"{name} {count:,}" for name, count in done["commands"].items())
    return Group(heading, table, *mapping, Text(f"commands: {commands or 'none'}", style="dim"))
