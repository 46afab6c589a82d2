"""AttAcc's choice of tiles: first of one core's L1, by traffic of L2 and idle cores, then of L2, by traffic of DRAM."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from simulator.config.compat_schema import AttaccGpu
from simulator.system.attacc_artifact.layers import Layer

SIDES = (8, 16, 32, 64, 128, 192, 256, 320, 384, 448, 512)
L1_DEPTH = 32
L2_DEPTH_SHARE = 64
REGISTER_SIDE = 16

Tile = tuple[int, int]
"""(rows, columns) of the output."""


def traffic(layer: Layer, tile: Tile) -> int:
    """Elements that ``layer`` moves with tiles of its output: both operands anew for each, the output once."""
    m, n, k = layer.m, layer.n, layer.k
    return (ceil(n / tile[1]) * m * k + ceil(m / tile[0]) * n * k + m * n) * layer.count


def occupied(gpu: AttaccGpu, layer: Layer, tile: Tile) -> float:
    """Share of the cores at work over all waves of blocks: of tiles, or of heads for attention."""
    blocks = layer.count
    if layer.kind == "product":
        blocks *= ceil(layer.m / tile[0]) * ceil(layer.n / tile[1])
    return blocks / (ceil(blocks / gpu.cores) * gpu.cores)


@dataclass(frozen=True)
class Tiling:
    """The tiles of one core and of the last-level cache."""

    core: Tile
    cache: Tile


def best(gpu: AttaccGpu, layer: Layer, element_bytes: int) -> Tiling:
    """The tiling of ``layer``; of equals the first."""
    core = _core_tile(gpu, layer, element_bytes)
    return Tiling(core, _cache_tile(gpu, layer, element_bytes, core))


def _core_tile(gpu: AttaccGpu, layer: Layer, element_bytes: int) -> Tile:
    found, least = (0, 0), float("inf")
    for rows in SIDES:
        for columns in SIDES:
            tile = (min(rows, layer.m), min(columns, layer.n))
            if ((tile[0] + tile[1]) * L1_DEPTH + tile[0] * tile[1]) * element_bytes > gpu.l1_bytes:
                continue
            cost = traffic(layer, tile) / occupied(gpu, layer, tile) ** 2
            if cost < least:
                found, least = tile, cost
    return found


def _cache_tile(gpu: AttaccGpu, layer: Layer, element_bytes: int, core: Tile) -> Tile:
    found, least = core, float("inf")
    depth = layer.k / L2_DEPTH_SHARE
    for rows in (*range(core[0], layer.m + 1, core[0]), layer.m):
        for columns in (*range(core[1], layer.n + 1, core[1]), layer.n):
            tile = (rows, columns)
            held = ((rows + columns) * depth + rows * columns) * element_bytes
            if held > gpu.l2_bytes and tile != core:
                continue
            moved = traffic(layer, tile)
            if moved < least:
                found, least = tile, moved
    return found
