"""Systolic arrays register by register: in each cycle a register is written from what its neighbours held before.

Small and slow on purpose, and without any closed form: cells, the wires between them, and what enters at two edges. A
register that is written while its value is still needed, or read without the right value, is a `ClashError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]
Place = tuple[int, int]
Vector = tuple[int, int, Array]
"""(tile, step, elements)"""
Sum = tuple[int, int, int]
"""(tile, step, value)"""


class ClashError(Exception):
    """A register did not hold what it had to."""


def need(truth: bool, what: str) -> None:
    if not truth:
        raise ClashError(what)


class Edge:
    """Where tiles enter: tile t from cycle ``starts[t]`` on, one step a cycle, ``at(tile, step, lane)`` in a lane."""

    def __init__(self, starts: list[int], lengths: list[int], at: Callable[[int, int, int], Array]) -> None:
        self.starts, self.lengths, self.at = starts, lengths, at

    def enters(self, cycle: int, lane: int) -> Vector | None:
        """What enters lane ``lane``, which is as many cycles late."""
        late = cycle - lane
        found = [
            (t, late - s) for t, (s, n) in enumerate(zip(self.starts, self.lengths, strict=True)) if s <= late < s + n
        ]
        need(len(found) < 2, "two tiles enter at once")
        return (*found[0], self.at(*found[0], lane)) if found else None


class HoldingArray:
    """Cells hold one operand while the other moves through from the left and the sums go down.

    ``held``: tiles of rows x cols cells with a vector each. ``moving``: for each tile, beats x rows such vectors. Tile
    by tile begins ``interval`` after the one before; its held elements go in one row a cycle, until its first beat.
    """

    def __init__(self, held: list[Array], moving: list[Array], interval: int, *, double_buffered: bool) -> None:
        self.rows, self.cols = held[0].shape[:2]
        loads = [tile * interval for tile in range(len(held))]
        beats = [load + self.rows for load in loads]
        self.top = Edge(loads, [self.rows] * len(held), lambda tile, row, col: held[tile][row, col])
        self.left = Edge(beats, [len(m) for m in moving], lambda tile, beat, row: moving[tile][beat, row])
        self.double_buffered = double_buffered
        self.sums = [np.zeros((len(m), self.cols), dtype=np.int64) for m in moving]
        self.missing = sum(s.size for s in self.sums)
        self.active: dict[Place, tuple[int, Array]] = {}
        self.shadow: dict[Place, tuple[int, Array]] = {}
        self.going_in: dict[Place, Vector] = {}
        self.across: dict[Place, Vector] = {}
        self.down: dict[Place, Sum] = {}

    def run(self) -> int:
        """Cycles until the last sum is in the accumulators."""
        cycle = 0
        while self.missing:
            self._accumulate()
            self._move(cycle)
            self._load(cycle)
            cycle += 1
        return cycle

    def _accumulate(self) -> None:
        """Accumulators under the array take what the bottom cells put out in the cycle before."""
        for (row, col), (tile, beat, value) in self.down.items():
            if row == self.rows - 1:
                self.sums[tile][beat, col] = value
                self.missing -= 1

    def _move(self, cycle: int) -> None:
        across: dict[Place, Vector] = {}
        down: dict[Place, Sum] = {}
        for r, c in np.ndindex(self.rows, self.cols):
            vector = self.across.get((r, c - 1)) if c else self.left.enters(cycle, r)
            if vector is None:
                continue
            tile, beat, values = vector
            above = self.down[r - 1, c] if r else (tile, beat, 0)
            need(above[:2] == (tile, beat), "a sum meets another beat")
            across[r, c] = vector
            down[r, c] = (tile, beat, above[2] + int(values @ self._element(r, c, tile, beat)))
        self.across, self.down = across, down

    def _element(self, r: int, c: int, tile: int, beat: int) -> Array:
        """What the cell holds; the first beat of a tile brings the shadow register into use."""
        if self.double_buffered and beat == 0:
            need((r, c) in self.shadow, "the shadow register is empty")
            self.active[r, c] = self.shadow.pop((r, c))
        need((r, c) in self.active, "the cell is empty")
        need(self.active[r, c][0] == tile, "a beat meets another tile")
        return self.active[r, c][1]

    def _load(self, cycle: int) -> None:
        """Held elements go down their column, row 0 first; a cell keeps its own and passes on the others."""
        going_in: dict[Place, Vector] = {}
        for r, c in np.ndindex(self.rows, self.cols):
            element = self.going_in.get((r - 1, c)) if r else self.top.enters(cycle, c)
            if element is None:
                continue
            tile, row, values = element
            if row > r:
                going_in[r, c] = element
            elif self.double_buffered:
                need((r, c) not in self.shadow, "the shadow register is in use")
                self.shadow[r, c] = tile, values
            else:
                self.active[r, c] = tile, values
        self.going_in = going_in


class SummingArray:
    """Cells hold sums while both operands move through.

    ``left``: for each tile, rows x beats vectors, ``top``: cols x beats. A column's sums go down once its bottom cell
    has its own; without double buffering they do so in the registers that the next tile adds to.
    """

    def __init__(self, left: list[Array], top: list[Array], interval: int, *, double_buffered: bool) -> None:
        self.rows, self.cols = len(left[0]), len(top[0])
        self.lengths = [tile.shape[1] for tile in left]
        self.starts = [tile * interval for tile in range(len(left))]
        self.left = Edge(self.starts, self.lengths, lambda tile, beat, row: left[tile][row, beat])
        self.top = Edge(self.starts, self.lengths, lambda tile, beat, col: top[tile][col, beat])
        self.double_buffered = double_buffered
        self.sums = [np.zeros((self.rows, self.cols), dtype=np.int64) for _ in left]
        self.missing = sum(s.size for s in self.sums)
        self.adding: dict[Place, tuple[int, int]] = {}
        self.chain: dict[Place, Sum] = {}
        self.right: dict[Place, Any] = {}
        self.below: dict[Place, Any] = {}

    def run(self) -> int:
        """Cycles until the last sum has left the array."""
        cycle = 0
        while self.missing:
            self._shift(cycle)
            self._move(cycle)
            cycle += 1
        return cycle

    def _shift(self, cycle: int) -> None:
        moved: dict[Place, Sum] = {}
        for (r, c), (tile, row, value) in self.chain.items():
            moves = cycle >= self.starts[tile] + self.lengths[tile] + self.rows - 1 + c
            if moves and r == self.rows - 1:
                self.sums[tile][row, c] = value
                self.missing -= 1
                continue
            target = (r + moves, c)
            need(target not in moved, "two sums meet on their way down")
            moved[target] = (tile, row, value)
        self.chain = moved

    def _move(self, cycle: int) -> None:
        right, below = {}, {}
        for r, c in np.ndindex(self.rows, self.cols):
            one = self.right.get((r, c - 1)) if c else self.left.enters(cycle, r)
            two = self.below.get((r - 1, c)) if r else self.top.enters(cycle, c)
            if one is None or two is None:
                need(one is None and two is None, "an operand comes alone")
                continue
            need(one[:2] == two[:2], "the operands do not meet")
            right[r, c], below[r, c] = one, two
            self._add(r, c, one, int(one[2] @ two[2]))
        self.right, self.below = right, below

    def _add(self, r: int, c: int, vector: Vector, value: int) -> None:
        tile, beat, _ = vector
        if beat == 0:
            need(self.double_buffered or (r, c) not in self.chain, "the sum is still there")
            self.adding[r, c] = tile, 0
        need(self.adding[r, c][0] == tile, "a beat meets another tile's sum")
        self.adding[r, c] = tile, self.adding[r, c][1] + value
        if beat == self.lengths[tile] - 1:
            need((r, c) not in self.chain, "the way down is in use")
            self.chain[r, c] = tile, r, self.adding[r, c][1]
