"""Attention with each request's keys and values in one channel, by the commands of NeuPIMs.

A channel's banks work on one request at a time. Keys: a row of each bank holds one token's keys of as many heads as fit
(a chunk of the vector), so that a tile is one token a bank. Values: a row holds one element of one head for as many
tokens as fit, a tile is one element a bank. For each chunk of the vector, and each query that shares the cached head,
the vector is copied to the global buffer (GWRITE); then each tile's rows are opened, and for each head in it the banks
multiply and give their sums (COMPS_READRES_n, or COMP and READRES).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.config.registry import Registry
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.errors import MappingError

HEADER, LOAD, MULTIPLY, READ_SUMS = "P_HEADER", "GWRITE", "COMP", "READRES"
_FUSED = re.compile(r"COMPS_READRES_(\d+)")

Assignment = Callable[[Sequence[int], int], tuple[int, ...]]
"""(load of each request, channels) -> the channel of each request."""

assignments: Registry[Assignment] = Registry("assignment of requests to channels")


@assignments.register("round_robin")
def round_robin(loads: Sequence[int], channels: int) -> tuple[int, ...]:
    """Channels in turn."""
    return tuple(number % channels for number in range(len(loads)))


@assignments.register("min_load")
def min_load(loads: Sequence[int], channels: int) -> tuple[int, ...]:
    """Each request, the heaviest first, to the channel with the least load so far."""
    taken = [0] * channels
    chosen = [0] * len(loads)
    for number in sorted(range(len(loads)), key=lambda index: (-loads[index], index)):
        chosen[number] = taken.index(min(taken))
        taken[chosen[number]] += loads[number]
    return tuple(chosen)


@dataclass(frozen=True)
class ChannelArray:
    """The units of one channel: ``banks``, ``elements`` of a COMP in a bank, those of a row; ``fused`` COMP counts."""

    banks: int
    elements: int
    row_elements: int
    row_bytes: int
    comp_bytes: int
    fused: tuple[int, ...]


def channel_array(dram: Dram, element_bytes: int, *, fused: bool) -> ChannelArray:
    """The units of a channel of ``dram``. Raises MappingError when it has none."""
    missing = [name for name in (HEADER, LOAD, MULTIPLY, READ_SUMS) if name not in dram.commands]
    if missing:
        raise MappingError(f"{dram.name} has no near-bank units for whole requests: it lacks {', '.join(missing)}")
    banks = int(np.prod(list(dram.organization.levels.values())))
    comp_bytes = dram.commands[MULTIPLY].internal_bytes
    counts = sorted(int(match[1]) for name in dram.commands if (match := _FUSED.fullmatch(name)))
    row_bytes = dram.organization.row_bytes
    return ChannelArray(
        banks=banks,
        elements=comp_bytes // banks // element_bytes,
        row_elements=row_bytes // element_bytes,
        row_bytes=row_bytes,
        comp_bytes=comp_bytes,
        fused=tuple(counts) if fused else (),
    )


@dataclass(frozen=True)
class RequestAttention:
    """Scores or context of one request: ``heads`` cached heads of ``head_dim``, ``queries`` vectors for each."""

    scores: bool
    heads: int
    head_dim: int
    queries: int
    context: int


@dataclass(frozen=True)
class Tile:
    """All banks with one row open: ``products`` times ``comps`` COMP and a read of the sums."""

    products: int
    comps: int


def chunks(array: ChannelArray, work: RequestAttention) -> Iterator[tuple[int, Tile]]:
    """For each vector in the global buffer: how many tiles it meets, and what each does. Raises MappingError."""
    if work.scores:
        if work.head_dim > array.row_elements:
            raise MappingError(f"a key of {work.head_dim} elements does not fit a row of {array.row_elements}")
        in_row = array.row_elements // work.head_dim
        tiles, comps = -(-work.context // array.banks), -(-work.head_dim // array.elements)
        for first in range(0, work.heads, in_row):
            products = min(in_row, work.heads - first)
            yield from [(tiles, Tile(products, comps))] * work.queries
    else:
        tiles = -(-work.head_dim // array.banks)
        for _ in range(work.heads):
            for first in range(0, work.context, array.row_elements):
                tokens = min(array.row_elements, work.context - first)
                yield from [(tiles, Tile(1, -(-tokens // array.elements)))] * work.queries


def _comps(array: ChannelArray, comps: int) -> int:
    """COMP counts of the command that does ``comps``: the next larger one that there is."""
    return next((n for n in array.fused if n >= comps), comps)


def request_program(dram: Dram, array: ChannelArray, work: RequestAttention, channels: np.ndarray) -> HostProgram:
    """The commands of one request, on each of the ``channels`` (a bool mask) that have one."""
    builder = ProgramBuilder(dram, len(channels))
    row = 1
    for tiles, tile in chunks(array, work):
        builder.add(HEADER, channels=channels)
        builder.add(LOAD, row=0, channels=channels)
        for _ in range(tiles):
            _add_tile(builder, array, tile, row, channels)
            row = row % (dram.organization.rows - 1) + 1
    return builder.build()


def _add_tile(builder: ProgramBuilder, array: ChannelArray, tile: Tile, row: int, channels: np.ndarray) -> None:
    count = _comps(array, tile.comps)
    if count in array.fused:
        builder.add(f"COMPS_READRES_{count}", tile.products, row=row, channels=channels)
        return
    for _ in range(tile.products):
        builder.add(MULTIPLY, count, row=row, channels=channels)
        builder.add(READ_SUMS, channels=channels)


def comp_bytes(array: ChannelArray, work: RequestAttention) -> int:
    """Bytes that the multipliers of a channel take for one request."""
    steps = sum(n * tile.products * _comps(array, tile.comps) for n, tile in chunks(array, work))
    return steps * array.comp_bytes


def loaded_bytes(array: ChannelArray, work: RequestAttention) -> int:
    """Bytes copied to the global buffer for one request."""
    return sum(1 for _ in chunks(array, work)) * array.row_bytes


def load_estimate(array: ChannelArray, work: RequestAttention) -> int:
    """Rows opened for one request, which most of its time goes by."""
    return sum(n for n, _ in chunks(array, work))
