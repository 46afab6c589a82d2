"""What an op asks of a processor: operand widths, matrices, bytes beyond weights and cache."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.errors import MappingError
from simulator.workload.encoding import Number
from simulator.workload.ops import (
    OP_KINDS,
    GroupedMatrixOp,
    KvAppendOp,
    LookupOp,
    MatrixOp,
    Op,
    ProductOp,
    VectorOp,
)

SCORES_IN = frozenset({"softcap", "softmax", "attn_context", "latent_context"})
SCORES_OUT = frozenset({"attn_score", "latent_score", "softcap", "softmax"})


@dataclass(frozen=True)
class Product:
    """``matrices`` products of an ``m`` x ``k`` moving with a ``k`` x ``n`` stored operand.

    ``stored_bits`` and ``moving_bits``: width of an element; the first with its share of scales and without the zeros
    that are left out, ``value_bits`` without scales. ``number``: what narrow multiply-adds have to take. ``useful``:
    share of the multiply-adds that count. ``kept``: share of the stored elements that meet the moving operand.
    ``loads``: where the matrices meet different numbers of vectors, (vectors, matrices) each; ``m`` is then their mean,
    rounded up.
    """

    matrices: int
    m: int
    n: int
    k: int
    stored_bits: float
    moving_bits: float
    useful: float = 1.0
    loads: tuple[tuple[int, int], ...] = ()
    value_bits: float = 0.0
    number: Number = "int"
    kept: float = 1.0

    @property
    def rows(self) -> int:
        """Moving vectors of all matrices."""
        return sum(m * matrices for m, matrices in self.loads) if self.loads else self.matrices * self.m

    def row_tiles(self, rows: int) -> int:
        """Tiles of ``rows`` rows that hold the moving vectors of all matrices."""
        loads = self.loads or ((self.m, self.matrices),)
        return sum(-(-m // rows) * matrices for m, matrices in loads)

    @property
    def stored_bytes(self) -> float:
        """Of the stored operand."""
        return self.matrices * self.n * self.k * self.stored_bits / 8

    @property
    def moving_bytes(self) -> float:
        """Of the moving operand."""
        return self.rows * self.k * self.moving_bits / 8

    @property
    def math_bits(self) -> int:
        """Width of the multiply-adds: the wider operand's, 4 bits or whole bytes."""
        widest = max(self.value_bits or self.stored_bits, self.moving_bits)
        return 4 if widest <= 4 else 8 * max(1, -(-round(widest) // 8))


def product_of(op: ProductOp) -> Product:
    """The product that an op is."""
    if isinstance(op, MatrixOp):
        elements = op.out_features * op.in_features
        moving = 8 * op.input_bytes / (op.tokens * op.in_features) if op.input_bytes else 16.0
        plain = Product(1, op.tokens, op.out_features, op.in_features, 8 * op.weight_bytes / elements, moving)
        return _encoded(plain, op)
    if isinstance(op, GroupedMatrixOp):
        n, k, matrices = op.out_features, op.in_features, op.matrices
        bits, moving = 8 * op.weight_bytes / (matrices * n * k), 8 * op.output_bytes / (op.vectors * n)
        return _encoded(Product(matrices, -(-op.vectors // matrices), n, k, bits, moving, loads=op.loads), op)
    matrices, rows = op.batch * op.n_kv_heads, op.queries * (op.n_heads // op.n_kv_heads)
    # What is not read from the cache is an activation.
    bits = 8 * op.kv_read_bytes / (matrices * op.context * op.head_dim) or 16.0
    n, k = (op.context, op.head_dim) if op.kind in SCORES_OUT else (op.head_dim, op.context)
    return Product(matrices, rows, n, k, bits, 16.0, op.pairs / (op.queries * op.context))


def _encoded(plain: Product, op: Op) -> Product:
    """The product with operands as the op's encoding says, if it has one."""
    encoding = op.encoding
    if encoding is None:
        return plain
    return replace(
        plain,
        moving_bits=encoding.moving_bits,
        value_bits=float(encoding.value_bits),
        number=encoding.moving,
        kept=op.flops / (2 * plain.rows * plain.n * plain.k),
    )


def activation_bytes(op: Op, *, flash: bool) -> tuple[int, int]:
    """(bytes in, bytes out) of activations; none in registers: scores where attention is ``flash``, and epilogues."""
    if op.kind in OP_KINDS and OP_KINDS.get(op.kind).epilogue:
        return 0, 0
    read = 0 if flash and op.kind in SCORES_IN else op.input_bytes
    written = 0 if flash and op.kind in SCORES_OUT else op.output_bytes
    return read, written


def elements_of(op: Op) -> tuple[int, int]:
    """(elements, rows) of an op that is no product. Raises MappingError."""
    if isinstance(op, VectorOp):
        return op.elements, op.rows
    if isinstance(op, LookupOp):
        return op.width * op.tokens, op.tokens
    if isinstance(op, KvAppendOp):
        rows = op.tensors * op.batch * op.n_kv_heads * op.new_tokens
        return rows * op.head_dim, rows
    raise MappingError(f"{op.name}: a {type(op).__name__} has no elements")
