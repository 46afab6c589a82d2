"""Sweeps: the live view, and the table of the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simulator.report.numbers import NONE, plain

Cell = str | int | float | bool | None
MOST_ROWS = 30
MOST_LETTERS = 24
"""Values up to this long are not broken."""


@dataclass
class Progress:
    """How far a sweep is. ``counts``: status -> points of this run; ``total`` None: not known."""

    total: int | None = None
    known: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0

    @property
    def done(self) -> int:
        """Points that have an outcome, from before or from this run."""
        return self.known + sum(self.counts.values())

    @property
    def per_hour(self) -> float:
        """Points of this run an hour."""
        return sum(self.counts.values()) / self.elapsed_s * 3600 if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Time to the end at this rate."""
        if self.total is None or not self.per_hour:
            return None
        return (self.total - self.done) / self.per_hour * 3600


def progress_line(name: str, progress: Progress) -> str:
    """How far a sweep is, in one line."""
    total = f" of {progress.total}" if progress.total is not None else ""
    parts = [f"{name}: {progress.done}{total} points"]
    parts += [f"{count} {status}" for status, count in sorted(progress.counts.items()) if status != "done"]
    if progress.counts:
        parts.append(f"{progress.per_hour:,.0f} an hour")
    if progress.left_s is not None and progress.left_s > 0:
        parts.append(f"{duration(progress.left_s)} left")
    return ", ".join(parts)


def live(name: str, progress: Progress, best: Mapping[str, tuple[float, str]], doing: Sequence[str]) -> RenderableType:
    """The view on a terminal. ``best``: objective -> its best figure and where; ``doing``: what each worker is at."""
    bar = ProgressBar(total=progress.total or None, completed=progress.done, width=40)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column, (value, where) in best.items():
        grid.add_row(Text(f"best {column}", style="dim"), Text(plain(value), style="bold"), Text(where))
    for position, what in enumerate(doing, start=1):
        grid.add_row(Text(f"worker {position}", style="dim"), "", Text(what, no_wrap=True, overflow="ellipsis"))
    line = Table.grid()
    line.add_row(bar)
    return Group(Text(progress_line(name, progress)), line, grid)


def front_view(
    rows: Sequence[Mapping[str, Cell]],
    objectives: Mapping[str, str],
    axes: Sequence[str],
    considered: Sequence[Mapping[str, Cell]],
) -> RenderableType:
    """The Pareto front ``rows``, with the axes that vary in ``considered``, the points that it was taken from.

    ``objectives``: column -> ``max`` or ``min``.
    """
    wanted = " and ".join(f"{column} ({direction})" for column, direction in objectives.items())
    title = Text(f"Pareto front of {wanted}: {len(rows)} of {len(considered)} points", style="dim")
    if not rows:
        return title
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in _short(list(objectives)):
        table.add_column(name, justify="right", no_wrap=True)
    shown = [axis for axis in axes if len({row.get(axis) for row in considered}) > 1]
    for name, axis in zip(_short(shown), shown, strict=True):
        # Long names of columns may fold, short values may not.
        longest = max(len(_label(row.get(axis))) for row in rows[:MOST_ROWS])
        table.add_column(name, justify="right", overflow="fold", min_width=min(longest, MOST_LETTERS))
    for row in rows[:MOST_ROWS]:
        table.add_row(*(_figure(row.get(c)) for c in objectives), *(_label(row.get(axis)) for axis in shown))
    left = len(rows) - MOST_ROWS
    return Group(title, table, *([Text(f"and {left} more", style="dim")] if left > 0 else []))


def _short(axes: Sequence[str]) -> list[str]:
    """The last step of each path, or all of it where that is not clear."""
    last = [axis.rpartition(".")[2] for axis in axes]
    return [name if last.count(name) == 1 else axis for name, axis in zip(last, axes, strict=True)]


def _figure(value: Cell) -> str:
    return plain(value) if isinstance(value, int | float) else NONE


def _label(value: Cell) -> str:
    return NONE if value is None else str(value)


def duration(seconds: float) -> str:
    """A time as people say it: ``45 s``, ``12 min``, ``3.4 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
