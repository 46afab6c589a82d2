"""The near-bank program of one transformer block (or of a model's ends) as CENT's devices run it.

Norms, rotary embedding, the scaling of scores and SiLU run in the banks too, as element-wise products of bank pairs
between which the controller writes operands and reads results; only reductions, exponentials and additions run in the
controller. Every block of a device runs the same program at the same time.
"""

from __future__ import annotations

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram
from simulator.mapping import bank_array as b
from simulator.mapping.cent.layout import (
    BANKS,
    BURST_ELEMENTS,
    CHANNELS,
    ROW_ELEMENTS,
    BlockShape,
    Placing,
    Rows,
    parts,
    up,
)
from simulator.mapping.cent.writer import EVEN, FIRST, ODD, SECOND, THIRD, Spread, Writer


def block_program(dram: Dram, shape: BlockShape, placing: Placing, context: int) -> HostProgram:
    """One block, for the token that makes ``context`` cached ones, on the device that runs the attention."""
    block = _Block(dram, shape, placing, context)
    block.norm("x", "x", "x_copy", "attn_norm", (FIRST, SECOND))
    block.projections()
    block.rotary()
    block.append()
    block.scores()
    for _ in ("scale", "weights"):
        block.scale_scores()
    block.context_product()
    block.weight("wo", shape.d_model, shape.d_model)
    block.out.vector_adds(shape.d_model // BURST_ELEMENTS)
    block.norm("x_mid", "x_mid", "x_mid", "ffn_norm", (SECOND, FIRST))
    block.feed_forward()
    return block.out.build()


def products_program(dram: Dram, shape: BlockShape, placing: Placing) -> HostProgram:
    """The matrix products of one block alone: what the other devices do under tensor parallelism."""
    block = _Block(dram, shape, placing, 1)
    block.projections()
    block.weight("wo", shape.d_model, shape.d_model)
    block.weight("w1", shape.d_model, shape.d_ff, activation=True)
    block.weight("w3", shape.d_model, shape.d_ff)
    block.weight("w2", shape.d_ff, shape.d_model)
    return block.out.build()


def ends_program(dram: Dram, shape: BlockShape, placing: Placing, vocabulary: int) -> HostProgram:
    """The embedding (as a product with a one-hot vector), the last norm and the projection to the vocabulary."""
    block = _Block(dram, shape, placing, 1)
    block.weight("embedding", vocabulary, shape.d_model)
    block.square("x")
    block.out.vector(shape.d_model, SECOND, block.rows.of("x_copy"), write=True)
    block.normalize("x_copy", "final_norm")
    block.weight("head", shape.d_model, vocabulary)
    return block.out.build()


class _Block:
    """The sections of a block's program."""

    def __init__(self, dram: Dram, shape: BlockShape, placing: Placing, context: int) -> None:
        self.out = Writer(dram, placing)
        self.rows = Rows()
        self.shape = shape
        self.placing = placing
        self.context = context

    def weight(self, name: str, inputs: int, outputs: int, *, activation: bool = False) -> None:
        """A product with a weight matrix."""
        self.out.product(self.rows.of(name), inputs, outputs, activation=activation)

    def norm(self, pair: str, squared: str, copy: str, weight: str, operands: tuple[Spread, Spread]) -> None:
        """RMSNorm: sum of squares as bank x bank, then two products; the result goes to the controller."""
        out, d_model = self.out, self.shape.d_model
        for banks in (EVEN, ODD):
            out.vector(d_model, banks, self.rows.of(pair), write=True)
        self.square(squared)
        for banks in operands:
            out.vector(d_model, banks, self.rows.of(copy), write=True)
        self.normalize(copy, weight)

    def square(self, name: str) -> None:
        """The sum of squares of a vector that lies twice, in neighbouring banks."""
        share = up(self.shape.d_model, self.placing.banks // 2)
        self.out.sums(self.out.all, [self.rows.of(name)], up(share, BURST_ELEMENTS))

    def normalize(self, copy: str, weight: str) -> None:
        """Vector x norm, that x weight; out to the controller."""
        out, share = self.out, up(self.shape.d_model, self.placing.banks // 4)
        out.multiply(self.rows.of(copy), share)
        for bank in (2, 6, 10, 14):
            out.copy_product(bank, [(self.rows.of(copy), self.rows.of(weight), share)])
        out.multiply(self.rows.of(weight), share)
        out.vector(self.shape.d_model, THIRD, self.rows.of(weight), write=False)
        out.sync()

    def projections(self) -> None:
        """Queries, keys and values."""
        shape = self.shape
        self.weight("wq", shape.d_model, shape.n_heads * shape.head_dim)
        self.weight("wk", shape.d_model, shape.kv_features)
        self.weight("wv", shape.d_model, shape.kv_features)

    def rotary(self) -> None:
        """Rotary embedding of queries and keys: operands in, products, results (accounted as writes) out."""
        out, d_model = self.out, self.shape.d_model
        share = up(d_model, self.placing.banks // 4)
        lengths = (("xq", share * 2, d_model), ("xk", share // self.shape.shared * 2, d_model // self.shape.shared))
        for name, length, _ in lengths:
            out.vector(d_model, SECOND, self.rows.of(name), write=True, length=length)
        for name, _, elements in lengths:
            out.multiply(self.rows.of(name), elements)
        for name, length, _ in lengths:
            out.vector(d_model, THIRD, self.rows.of(name), write=True, length=length)

    def append(self) -> None:
        """The new key into one bank; the new value as a burst in all banks of the channels of its head."""
        position, shape, out = self.context - 1, self.shape, self.out
        place = position % self.placing.product_banks
        rows = shape.kv_features // ROW_ELEMENTS
        first = self.rows.of("keys") + position // self.placing.product_banks * rows
        for row in range(first, first + rows):
            out.fill(place // BANKS % CHANNELS, place % BANKS, row, ROW_ELEMENTS // BURST_ELEMENTS)
        row_in_head = max(0, up(position, ROW_ELEMENTS) - 1)
        for slot in range(self._heads_per_bank):
            for group in range(shape.head_dim // BANKS):
                for channel in range(self.placing.channels_per_block):
                    if channel * self._heads_per_bank + slot < shape.n_kv_heads:
                        out.write_all(channel, self._value_row(slot, group) + row_in_head)

    @property
    def _heads_per_bank(self) -> int:
        return up(self.shape.n_kv_heads, self.placing.channels_per_block)

    def _value_row(self, slot: int, group: int) -> int:
        rows = self.shape.max_tokens // ROW_ELEMENTS
        return self.rows.of("values") + (slot * (self.shape.head_dim // BANKS) + group) * rows

    def scores(self) -> None:
        """Queries times keys: each bank holds whole tokens, all heads of a token in its rows."""
        shape, out, placing = self.shape, self.out, self.placing
        rows, banks = up(shape.kv_features, ROW_ELEMENTS), placing.product_banks
        for row in range(rows):
            for turn, tokens in enumerate(parts(self.context, banks)):
                mask = placing.first(placing.product_channels if placing.product_channels > 32 else up(tokens, BANKS))
                at = self.rows.of("keys") + turn * rows + row
                for _ in range(shape.shared):
                    out.run(b.WRITE_BUFFER, ROW_ELEMENTS // BURST_ELEMENTS, mask)
                    for _ in range(ROW_ELEMENTS // shape.head_dim):
                        out.sums(mask, [at], shape.head_dim // BURST_ELEMENTS)

    def scale_scores(self) -> None:
        """Scores times a factor, as element-wise products; in from and out to the controller."""
        out = self.out
        for banks in (FIRST, SECOND):
            self._move_scores(banks, write=True)
        pieces = parts(self.context, ROW_ELEMENTS)
        for slot in range(self._scores_per_group):
            for piece, elements in enumerate(pieces):
                out.multiply(self.rows.of("scores") + slot * len(pieces) + piece, elements)
        self._move_scores(THIRD, write=False)
        out.sync()

    @property
    def _scores_per_group(self) -> int:
        return up(self.shape.n_heads, self.placing.channels_per_block * 4)

    def _move_scores(self, banks: Spread, *, write: bool) -> None:
        pieces, slots = parts(self.context, ROW_ELEMENTS), self._scores_per_group
        for piece, elements in enumerate(pieces):
            for slot in range(slots):
                row = self.rows.of("scores") + slot * len(pieces) + piece
                groups = [g for g in range(self.placing.banks // 4) if g * slots + slot < self.shape.n_heads]
                places = [divmod(g * banks.stride + banks.offset, BANKS) for g in groups]
                if places:
                    at = [(channel, bank, row) for channel, bank in places]
                    self.out.access(at, up(elements, BURST_ELEMENTS), write=write)

    def context_product(self) -> None:
        """Softmax weights times values: each head lies in all banks of one channel."""
        shape, out = self.shape, self.out
        for slot in range(self._heads_per_bank):
            for _ in range(shape.shared):
                for piece, tokens in enumerate(parts(self.context, ROW_ELEMENTS)):
                    bursts = up(tokens, BURST_ELEMENTS)
                    out.run(b.WRITE_BUFFER, bursts, out.all)
                    for group in range(shape.head_dim // BANKS):
                        out.sums(out.all, [self._value_row(slot, group) + piece], bursts)

    def feed_forward(self) -> None:
        """Gate (with the near-bank activation), up, SiLU(gate) x up, down."""
        shape, out = self.shape, self.out
        self.weight("w1", shape.d_model, shape.d_ff, activation=True)
        self.weight("w3", shape.d_model, shape.d_ff)
        room = self.placing.banks // 4 * ROW_ELEMENTS
        if shape.d_ff > room:
            self._activate([("x1", room), ("x1_sigmoid", shape.d_ff - room)], (SECOND, FIRST), SECOND)
        else:
            self._activate([("x1_sigmoid", shape.d_ff)], (FIRST, SECOND), FIRST)
        out.sync()
        self.weight("w2", shape.d_ff, shape.d_model)
        out.vector_adds(shape.d_model // BURST_ELEMENTS)

    def _activate(self, pieces: list[tuple[str, int]], first: tuple[Spread, Spread], second: Spread) -> None:
        """Gate x sigmoid, moved within each bank group, x up."""
        out = self.out
        placed = [(self.rows.of(name), elements) for name, elements in pieces]
        shares = [(row, up(elements, self.placing.banks // 4)) for row, elements in placed]
        for banks in first:
            for row, elements in placed:
                out.vector(elements, banks, row, write=True)
        for row, share in shares:
            out.multiply(row, share)
        for bank in (2, 6, 10, 14):
            out.copy_product(bank, [(row, row, share) for row, share in shares])
        for row, elements in placed:
            out.vector(elements, second, row, write=True)
        for row, share in shares:
            out.multiply(row, share)
        for row, elements in placed:
            out.vector(elements, THIRD, row, write=False)
