"""Systolic arrays: the cycles of a product by dataflow, as closed forms.

Operands cross an array as skewed wavefronts, ``reach`` rows or columns further in each cycle; one wavefront is a beat.

- ``weight_stationary``: a cell holds a stored element; the moving vectors are the beats, sums leave at the bottom.
- ``input_stationary``: a cell holds a moving element; the outputs' stored rows are the beats, sums leave at the bottom.
- ``output_stationary``: a cell holds a sum; the inner elements are the beats, the sums are shifted out at the end.

A cell does ``packing`` multiply-adds of a beat: narrower operands, or zeros of a pattern that it passes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

Dataflow = Literal["weight_stationary", "output_stationary", "input_stationary"]


@dataclass(frozen=True)
class Shape:
    """``matrices`` products of an ``m`` x ``k`` moving with a ``k`` x ``n`` stored operand."""

    matrices: int
    m: int
    n: int
    k: int


@dataclass(frozen=True)
class Passes:
    """``tiles`` tiles after each other on one array, in cycles.

    ``load``: before the first beat of the first tile. ``interval``: from the first beat of one tile to that of the
    next. ``drain``: from the first beat of a tile until its last sum is in the accumulators.
    """

    tiles: int
    load: int
    interval: int
    drain: int

    @property
    def cycles(self) -> int:
        """From the first held element on its way in to the last sum out."""
        return self.load + (self.tiles - 1) * self.interval + self.drain


@dataclass(frozen=True)
class Array:
    """``arrays`` equal arrays of ``rows`` x ``cols`` cells.

    ``double_buffered``: cells have a second register for what they hold, so that a tile is loaded (or shifted out,
    where sums are held) while another works. ``reach``: rows and columns that operands and sums cross in a cycle; so
    many are loaded and shifted out together.
    """

    arrays: int
    rows: int
    cols: int
    dataflow: Dataflow = "weight_stationary"
    double_buffered: bool = True
    reach: int = 1

    def passes(self, shape: Shape, packing: float = 1, beat_cycles: int = 1) -> Passes:
        """The tiles of the busiest array."""
        depth = ceil(shape.k / (self.rows * packing))
        if self.dataflow == "weight_stationary":
            tiles, beats = depth * ceil(shape.n / self.cols), shape.m
        elif self.dataflow == "input_stationary":
            tiles, beats = depth * ceil(shape.m / self.cols), shape.n
        else:
            tiles, beats = ceil(shape.m / self.rows) * ceil(shape.n / self.cols), ceil(shape.k / packing)
        return self.one_after_the_other(ceil(shape.matrices * tiles / self.arrays), beats * beat_cycles)

    def one_after_the_other(self, tiles: int, beats: int) -> Passes:
        """``tiles`` tiles of ``beats`` cycles of beats each on one array."""
        down, across = ceil(self.rows / self.reach), ceil(self.cols / self.reach)
        interval = max(down, beats) if self.double_buffered else beats + down - 1
        if self.dataflow == "output_stationary":
            return Passes(tiles, 0, interval, beats + 2 * down + across - 2)
        return Passes(tiles, down, interval, beats + down + across - 1)

    def blocks(self, shape: Shape, packing: float = 1) -> int:
        """Parts of ``rows x packing`` by ``cols`` of the stored operand that each array takes, the last ones padded."""
        depth = ceil(shape.k / (self.rows * packing))
        return ceil(shape.matrices * depth * ceil(shape.n / self.cols) / self.arrays)

    def held_blocks(self, shape: Shape, packing: float = 1) -> int:
        """Blocks of each array that stay in the buffer because several tiles in a row meet them."""
        if self.dataflow == "input_stationary" and shape.m > self.cols:
            return ceil(shape.n / self.cols)
        several = self.dataflow == "output_stationary" and shape.m > self.rows
        return ceil(shape.k / (self.rows * packing)) if several else 1
