"""The DRAM commands of a short time in the last step of a run, by memory and bank."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import ClassVar, NamedTuple

from simulator.hooks import CommandsWithin, Instrument, IssuedCommand, Prices

WINDOW_PS = 20_000_000
MOST_COMMANDS = 4000
"""Of each memory: what a picture can show."""

COLUMNS = ("memory", "time_ps", "took_ps", "command", "bank", "row", "column")

Commands = Mapping[str, Sequence[IssuedCommand]]
"""Memory -> the commands of its first channel, by time."""


class _Piece(NamedTuple):
    start_ps: int
    end_ps: int
    commands: CommandsWithin


class CommandWindow(Instrument):
    """Remembers what each memory did in the step that ended last, and tells the commands in the middle of it.

    The window begins with the first piece of work after the middle of the memory's work in that step that is as long
    as the mean of all. It lasts `WINDOW_PS` and ends early where `MOST_COMMANDS` are told.
    """

    restarts: ClassVar[bool] = True

    def __init__(self) -> None:
        self._now: dict[str, list[_Piece]] = defaultdict(list)
        self._last: dict[str, list[_Piece]] = {}

    def run_started(self, prices: Prices, static_power_w: Mapping[str, Mapping[str, float]]) -> None:
        """Forget the run before."""
        del prices, static_power_w
        self._now.clear()
        self._last = {}

    def issued(self, component: str, start_ps: int, end_ps: int, commands: CommandsWithin) -> None:
        """Kept until the next step ends."""
        self._now[component].append(_Piece(start_ps, end_ps, commands))

    def part_done(self, time_ps: int) -> None:
        """The part is the last so far."""
        self.token_done(time_ps, 0)

    def token_done(self, time_ps: int, index: int) -> None:
        """The step is the last so far, unless no memory worked in it."""
        del time_ps, index
        if self._now:
            self._last, self._now = dict(self._now), defaultdict(list)

    def told(self) -> dict[str, list[IssuedCommand]]:
        """Memory -> its commands in the window."""
        return {name: list(islice(_within(pieces), MOST_COMMANDS)) for name, pieces in sorted(self._last.items())}


def _within(pieces: Sequence[_Piece]) -> Iterator[IssuedCommand]:
    middle_ps = (pieces[0].start_ps + max(piece.end_ps for piece in pieces)) // 2
    mean_ps = sum(piece.end_ps - piece.start_ps for piece in pieces) // len(pieces)
    long = [n for n, piece in enumerate(pieces) if piece.end_ps - piece.start_ps >= mean_ps]
    first = next((n for n in long if pieces[n].start_ps >= middle_ps), long[-1])
    start_ps = pieces[first].start_ps
    for piece in pieces[first:]:
        if piece.start_ps < start_ps + WINDOW_PS:
            yield from piece.commands(start_ps, start_ps + WINDOW_PS)


def to_csv(found: Commands) -> str:
    """One line a command, with names of the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for memory, commands in found.items():
        writer.writerows((memory, *command) for command in commands)
    return out.getvalue()


def from_csv(text: str) -> dict[str, list[IssuedCommand]]:
    """What `to_csv` wrote. Raises ValueError for anything else."""
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != COLUMNS:
        raise ValueError(f"the columns are not {','.join(COLUMNS)}")
    found: dict[str, list[IssuedCommand]] = defaultdict(list)
    for memory, time_ps, took_ps, name, bank, row, column in rows:
        found[memory].append(IssuedCommand(int(time_ps), int(took_ps), name, bank, int(row), int(column)))
    return dict(found)
