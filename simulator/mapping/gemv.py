"""Matrix-vector products on near-bank units: any shape, over channels and banks, with all remainders.

Layout of an ``outputs`` x ``inputs`` matrix over ``span`` channels: output o lies in bank ``o % banks`` of channel
``o // banks % span``, in output group ``o // (banks * span)``. Along a row the inputs are cut into tiles of a row's
length (of a ``packed``-th of a row when that many groups share one). Groups and tiles that are not full cost only what
they use: channels without outputs are masked out, a short tile has fewer MACab.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.mapping import bank_array as b
from simulator.mapping.bank_array import BankArray
from simulator.mapping.chain import Chain

LoopOrder = Literal["input_stationary", "output_stationary", "row_stationary"]
"""Which operand stays put in the innermost loops.

``input_stationary``: a tile of the vector is loaded once and meets all output groups; partial sums leave and come back.
``output_stationary``: sums stay in the accumulators until complete; the vector is loaded again for every set of groups.
``row_stationary``: an open row meets several vectors before it is closed; for more than one vector.
"""


@dataclass(frozen=True)
class Gemv:
    """Equal matrix-vector products, ``instances`` of them side by side on ``span`` channels each.

    Each instance multiplies its ``outputs`` x ``inputs`` matrix with ``vectors`` vectors. ``packed``: output groups per
    DRAM row. ``activation``: read the sums through the near-bank activation function.
    """

    outputs: int
    inputs: int
    vectors: int = 1
    instances: int = 1
    span: int = 1
    packed: int = 1
    activation: bool = False


def weight_gemv(array: BankArray, outputs: int, inputs: int, *, vectors: int = 1, activation: bool = False) -> Gemv:
    """The product with a weight matrix that lies over all channels; as many output groups as fit share a row."""
    groups = -(-outputs // (array.banks * array.channels))
    packed = max(1, min(groups, array.row_bursts // array.bursts(inputs)))
    return Gemv(outputs, inputs, vectors, span=array.channels, packed=packed, activation=activation)


class GemvPlan:
    """A `Gemv` laid out on a bank array: its groups, tiles and masks."""

    def __init__(self, array: BankArray, shape: Gemv) -> None:
        self.array = array
        self.shape = shape
        lanes = array.banks * shape.span
        self.groups = -(-shape.outputs // lanes)
        self.tile_elements = array.row_bursts // shape.packed * array.elements
        self.tiles = -(-shape.inputs // self.tile_elements)
        self.side_by_side = max(1, array.channels // shape.span)
        self.rounds = -(-shape.instances // self.side_by_side)
        self.rows_per_round = -(-self.groups // shape.packed) * self.tiles
        """DRAM rows that the matrices of one round take in each bank."""
        self._whole_bursts = array.bursts(min(self.tile_elements, shape.inputs))
        self._last_bursts = array.bursts(shape.inputs - (self.tiles - 1) * self.tile_elements)
        last = shape.outputs - (self.groups - 1) * lanes
        self._last_span = -(-last // array.banks)
        self._masks: dict[tuple[int, int], npt.NDArray[np.bool_]] = {}

    @property
    def rows_per_bank(self) -> int:
        """DRAM rows that the matrices take in each bank."""
        return self.rounds * self.rows_per_round

    def tile_bursts(self, tile: int) -> int:
        """Bursts of a tile: MACab per output group, and WRGB per copy."""
        return self._last_bursts if tile == self.tiles - 1 else self._whole_bursts

    def row(self, round_: int, group: int, tile: int) -> int:
        """DRAM row of a tile of an output group, counted from the first row of the matrices."""
        return round_ * self.rows_per_round + group // self.shape.packed * self.tiles + tile

    def mask(self, round_: int, group: int) -> npt.NDArray[np.bool_]:
        """Channels that hold outputs of ``group`` in a round."""
        span = self.shape.span
        busy = min(self.side_by_side, self.shape.instances - round_ * self.side_by_side)
        used = self._last_span if group == self.groups - 1 else span
        chosen = self._masks.get((busy, used))
        if chosen is None:
            channel = np.arange(self.array.channels)
            chosen = self._masks[busy, used] = (channel < busy * span) & (channel % span < used)
            chosen.flags.writeable = False
        return chosen

    def channel_groups(self) -> int:
        """Pairs of a channel and an output group of an instance that it works on."""
        return self.shape.instances * ((self.groups - 1) * self.shape.span + self._last_span)

    def mac_bytes(self) -> int:
        """Bytes that all channels must read for their units, by counting: padding of short groups included."""
        whole, last = self.tiles - 1, self.tile_bursts(self.tiles - 1)
        bursts = whole * self.tile_bursts(0) + last + self.shape.activation
        return self.channel_groups() * bursts * self.array.mac_bytes * self.shape.vectors


class _Emitter:
    """Writes the host requests of one loop order for ``vectors`` vectors."""

    def __init__(self, dram: Dram, plan: GemvPlan) -> None:
        self.plan = plan
        self.builder = ProgramBuilder(dram, plan.array.channels)

    def load(self, round_: int, groups: range | tuple[int, ...], tile: int) -> None:
        """The vector's tile into the global buffers; once per packed group where the buffer is addressed by column."""
        plan = self.plan
        copies = 1
        if plan.array.addressing == "column":
            copies = len({group % plan.shape.packed for group in groups})
        self.builder.add(b.WRITE_BUFFER, copies * plan.tile_bursts(tile), channels=plan.mask(round_, groups[0]))

    def start(self, round_: int, groups: tuple[int, ...], sets: int = 1) -> None:
        """Accumulators to zero, or to the partial sums so far."""
        for group in groups:
            self.builder.add(b.WRITE_ACCUMULATORS, sets, channels=self.plan.mask(round_, group))

    def multiply(self, round_: int, group: int, tile: int) -> None:
        """One tile of one output group."""
        plan = self.plan
        mask = plan.mask(round_, group)
        self.builder.add(b.MAC, plan.tile_bursts(tile), row=plan.row(round_, group, tile), channels=mask)

    def finish(self, round_: int, groups: tuple[int, ...], sets: int = 1, *, complete: bool = True) -> None:
        """Sums out to the controller."""
        activate = self.plan.shape.activation and complete
        for group in groups:
            mask = self.plan.mask(round_, group)
            for _ in range(sets):
                if activate:
                    self.builder.add(b.ACTIVATE, row=b.ACTIVATION_ROW, channels=mask)
                command = b.READ_ACTIVATED if activate else b.READ_ACCUMULATORS
                self.builder.add(command, channels=mask, blocking=True)


def _batches(items: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _sets(plan: GemvPlan, size: int) -> Iterator[tuple[int, ...]]:
    return _batches(tuple(range(plan.groups)), size)


def _input_stationary(out: _Emitter, vectors: int) -> None:
    del vectors
    plan = out.plan
    for round_ in range(plan.rounds):
        for tile in range(plan.tiles):
            out.load(round_, range(plan.groups), tile)
            for groups in _sets(plan, plan.array.accumulators):
                out.start(round_, groups)
                for group in groups:
                    out.multiply(round_, group, tile)
                out.finish(round_, groups, complete=tile == plan.tiles - 1)


def _output_stationary(out: _Emitter, vectors: int) -> None:
    del vectors
    plan = out.plan
    for round_ in range(plan.rounds):
        for groups in _sets(plan, plan.array.accumulators):
            out.start(round_, groups)
            for tile in range(plan.tiles):
                out.load(round_, groups, tile)
                for group in groups:
                    out.multiply(round_, group, tile)
            out.finish(round_, groups)


def _row_stationary(out: _Emitter, vectors: int) -> None:
    plan = out.plan
    array, packed = plan.array, plan.shape.packed
    groups_at_once = max(1, array.accumulators // vectors // packed * packed)
    for round_ in range(plan.rounds):
        for groups in _sets(plan, groups_at_once):
            out.start(round_, groups, vectors)
            for tile in range(plan.tiles):
                resident = array.addressing == "free" and vectors * plan.tile_bursts(tile) <= array.buffer_bursts
                if resident:
                    for _ in range(vectors):
                        out.load(round_, groups, tile)
                _rows_of_set(out, round_, groups, tile, vectors, load=not resident)
            out.finish(round_, groups, vectors)


def _rows_of_set(  # noqa: PLR0913 - the loop indices of the caller
    out: _Emitter, round_: int, groups: tuple[int, ...], tile: int, vectors: int, *, load: bool
) -> None:
    builder = out.builder
    for in_row in _batches(groups, out.plan.shape.packed):
        start = len(builder)
        if load:
            out.load(round_, in_row, tile)
        for group in in_row:
            out.multiply(round_, group, tile)
        # Every vector asks for the same.
        builder.extend(builder.since(start) * (vectors - 1))


_LOOPS = {
    "input_stationary": _input_stationary,
    "output_stationary": _output_stationary,
    "row_stationary": _row_stationary,
}


def gemv_chain(dram: Dram, array: BankArray, shape: Gemv, order: LoopOrder) -> Chain:
    """The programs of ``shape`` in one loop order; rows count from 0, for only which rows are equal matters to time."""
    plan = GemvPlan(array, shape)
    block = min(shape.vectors, array.accumulators) if order == "row_stationary" else 1
    whole, rest = divmod(shape.vectors, block)
    chain = [(_program(dram, plan, order, block), whole)]
    if rest:
        chain.append((_program(dram, plan, order, rest), 1))
    return Chain(tuple(chain), plan.mac_bytes())


def _program(dram: Dram, plan: GemvPlan, order: LoopOrder, vectors: int) -> HostProgram:
    out = _Emitter(dram, plan)
    _LOOPS[order](out, vectors)
    return out.builder.build()


def loop_orders(array: BankArray, shape: Gemv) -> tuple[LoopOrder, ...]:
    """The loop orders worth trying for a shape.

    An activation function needs complete sums, which ``input_stationary`` has only for a single tile.
    """
    plan = GemvPlan(array, shape)
    orders: list[LoopOrder] = ["output_stationary"]
    if plan.tiles > 1 and not shape.activation and plan.groups > array.accumulators:
        orders.append("input_stationary")
    if shape.vectors > 1:
        orders.append("row_stationary")
    return tuple(orders)


def padded(array: BankArray, shape: Gemv) -> Gemv:
    """The largest shape with the same programs: outputs filled up to whole channels, inputs to whole bursts."""
    outputs = -(-shape.outputs // array.banks) * array.banks
    return replace(shape, outputs=outputs, inputs=array.bursts(shape.inputs) * array.elements)
