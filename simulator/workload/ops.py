"""Ops: the nodes of a step graph, each with its shape, FLOPs and bytes.

Counting rules, the same for every op:

- FLOPs: a multiply-add is 2; a comparison, an exponential, a division is 1 each.
- ``weight_bytes``, ``kv_read_bytes``, ``kv_write_bytes``: each stored element counted once per op, however often a unit
  has to fetch it. ``input_bytes`` and ``output_bytes``: activations only.
- Bytes are whole tensors rounded up to a byte (`precision.tensor_bytes`).

A new op kind is one `register_kind` call; a mapper picks what to do by ``op.kind``, or by the class of the op.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal, TypeVar

from simulator.config.registry import Registry
from simulator.workload.encoding import Encoding

T = TypeVar("T")


OpClass = Literal[
    "vector",
    "lookup",
    "matrix",
    "grouped_matrix",
    "attention",
    "latent_attention",
    "cache",
    "latent_cache",
    "state",
    "collective",
]
"""What a kind of op is to those who place and run it: their rules are by class, so that new kinds fit in."""


@dataclass(frozen=True, slots=True)
class OpKind:
    """A kind of op. ``flops_per_element``: what a `VectorOp` of this kind costs per element; 0 where shapes decide.

    ``like``: the kind whose cost, in proportion to its FLOPs, stands in for this one's in parts that do not name it.
    ``epilogue``: kernels of products apply it to their results as these leave.
    """

    name: str
    description: str
    flops_per_element: int = 0
    op_class: OpClass = "vector"
    like: str | None = None
    epilogue: bool = False


OP_KINDS: Registry[OpKind] = Registry("op kind")
"""Every known op kind by name."""


def register_kind(kind: OpKind) -> OpKind:
    """Add a kind. Raises ValueError if the name is taken."""
    return OP_KINDS.register(kind.name)(kind)


class KindsOf(AbstractSet[str]):
    """The names of all op kinds of some classes, those of plug-ins included."""

    def __init__(self, *classes: OpClass) -> None:
        self._classes = classes

    def __contains__(self, kind: object) -> bool:
        return kind in OP_KINDS and OP_KINDS.get(str(kind)).op_class in self._classes

    def __iter__(self) -> Iterator[str]:
        return (name for name in OP_KINDS.names() if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @classmethod
    def _from_iterable(cls, it: Iterable[T]) -> frozenset[T]:  # unions are plain sets
        return frozenset(it)


def _product(name: str, description: str) -> OpKind:
    return register_kind(OpKind(name, description, op_class="matrix"))


def _products(name: str, description: str) -> OpKind:
    return register_kind(OpKind(name, description, op_class="grouped_matrix"))


EMBEDDING = register_kind(OpKind("embedding", "gather of one table row per token", op_class="lookup"))
POSITION_EMBEDDING = register_kind(
    OpKind("position_embedding", "gather of a row per token, and its sum with the token's embedding", 1, "lookup",
           like="embedding")
)  # fmt: skip
RMSNORM = register_kind(OpKind("rmsnorm", "square, sum, scale, weight; the few operations per row left out", 4))
QKV_PROJ = _product("qkv_proj", "fused query, key and value projection")
ROPE = register_kind(OpKind("rope", "rotary embedding of queries and keys: 4 products and 2 sums per pair", 3))
KV_APPEND = register_kind(OpKind("kv_append", "write of the new keys and values to the cache", op_class="cache"))
ATTN_SCORE = register_kind(
    OpKind("attn_score", "queries (scaled by 1/sqrt(head_dim) with rope) times cached keys", op_class="attention")
)
SOFTCAP = register_kind(OpKind("softcap", "cap x tanh(x / cap): divide, tanh, multiply", 3, like="softmax"))
SOFTMAX = register_kind(OpKind("softmax", "maximum, subtract, exponential, sum, divide", 5))
ATTN_CONTEXT = register_kind(OpKind("attn_context", "softmax weights times cached values", op_class="attention"))
OUT_PROJ = _product("out_proj", "attention output projection")
RESIDUAL_ADD = register_kind(OpKind("residual_add", "sum of the residual stream and a block's output", 1))
BIAS_ADD = register_kind(
    OpKind("bias_add", "sum of a product's result and a bias", 1, like="residual_add", epilogue=True)
)
FFN_GATE = _product("ffn_gate", "feed-forward gate projection")
FFN_UP = _product("ffn_up", "feed-forward up projection")
FFN_ACT_MUL = register_kind(OpKind("ffn_act_mul", "SiLU(gate) x up: negate, exponential, add, divide, multiply", 5))
FFN_GELU_MUL = register_kind(
    OpKind("ffn_gelu_mul", "GELU(gate) x up: GELU by tanh, and a product", 10, like="ffn_act_mul")
)
FFN_DOWN = _product("ffn_down", "feed-forward down projection")
QUERY_DOWN = _product("query_down", "projection to the latent vector of the queries")
Q_PROJ = _product("q_proj", "projection to the queries")
LATENT_DOWN = _product("latent_down", "projection to the cached latent vector and the rotated part of the key")
KEY_UP = _products("key_up", "queries times the key matrix of their head, into the latent space")
VALUE_UP = _products("value_up", "context in the latent space times the value matrix of each head")
KEY_EXPAND = _product("key_expand", "keys of all heads from the latent vectors")
VALUE_EXPAND = _product("value_expand", "values of all heads from the latent vectors")
LATENT_APPEND = register_kind(
    OpKind("latent_append", "write of the new latent vectors to the cache", op_class="latent_cache", like="kv_append")
)
LATENT_SCORE = register_kind(
    OpKind("latent_score", "queries times cached latent vectors, or times keys made from them",
           op_class="latent_attention", like="attn_score")
)  # fmt: skip
LATENT_CONTEXT = register_kind(
    OpKind("latent_context", "softmax weights times cached latent vectors, or times values made from them",
           op_class="latent_attention", like="attn_context")
)  # fmt: skip
ROUTER = _product("router", "scores of all experts for each token")
ROUTE = register_kind(
    OpKind("route", "softmax or sigmoid over the experts' scores, and a comparison", 6, like="softmax")
)
EXPERT_GATE = _products("expert_gate", "gate projections of the experts that tokens chose")
EXPERT_UP = _products("expert_up", "up projections of the experts that tokens chose")
EXPERT_DOWN = _products("expert_down", "down projections of the experts that tokens chose")
EXPERT_COMBINE = register_kind(
    OpKind("expert_combine", "sum of each token's experts, weighted by the router", 2, like="residual_add")
)
GATE_MUL = register_kind(OpKind("gate_mul", "product with the sigmoid of a gate", 2, like="ffn_act_mul"))
LM_HEAD = _product("lm_head", "projection of the last position to the vocabulary")
ADD = register_kind(OpKind("add", "element-wise sum of two operands", 1))
MUL = register_kind(OpKind("mul", "element-wise product of two operands", 1))
RELU = register_kind(OpKind("relu", "element-wise maximum with zero", 1))
FFN_RELU = register_kind(OpKind("ffn_relu", "feed-forward activation: maximum with zero", 1, like="residual_add"))
FFN_GELU = register_kind(OpKind("ffn_gelu", "feed-forward activation: GELU by tanh", 9, like="softmax"))
LAYERNORM = register_kind(OpKind("layernorm", "mean, subtract, square, sum, scale, weight, bias", 7, like="rmsnorm"))
GELU = register_kind(
    OpKind("gelu", "x times the normal distribution: by tanh, a product of a cubic", 9, like="softmax")
)
SAMPLING = register_kind(OpKind("sampling", "greedy choice: one comparison per logit", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation of a step. ``layer`` is None outside the blocks; bytes and FLOPs as the module docstring says.

    What optimisations say of it: ``encoding`` of the stored operand (None: plain, as its bytes are), the component it
    runs ``on`` (None: the placement chooses), and whether it is ``fused`` into the kernel before it.
    """

    name: str
    kind: str
    layer: int | None = None
    flops: int = 0
    weight_bytes: int = 0
    kv_read_bytes: int = 0
    kv_write_bytes: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    encoding: Encoding | None = None
    on: str | None = None
    fused: bool = False

    @property
    def stored_bytes(self) -> int:
        """Weights, keys and values that it reads or writes."""
        return self.weight_bytes + self.kv_read_bytes + self.kv_write_bytes

    @property
    def shape_key(self) -> tuple[Any, ...]:
        """All that decides the op's cost and nothing that only names it: equal keys mean equal work.

        Hashable. Leaves out ``name``, ``layer`` and the name of the weight tensor.
        """
        return (type(self).__name__, *_shape_of(type(self))(self))


_SHAPE_OF: dict[type[Op], attrgetter[tuple[Any, ...]]] = {}


def _shape_of(op_class: type[Op]) -> attrgetter[tuple[Any, ...]]:
    getter = _SHAPE_OF.get(op_class)
    if getter is None:
        getter = attrgetter(*(f.name for f in fields(op_class) if f.name not in {"name", "layer", "weight"}))
        _SHAPE_OF[op_class] = getter
    return getter


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixOp(Op):
    """``tokens`` activation vectors times an ``out_features`` x ``in_features`` weight, the tensor named ``weight``."""

    out_features: int
    in_features: int
    tokens: int
    weight: str

    @property
    def matrices(self) -> int:
        """One."""
        return 1

    @property
    def vectors(self) -> int:
        """The tokens."""
        return self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedMatrixOp(Op):
    """Products with several ``out_features`` x ``in_features`` matrices of one tensor, each with vectors of its own.

    ``loads``: (vectors, matrices that meet so many), the busiest first. Matrices that meet none are not in it: their
    weights are not read.
    """

    out_features: int
    in_features: int
    loads: tuple[tuple[int, int], ...]
    weight: str

    @property
    def matrices(self) -> int:
        """Matrices that are read."""
        return sum(matrices for _, matrices in self.loads)

    @property
    def vectors(self) -> int:
        """Vectors in all."""
        return sum(vectors * matrices for vectors, matrices in self.loads)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionOp(Op):
    """Queries against cached keys (``attn_score``) or softmax weights against cached values (``attn_context``).

    Each of ``batch`` sequences has ``queries`` query positions and reads ``context`` cached ones, new ones included.
    ``pairs``: (query, cached position) pairs one head of one sequence computes: ``context`` in decode, the causal
    triangle in prefill. ``n_heads / n_kv_heads`` query heads share a cached head. ``window``: most positions that one
    query attends to, None for all before it.
    """

    n_heads: int
    n_kv_heads: int
    head_dim: int
    batch: int
    queries: int
    context: int
    pairs: int
    window: int | None = None

    def lengths(self) -> range | tuple[int, ...]:
        """Cached positions that each query attends to, query by query."""
        if self.window is None:
            return range(self.context - self.queries + 1, self.context + 1)
        before = self.position
        return tuple(min(before + query, self.window) for query in range(1, self.queries + 1))

    @property
    def position(self) -> int:
        """Cached tokens of a sequence before the first query, as far as any query attends to them."""
        return self.context - self.queries


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorOp(Op):
    """An element-wise or row-wise op on ``elements`` elements in ``rows`` rows, a row being what a reduction spans.

    ``weight`` names the tensor it multiplies with, if any. Rows may differ in length (causal softmax).
    """

    elements: int
    rows: int
    weight: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupOp(Op):
    """A gather of ``tokens`` rows of ``width`` elements from the table named ``weight``, of ``table_rows`` rows."""

    table_rows: int
    width: int
    tokens: int
    weight: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KvAppendOp(Op):
    """The write of ``new_tokens`` keys and values per sequence and layer, from cache position ``position`` on.

    ``tensors``: keys and values, or one that is both.
    """

    n_kv_heads: int
    head_dim: int
    batch: int
    new_tokens: int
    position: int
    tensors: int = 2


WeightedOp = MatrixOp | GroupedMatrixOp
ProductOp = MatrixOp | GroupedMatrixOp | AttentionOp
"""Ops that are matrix products."""
