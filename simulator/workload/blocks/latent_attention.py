"""Multi-head latent attention (DeepSeek-V2): one cached vector a token, from which all keys and values come.

In prefill keys and values are made from the latent vectors and attended to as usual. In decode their matrices move over
to the queries and to the context (they are absorbed), so that scores and context work on the cached vectors themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator.workload import ops
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """``rank`` elements of the latent vector; ``query_rank``: of that of the queries, 0 for none.

    A query or key head has ``plain`` elements and ``rotary`` rotated ones, which the keys of all heads share; a value
    head has the model's ``head_dim``.
    """

    rank: int
    plain: int
    rotary: int
    query_rank: int = 0
    kind: Literal["latent_attention"] = "latent_attention"

    @property
    def cached(self) -> int:
        """Elements that are kept of a token: the latent vector and the rotated part of the key."""
        return self.rank + self.rotary

    def memory(self, model: Model, layers: int, window: int | None) -> LayerMemory:
        """One vector a token, for keys and values of all heads."""
        del model
        return LayerMemory(layers, tensors=1, heads=1, head_dim=self.cached, window=window)

    def add(self, b: SectionBuilder, model: Model, x: Flow, window: int | None) -> Flow:
        """The ops from the normed stream to what is added to it."""
        assert window is None
        heads = model.n_heads
        q_plain, q_rotary = self._queries(b, x, heads)
        latent, k_rotary = b.matrix(ops.LATENT_DOWN, x, b.width, {"latent": self.rank, "k": self.rotary})
        latent = self._norm(b, "latent_norm", latent, self.rank)
        rotated = {"q": b.tokens * heads * self.rotary, "k": b.tokens * self.rotary}
        q_rotary, k_rotary = b.vector(ops.ROPE, (q_rotary, k_rotary), rotated)
        self._append(b, latent, k_rotary)
        if not b.step.of_prompt or b.step.queries == 1:
            context = self._absorbed(b, model, q_plain, q_rotary)
        else:
            context = self._expanded(b, model, (q_plain, q_rotary, k_rotary), latent)
        return b.matrix(ops.OUT_PROJ, context, heads * model.head_dim, {OUT: b.width})[0]

    def _queries(self, b: SectionBuilder, x: Flow, heads: int) -> tuple[Flow, Flow]:
        width = b.width
        if self.query_rank:
            x = b.matrix(ops.QUERY_DOWN, x, b.width, {OUT: self.query_rank})[0]
            x, width = self._norm(b, "query_norm", x, self.query_rank), self.query_rank
        plain, rotary = b.matrix(ops.Q_PROJ, x, width, {"plain": heads * self.plain, "rotary": heads * self.rotary})
        return plain, rotary

    @staticmethod
    def _norm(b: SectionBuilder, name: str, x: Flow, width: int) -> Flow:
        return b.vector(ops.RMSNORM, (x,), {OUT: b.tokens * width}, name=name, weight=Weight(name, 1, width))[0]

    def _append(self, b: SectionBuilder, latent: Flow, k_rotary: Flow) -> None:
        b.add(
            ops.KvAppendOp,
            ops.LATENT_APPEND,
            (latent, k_rotary),
            {},
            n_kv_heads=1,
            head_dim=self.cached,
            batch=b.step.batch,
            new_tokens=b.step.queries,
            position=b.step.position,
            tensors=1,
            kv_write_bytes=b.precision.kv_bytes(b.tokens * self.cached),
        )

    def _absorbed(self, b: SectionBuilder, model: Model, q_plain: Flow, q_rotary: Flow) -> Flow:
        """Attention of the queries in the latent space; all heads share the cached vector."""
        loads, value = ((b.tokens, model.n_heads),), model.head_dim
        # One matrix a head: of the keys on the side of the queries, of the values on that of the context.
        q = b.grouped(ops.KEY_UP, (q_plain,), (self.rank, self.plain), loads, stored=model.n_heads)
        scores = self._product(b, model, ops.LATENT_SCORE, (q, q_rotary), self.cached, 1)
        weights = self._softmax(b, model, scores)
        context = self._product(b, model, ops.LATENT_CONTEXT, (weights,), self.rank, 1)
        return b.grouped(ops.VALUE_UP, (context,), (value, self.rank), loads, stored=model.n_heads)

    def _expanded(self, b: SectionBuilder, model: Model, parts: tuple[Flow, Flow, Flow], latent: Flow) -> Flow:
        """Attention to keys and values of each head, which are activations."""
        heads, value = model.n_heads, model.head_dim
        keys = b.matrix(ops.KEY_EXPAND, latent, self.rank, {OUT: heads * self.plain}, weight=ops.KEY_UP.name)[0]
        values = b.matrix(ops.VALUE_EXPAND, latent, self.rank, {OUT: heads * value}, weight=ops.VALUE_UP.name)[0]
        inputs = (*parts, keys)
        scores = self._product(b, model, ops.LATENT_SCORE, inputs, self.plain + self.rotary, heads)
        weights = self._softmax(b, model, scores)
        return self._product(b, model, ops.LATENT_CONTEXT, (weights, values), value, heads)

    @staticmethod
    def _softmax(b: SectionBuilder, model: Model, scores: Flow) -> Flow:
        pairs = b.step.batch * model.n_heads * b.step.pairs
        return b.vector(ops.SOFTMAX, (scores,), {OUT: pairs}, rows=b.tokens * model.n_heads)[0]

    def _product(  # noqa: PLR0913 - scores or context, and what they read
        self, b: SectionBuilder, model: Model, kind: ops.OpKind, inputs: tuple[Flow, ...], head_dim: int, kv_heads: int
    ) -> Flow:
        step, heads = b.step, model.n_heads
        outputs = step.batch * step.pairs if kind is ops.LATENT_SCORE else b.tokens * head_dim
        read = step.batch * step.context * head_dim if kv_heads == 1 else 0
        return b.add(
            ops.AttentionOp,
            kind,
            (*inputs, Flow(ops.LATENT_APPEND.name, f"{kind.name}_cache", 0)),
            {OUT: heads * outputs},
            n_heads=heads,
            n_kv_heads=kv_heads,
            head_dim=head_dim,
            batch=step.batch,
            queries=step.queries,
            context=step.context,
            pairs=step.pairs,
            flops=2 * step.batch * heads * head_dim * step.pairs,
            kv_read_bytes=b.precision.kv_bytes(read),
        )[0]
