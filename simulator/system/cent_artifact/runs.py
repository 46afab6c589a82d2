"""What one device's near-bank program did, in the counts that the artifact's evaluation takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.config.dram_schema import Dram
from simulator.dram.device import Device
from simulator.dram.program import HostProgram
from simulator.mapping.cent.block import block_program, ends_program, products_program
from simulator.mapping.cent.layout import CHANNELS, BlockShape, Placing


@dataclass(frozen=True)
class Counts:
    """``ticks`` to the end, commands of all channels, instructions of the host, and channel-ticks with a row open."""

    ticks: int
    commands: Mapping[str, int]
    instructions: int
    active_ticks: int

    @property
    def precharged_ticks(self) -> int:
        """Channel-ticks with all banks closed."""
        return CHANNELS * self.ticks - self.active_ticks


class Programs:
    """Runs programs of one placing on the compatibility spec; the same one once."""

    def __init__(self, dram: Dram, shape: BlockShape, placing: Placing) -> None:
        self._dram = dram
        self._device = Device(dram)
        self.shape = shape
        self.placing = placing

    def block(self, context: int) -> Counts:
        """A block on the device that runs its attention."""
        return self._run(block_program(self._dram, self.shape, self.placing, context))

    def products(self) -> Counts:
        """The products of a block on any other device that shares them."""
        return self._run(products_program(self._dram, self.shape, self.placing))

    def ends(self, vocabulary: int) -> Counts:
        """Embedding, last norm and projection to the vocabulary."""
        return self._run(ends_program(self._dram, self.shape, self.placing, vocabulary))

    def _run(self, program: HostProgram) -> Counts:
        run = self._device.run_program(program)
        instructions = int((program.requests[:, 6] == 0).sum())
        return Counts(run.end_tick, run.commands, instructions, run.active_ticks)
