"""Names with their descriptions: cut to the width of a terminal, or in full for a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

KEYS = ("name", "description", "source")


def view(entries: Sequence[Mapping[str, str]]) -> Table:
    """One line each; what does not fit is cut. The source has room only if there is one."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=5)
    has_source = any(entry["source"] for entry in entries)
    if has_source:
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=2, style="dim")
    for entry in entries:
        table.add_row(*(Text(_one_line(entry[key])) for key in KEYS[: 2 + has_source]))
    return table


def lines(entries: Sequence[Mapping[str, str]]) -> list[str]:
    """One line each, in full; names and descriptions in columns."""
    rows = [[_one_line(entry[key]) for key in KEYS] for entry in entries]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(KEYS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _one_line(text: str) -> str:
    return " ".join(text.split())
