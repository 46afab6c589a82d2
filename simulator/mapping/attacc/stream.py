"""The stream of MACs of one channel with what goes on beside it: moves between buffers, and rows opened ahead.

The near-bank queue serves in order, so that commands that may overlap MACs stand between them: moves as soon as they
are due, as many after a MAC as its gap hides; and the rows of the next stretch of MACs, where units at other banks
work meanwhile.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dram.program import ProgramBuilder
from simulator.mapping.attacc.levels import GemvArray

Mask = npt.NDArray[np.bool_]

ROWS = {"bankgroup": ("PRESB", "ACTSB"), "buffer": ("PREPB", "ACTPB")}
"""Level -> the commands that close and open rows ahead; at bank level all banks are at work."""

CLOSE_AFTER, OPEN_AFTER = 0.25, 0.5
"""Where in a stretch of MACs the rows of the next are closed and opened, as shares of its length."""

MOVES_A_MAC = {"bank": 2, "bankgroup": 2, "buffer": 1}
"""Moves that the gap from one MAC to the next hides: two clocks each."""


@dataclass(frozen=True)
class Move:
    """``command`` to bank group ``group`` once ``due`` MACs of a phase have gone out, on ``channels``."""

    due: int
    command: str
    group: int
    channels: Mask


@dataclass(frozen=True)
class Phase:
    """``macs`` MACs of a head on ``channels``, from row ``row`` on; ``first``: moves that have to be over before."""

    macs: int
    row: int
    channels: Mask
    moves: tuple[Move, ...] = ()
    first: tuple[str, ...] = ()


Request = tuple[str, int, int, Mask]
"""(row command, bank, row, channels)"""


class Writer:
    """Writes phases one after the other."""

    def __init__(self, builder: ProgramBuilder, array: GemvArray) -> None:
        self._builder = builder
        self._array = array
        self._coming: deque[Move] = deque()
        self._due: deque[Move] = deque()

    def write(self, phases: tuple[Phase, ...], then: Phase | None) -> None:
        """All ``phases``; rows of ``then``, what comes after them, are opened ahead, too."""
        for phase, after in zip(phases, (*phases[1:], then), strict=True):
            self._phase(phase, after)
        self._flush()

    def _phase(self, phase: Phase, after: Phase | None) -> None:
        self._due.extend(self._coming)
        self._coming.clear()
        if any(move.command in phase.first for move in self._due):
            self._flush()
        self._coming.extend(sorted(phase.moves, key=lambda move: move.due))
        rows, run = self._rows_ahead(phase, after), 0
        for index in range(phase.macs):
            run += 1
            place = self._array.place(index)
            self._fall_due(index + 1)
            more = index + 1 < phase.macs and self._array.place(index + 1) == place
            if more and index not in rows and not self._due:
                continue
            self._builder.add(self._array.mac, run, bank=place[0], row=phase.row + place[1], channels=phase.channels)
            run = 0
            for command, bank, row, channels in rows.get(index, ()):
                self._builder.add(command, bank=bank, row=row, channels=channels)
            for _ in range(min(len(self._due), MOVES_A_MAC[self._array.level])):
                self._move(self._due.popleft())

    def _fall_due(self, macs: int) -> None:
        while self._coming and self._coming[0].due <= macs:
            self._due.append(self._coming.popleft())

    def _flush(self) -> None:
        """All moves that have not gone out yet."""
        while self._due or self._coming:
            self._move((self._due or self._coming).popleft())

    def _move(self, move: Move) -> None:
        self._builder.add(move.command, bank=move.group * self._array.counts[3], channels=move.channels)

    def _rows_ahead(self, phase: Phase, after: Phase | None) -> dict[int, list[Request]]:
        """Row commands by the MAC after which they stand."""
        array, found = self._array, dict[int, list[Request]]()
        if array.level not in ROWS:
            return found
        close, open_ = ROWS[array.level]
        stretch = array.columns * array.abreast
        for start in range(0, phase.macs, stretch):
            length = min(stretch, phase.macs - start)
            inside = start + stretch < phase.macs
            following, first = (phase, start + stretch) if inside else (after, 0)
            if following is None or array.place(first)[0] == array.place(start)[0]:
                continue
            for member in range(min(array.abreast, following.macs - first)):
                bank, row = array.place(first + member)
                for command, share in ((close, CLOSE_AFTER), (open_, OPEN_AFTER)):
                    at = min(start + int(share * length) + member, start + length - 1)
                    request = (command, bank, following.row + row, following.channels)
                    found.setdefault(at, []).append(request)
        return found
