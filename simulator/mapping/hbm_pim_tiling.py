"""How a weight matrix lies in the banks of HBM-PIM: passes over the array, tiles of each half, columns and rows.

Output o of an ``outputs`` x ``inputs`` matrix belongs to a register of GRF_B of one unit of one pseudo-channel; as many
as all of them hold make a pass. Inputs are cut into tiles of what GRF_A holds, shared out to the even and the odd
banks. A column is one GRF_A register's worth of inputs of one output; its low address bits name the register of GRF_A,
the next ones that of GRF_B.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.mapping.hbm_pim import PimArray
from simulator.mapping.microkernel import Half


@dataclass(frozen=True)
class WeightTiling:
    """``passes``: outputs a unit in each pass; ``tiles``: of each half, the registers of GRF_A that each tile fills.

    ``registers`` in a file, ``row_columns`` in a row.
    """

    passes: tuple[int, ...]
    tiles: tuple[tuple[int, ...], tuple[int, ...]]
    registers: int
    row_columns: int

    @property
    def rows(self) -> int:
        """Rows of each bank that the matrix takes."""
        columns = sum(self.passes) * self.registers * len(self.tiles[0])
        return -(-columns // self.row_columns)

    def macs(self, number: int, half: Half) -> int:
        """Columns of one half that meet the input in pass ``number``."""
        return self.passes[number] * sum(self.tiles[half])

    def first_column(self, number: int, tile: int) -> int:
        """First column of a tile, counted from the first row of the matrix."""
        before = sum(self.passes[:number]) * len(self.tiles[0]) + self.passes[number] * tile
        return before * self.registers


def weight_tiling(array: PimArray, outputs: int, inputs: int) -> WeightTiling:
    """The tiling of a matrix, filled up to whole arrays or to whole registers as ``array.padding`` says."""
    if array.padding == "array":
        passes = (array.registers,) * -(-outputs // array.outputs)
        half = (array.registers,) * -(-inputs // (2 * array.tile_inputs))
        return WeightTiling(passes, (half, half), array.registers, array.row_columns)
    whole, rest = divmod(outputs, array.outputs)
    passes = (array.registers,) * whole + ((-(-rest // (array.units * array.channels)),) if rest else ())
    filled = -(-inputs // array.lanes)
    tiles = (_split(-(-filled // 2), array.registers), _split(max(1, filled // 2), array.registers))
    return WeightTiling(passes, tiles, array.registers, array.row_columns)


def _split(registers: int, size: int) -> tuple[int, ...]:
    whole, rest = divmod(registers, size)
    return (size,) * whole + ((rest,) if rest else ())


def weight_rows(array: PimArray, outputs: int, inputs: int, channels: int) -> int:
    """Rows of each bank that a matrix takes on ``channels`` pseudo-channels."""
    return weight_tiling(replace(array, channels=channels), outputs, inputs).rows
