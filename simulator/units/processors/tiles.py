"""Tiling of a matrix product over cores: output tiles in waves, the inner dimension split where cores would idle."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.units.processors.shapes import Product

SPLITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Parts into which the inner dimension may be split."""

STEP = 64
"""Inner elements that a tile takes in one step of its pipeline."""

PARTIAL_BYTES = 4
"""Width of a partial sum."""


@dataclass(frozen=True)
class Machine:
    """``cores`` with ``macs_per_clock`` and ``cache_bytes_per_clock`` each; ``tiles`` they can hold (rows, columns)."""

    cores: int
    macs_per_clock: float
    cache_bytes_per_clock: float
    tile_clocks: float
    tiles: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Schedule:
    """The chosen tile and split: ``waves`` of tiles, ``clocks`` in all, bytes fetched from the last-level cache."""

    tile: tuple[int, int]
    splits: int
    waves: int
    clocks: float
    fetched_bytes: int


def schedule(machine: Machine, product: Product, tile: tuple[int, int], splits: int) -> Schedule:
    """The product with one tile shape and one split.

    A core works on one tile at a time. A tile meets both operands through the cache, at the rate of whichever of cache
    and multiply-adds is slower. Split sums cross the cache once more each way.
    """
    rows, columns = tile
    row_tiles, column_tiles = product.row_tiles(rows), -(-product.n // columns)
    tiles = row_tiles * column_tiles * splits
    waves = -(-tiles // machine.cores)
    inner = -(-product.k // (splits * STEP)) * STEP
    taken = product.rows / row_tiles if product.loads else min(rows, product.m)
    step_bytes = (taken * product.moving_bits + min(columns, product.n) * product.stored_bits) / 8
    step = max(rows * columns / machine.macs_per_clock, step_bytes / machine.cache_bytes_per_clock)
    partial = taken * columns * PARTIAL_BYTES * 2 if splits > 1 else 0
    clocks = waves * (inner * step + machine.tile_clocks + partial / machine.cache_bytes_per_clock)
    fetched = round(tiles * (min(inner, product.k) * step_bytes + partial))
    return Schedule(tile, splits, waves, clocks, fetched)


def best_schedule(machine: Machine, product: Product) -> Schedule:
    """The quickest schedule; ties go to the larger tile listed first and the smaller split."""
    splits = [n for n in SPLITS if n == 1 or product.k >= n * 2 * STEP]
    found = [schedule(machine, product, tile, n) for tile in machine.tiles for n in splits]
    return min(found, key=lambda candidate: candidate.clocks)
