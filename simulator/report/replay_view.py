"""A replayed trace on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from simulator.report.numbers import percent, si


def view(spec: str, trace: str, run: Mapping[str, Any]) -> Group:
    """Cycles, time, energy and commands of a replay."""
    figures = {
        "cycles": f"{run['cycles']:,}",
        "time": si(run["time_ps"] / 10**12, "s"),
        "energy": si(run["energy_j"], "J"),
        "row hits": percent(run["row_hit_rate"]),
        "wall time": si(run["wall_s"], "s"),
    }
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in figures:
        table.add_column(name, no_wrap=True)
    table.add_row(*(Text(figure, style="bold") for figure in figures.values()))
    commands = ", ".join(f"{name} {count:,}" for name, count in run["commands"].items())
    return Group(
        Text.assemble((trace, "bold"), " on ", (spec, "bold")),
        table,
        Text(f"commands: {commands or 'none'}", style="dim"),
    )
