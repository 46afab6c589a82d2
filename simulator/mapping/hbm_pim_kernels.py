"""Products and element-wise ops on HBM-PIM: their programs, and the bytes that these must move.

**Products.** For each pass over the array, and each vector: for each tile of the even banks the input vector into GRF_A
of all units, then a MAC a column; the odd banks likewise; then GRF_B into a row of the even banks. At the end, in SB
mode, the host reads these rows and adds the lanes of each output. `hbm_pim_tiling` says where weights lie.

**Element-wise.** Operands and result lie in rows of their own, interleaved over all banks. What both register files
hold is loaded, combined and stored, first of the even, then of the odd banks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram
from simulator.errors import MappingError
from simulator.mapping.hbm_pim import RESERVED_ROWS, PimArray, PimProgram
from simulator.mapping.hbm_pim_tiling import WeightTiling, weight_tiling
from simulator.mapping.microkernel import EVEN, HALVES, ODD, Microkernel


@dataclass(frozen=True)
class Product:
    """``vectors`` products with an ``outputs`` x ``inputs`` matrix."""

    outputs: int
    inputs: int
    vectors: int


@dataclass(frozen=True)
class PimWork:
    """A program, and the bytes it moves: ``internal_bytes`` at the units, ``cell_bytes`` in all at the cells."""

    program: HostProgram
    internal_bytes: int
    cell_bytes: int


def gemv(dram: Dram, array: PimArray, kernel: Microkernel, shape: Product) -> PimWork:
    """A product: in each pass over the array one vector after the other, each with all weights of the pass.

    Raises MappingError for a matrix that is larger than the memory.
    """
    tiling = weight_tiling(array, shape.outputs, shape.inputs)
    _check_rows(array, tiling.rows + _result_rows(array, tiling, shape))
    out = PimProgram(dram, array, kernel)
    out.enter()
    for number in range(len(tiling.passes)):
        for vector in range(shape.vectors):
            _one_pass(out, tiling, number, (number * shape.vectors + vector) * array.registers)
    out.leave()
    bursts = _read_out(out, array, tiling, shape)
    columns = sum(
        tiling.passes[number] + tiling.macs(number, EVEN) + tiling.macs(number, ODD)
        for number in range(len(tiling.passes))
    )
    return _work(out, array, columns * shape.vectors, bursts)


def _result_rows(array: PimArray, tiling: WeightTiling, shape: Product) -> int:
    return -(-len(tiling.passes) * shape.vectors * array.registers // array.row_columns)


def _one_pass(out: PimProgram, tiling: WeightTiling, number: int, result: int) -> None:
    """All weights of a pass and one vector; the vector goes through the half that is not read."""
    outputs = tiling.passes[number]
    out.start(even_macs=tiling.macs(number, EVEN), odd_macs=tiling.macs(number, ODD), results=outputs)
    for half, other in ((EVEN, ODD), (ODD, EVEN)):
        for tile, filled in enumerate(tiling.tiles[half]):
            first = tiling.first_column(number, tile)
            out.write_registers(other, filled)
            if filled == tiling.registers:
                out.columns(half, 0, first, outputs * filled)
            else:
                for output in range(outputs):
                    out.columns(half, 0, first + output * tiling.registers, filled)
    out.columns(EVEN, tiling.rows, result, outputs)
    out.stop()


def _read_out(out: PimProgram, array: PimArray, tiling: WeightTiling, shape: Product) -> int:
    """Read the sums of units that have outputs; returns the bursts of all pseudo-channels."""
    before, last = len(tiling.passes) - 1, tiling.passes[-1]
    channel = np.arange(array.channels)
    for number in range(before * shape.vectors):
        start = number * array.registers
        out.read_results(tiling.rows, range(start, start + array.registers), channel >= 0, array.units)
    units_used = -(-(shape.outputs - before * array.outputs) // last)
    full, part = divmod(units_used, array.units)
    for number in range(before * shape.vectors, (before + 1) * shape.vectors):
        columns = range(number * array.registers, number * array.registers + last)
        if full:
            out.read_results(tiling.rows, columns, channel < full, array.units)
        if part:
            out.read_results(tiling.rows, columns, channel == full, part)
    return shape.vectors * (before * array.outputs + units_used * last)


def elementwise(dram: Dram, array: PimArray, kernel: Microkernel, elements: int, operands: int) -> PimWork:
    """A kernel that visits each element of ``operands`` operands and of the result once.

    Raises MappingError for operands that are larger than the memory.
    """
    tiles = -(-elements // array.elementwise_elements)
    size = array.elementwise_columns
    rows = -(-tiles * size // array.row_columns)
    _check_rows(array, (operands + 1) * rows)
    out = PimProgram(dram, array, kernel)
    out.enter()
    out.start(tiles=tiles)
    for tile in range(tiles):
        for half in HALVES:
            for visited in range(operands + 1):
                out.columns(half, visited * rows, tile * size, size)
    out.stop()
    out.leave()
    return _work(out, array, tiles * 2 * (operands + 1) * size, 0)


def _check_rows(array: PimArray, rows: int) -> None:
    room = array.rows - RESERVED_ROWS
    if rows > room:
        raise MappingError(f"operands and results take {rows} rows of each bank, which has {room} beside reserved ones")


def _work(out: PimProgram, array: PimArray, columns: int, bursts: int) -> PimWork:
    """The bytes of ``columns`` PIM column commands a pseudo-channel, the mode changes, and ``bursts`` results."""
    internal = columns * array.channels * array.units * array.burst_bytes
    changes = 2 + 2 * array.banks * array.park
    return PimWork(out.build(), internal, internal + (changes * array.channels + bursts) * array.burst_bytes)
