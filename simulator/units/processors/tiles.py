"""Tiling of a matrix product over cores: which tiles, in which groups, how deep, the inner dimension in which parts.

`best_schedule` tries all of them in a fixed order, up to a budget, and takes the quickest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from simulator.units.processors.shapes import Product

SPLITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Parts into which the inner dimension may be split."""

STEPS = (64, 32, 16)
"""Inner elements that a tile takes in one step of its pipeline; the deepest of which two fit beside each other."""

BUFFERS = 2
"""Steps whose operands a core holds if not said otherwise: one at work, one on its way."""

GROUPS = (1, 2, 4, 8, 16, 32)
"""Rows of tiles that may run together, beside all of them."""

PARTIAL_BYTES = 4
"""Width of a partial sum."""


@dataclass(frozen=True)
class Machine:
    """What a tiling has to fit.

    ``cores`` with ``macs_per_clock``, ``cache_bytes_per_clock`` and ``scratch_bytes`` each; ``tiles`` they can hold
    (rows, columns). All together share ``cache_bytes`` and ``dram_bytes_per_clock``. ``moving_in_dram``: whether the
    moving operand comes from the memory and not from the cache.
    """

    cores: int
    macs_per_clock: float
    cache_bytes_per_clock: float
    tile_clocks: float
    tiles: tuple[tuple[int, int], ...]
    scratch_bytes: int
    cache_bytes: int
    dram_bytes_per_clock: float
    moving_in_dram: bool = False


@dataclass(frozen=True)
class Wanted:
    """What of a mapping is fixed: None where it is free."""

    tile: tuple[int, int] | None = None
    split_k: int | None = None
    group_m: int | None = None
    buffers: int | None = None


FREE = Wanted()


@dataclass(frozen=True)
class Schedule:
    """One tiling: ``waves`` of tiles, ``clocks`` in all, and what it moves.

    The tiles of ``group_m`` rows of tiles run column by column. ``fetched_bytes`` come from the last-level cache; the
    stored operand is read from the memory ``stored_reads`` times, the moving one ``moving_reads`` times. ``step``:
    inner elements of a pipeline step, of which ``buffers`` are held.
    """

    tile: tuple[int, int]
    splits: int
    group_m: int
    step: int
    buffers: int
    waves: int
    clocks: float
    fetched_bytes: int
    stored_reads: int
    moving_reads: int

    def dram_bytes(self, product: Product) -> float:
        """Bytes of both operands from the memory."""
        return self.stored_reads * product.stored_bytes + self.moving_reads * product.moving_bytes

    def macs(self, product: Product) -> int:
        """Multiply-adds of whole tiles that run, padding included; those of zeros that are left out do not."""
        rows, columns = self.tile
        padded = product.row_tiles(rows) * rows * -(-product.n // columns) * columns
        return round(padded * product.k * product.kept)


def scratch_bytes(product: Product, tile: tuple[int, int], step: int, buffers: int) -> float:
    """What the operands of ``buffers`` steps of a tile take of a core's scratchpad."""
    rows, columns = tile
    return buffers * step * (rows * product.moving_bits + columns * product.stored_bits) / 8


def step_of(machine: Machine, product: Product, tile: tuple[int, int], buffers: int) -> int | None:
    """The deepest step of which ``buffers`` fit; None if not even the shallowest does."""
    fitting = (step for step in STEPS if scratch_bytes(product, tile, step, buffers) <= machine.scratch_bytes)
    return next(fitting, None)


def schedule(  # noqa: PLR0913 - a tiling has these five choices
    machine: Machine,
    product: Product,
    tile: tuple[int, int],
    splits: int,
    group_m: int | None = None,
    buffers: int = BUFFERS,
) -> Schedule | None:
    """The product with one tiling; None where it does not fit the scratchpad.

    A core works on one tile at a time. A tile meets both operands through the cache. With two buffers the next step's
    operands come while the present one is at work, at the rate of the slower; with one they follow each other. Split
    sums cross the cache once more each way. Without ``group_m`` the tiles run in the groups that read least.
    """
    depth = step_of(machine, product, tile, buffers)
    if depth is None:
        return None
    rows, columns = tile
    row_tiles, column_tiles = product.row_tiles(rows), -(-product.n // columns)
    tiles = row_tiles * column_tiles * splits
    waves = -(-tiles // machine.cores)
    inner = -(-product.k // (splits * depth)) * depth
    taken = product.rows / row_tiles if product.loads else min(rows, product.m)
    step_bytes = (taken * product.moving_bits + min(columns, product.n) * product.stored_bits) / 8
    work, load = rows * columns / machine.macs_per_clock, step_bytes / machine.cache_bytes_per_clock
    step = max(work, load) if buffers > 1 else work + load
    partial = taken * columns * PARTIAL_BYTES * 2 if splits > 1 else 0
    clocks = waves * (inner * step + machine.tile_clocks + partial / machine.cache_bytes_per_clock)
    fetched = round(tiles * (min(inner, product.k) * step_bytes + partial))
    group, reads = _group(machine, product, tile, splits, group_m)
    return Schedule(tile, splits, group, depth, buffers, waves, clocks, fetched, *reads)


def _group(
    machine: Machine, product: Product, tile: tuple[int, int], splits: int, group_m: int | None
) -> tuple[int, tuple[int, int]]:
    """(rows of tiles that run together, how often both operands are read) with the fewest bytes from the memory."""
    rows = -(-product.m // tile[0])
    groups = {min(size, rows) for size in GROUPS} | {rows} if group_m is None else {min(group_m, rows)}
    reads = {size: _reads(machine, product, tile, splits, size) for size in sorted(groups)}

    def n_bytes(size: int) -> float:
        stored, moving = reads[size]
        return stored * product.stored_bytes + moving * product.moving_bytes

    best = min(reads, key=n_bytes)
    return best, reads[best]


def _reads(machine: Machine, product: Product, tile: tuple[int, int], splits: int, group: int) -> tuple[int, int]:
    """How often the (stored, moving) operand is read from the memory.

    The tiles of a wave share what they read. Each group of rows of tiles meets the whole stored operand, and reads it
    again unless all of it fits the cache. Waves advance along a group, and read its rows of the moving operand again
    unless those fit.
    """
    rows, columns = -(-product.m // tile[0]), -(-product.n // tile[1])
    stored = 1 if product.stored_bytes / product.matrices <= machine.cache_bytes else -(-rows // group)
    if not machine.moving_in_dram:
        return stored, 0
    together = max(1, machine.cores // (splits * group))
    in_group = min(1.0, group * tile[0] / product.m) * product.moving_bytes / product.matrices
    return stored, 1 if in_group <= machine.cache_bytes else -(-columns // together)


def candidates(machine: Machine, product: Product, wanted: Wanted = FREE) -> Iterator[Schedule]:
    """Every tiling that fits and that ``wanted`` leaves open, larger tiles and smaller splits first."""
    tiles = machine.tiles if wanted.tile is None else (wanted.tile,)
    splits = [n for n in SPLITS if n == 1 or product.k >= n * 2 * STEPS[0]]
    splits = splits if wanted.split_k is None else [wanted.split_k]
    for tile in tiles:
        for n in splits:
            found = schedule(machine, product, tile, n, wanted.group_m, wanted.buffers or BUFFERS)
            if found is not None:
                yield found


def best_schedule(machine: Machine, product: Product, wanted: Wanted = FREE, budget: int = 1000) -> Schedule | None:
    """The quickest of the first ``budget`` candidates at the memory's peak rate; None where none fits.

    Ties go to the quicker arithmetic, then to fewer bytes from the memory, then to less padding, then to the earlier
    candidate.
    """

    def cost(found: Schedule) -> tuple[float, float, float, int]:
        n_bytes, (rows, columns) = found.dram_bytes(product), found.tile
        padded = product.row_tiles(rows) * rows * -(-product.n // columns) * columns
        return max(found.clocks, n_bytes / machine.dram_bytes_per_clock), found.clocks, n_bytes, padded

    return min(islice(candidates(machine, product, wanted), budget), key=cost, default=None)
