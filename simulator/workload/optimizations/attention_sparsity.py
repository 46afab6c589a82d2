"""Attention sparsity: each query meets only some of the cached tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.encoding import plain
from simulator.workload.ops import ATTN_SCORE, AttentionOp, KvAppendOp, Op, OpKind, VectorOp, register_kind
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import Once, ops_of, send_all, vector_ops_behind

TOPK = register_kind(OpKind("topk", "choice of the largest: four passes over 8 bits each", 4, like="rmsnorm"))
BOUNDS = 2
"""Vectors that stand for a page: the least and the largest of each element of its keys (Quest, ICML 2024)."""

Tokens = Annotated[int, Field(ge=1, le=2**24)]


@optimization("attention_sparsity")
class AttentionSparsity(Optimization):
    """Which cached tokens a query meets.

    ``window``: the last ``window`` and the first ``sinks``; the others leave the cache. ``top_k``: the ``tokens`` in
    those pages of ``page_tokens`` that score best by bounds of their keys, in decode; all stay in the cache.
    ``block``: a ``density`` of the blocks of ``page_tokens``, by a pattern known beforehand, in the prompt too.
    """

    order = 15

    pattern: Literal["window", "top_k", "block"]
    window: Tokens | None = None
    sinks: Annotated[int, Field(ge=0, le=2**20)] | None = None
    tokens: Tokens | None = None
    page_tokens: Tokens | None = None
    density: Annotated[float, Field(gt=0, le=1)] | None = None

    def met(self, context: int) -> int:
        """Cached tokens that one query of ``context`` meets."""
        if self.pattern == "window":
            return min(context, self._kept)
        page = self.page_tokens or 1
        if self.pattern == "top_k":
            return min(context, ceil((self.tokens or 1) / page) * page)
        return min(context, ceil(ceil(context / page) * (self.density or 1)) * page)

    @property
    def _kept(self) -> int:
        return (self.window or 0) + (self.sinks or 0)

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Fewer pairs of attention, and the choice of pages."""
        self.needs(graph, view, "attention over cached keys", lambda op: op.kind == ATTN_SCORE.name)
        # Ops of equal shape in a prompt and beside it are not changed alike.
        changed = {prompt: Once(partial(self._changed, view=view, prompt=prompt)) for prompt in (False, True)}
        chosen: list[tuple[str, AttentionOp]] = []
        for name, op in ops_of(graph):
            prompt = view.of_prompt(op)
            once = changed[prompt]
            if self.pattern == "top_k" and prompt:
                continue
            if isinstance(op, KvAppendOp):
                graph.nodes[name]["op"] = once(op)
            elif isinstance(op, AttentionOp):
                graph.nodes[name]["op"] = once(op)
                if op.kind == ATTN_SCORE.name:
                    self._thin(graph, name, op)
                    chosen.append((name, op))
        if self.pattern == "top_k":
            for name, whole in chosen:
                if self.met(whole.context) < whole.context:
                    self._choose(graph, view, name, whole)
        return graph

    def _pairs(self, op: AttentionOp) -> int:
        """(query, token) pairs of one sequence."""
        return sum(self.met(length) for length in op.lengths())

    def _window(self, op: AttentionOp) -> int | None:
        """The narrower of the model's window and this one, if either leaves tokens out."""
        narrower = self.pattern == "window" and self._kept < min(op.context, op.window or op.context)
        return self._kept if narrower else op.window

    def _thin(self, graph: Graph, name: str, whole: AttentionOp) -> None:
        """What stands between scores and context has as many pairs as these."""
        pairs, behind = self._pairs(whole), vector_ops_behind(graph, [name])
        for each in behind:
            op: VectorOp = graph.nodes[each]["op"]
            graph.nodes[each]["op"] = replace(
                op,
                elements=op.elements * pairs // whole.pairs,
                flops=op.flops * pairs // whole.pairs,
                input_bytes=op.input_bytes * pairs // whole.pairs,
                output_bytes=op.output_bytes * pairs // whole.pairs,
            )
        send_all(graph, [name, *behind])

    def _changed(self, op: Op, view: StepView, *, prompt: bool) -> Op:
        if isinstance(op, KvAppendOp):
            return replace(op, position=min(op.position, self._kept - 1)) if self.pattern == "window" else op
        assert isinstance(op, AttentionOp)
        pairs, whole = self._pairs(op), op.pairs
        met = self._met_by_prompt(op) if prompt else self.met(op.context)
        scores = "output_bytes" if op.kind == ATTN_SCORE.name else "input_bytes"
        changed = {key: getattr(op, key) * pairs // whole for key in (scores, "flops")}
        encoding = replace(plain(view.precision.kv_cache), gathered=True, full=(op.context, op.head_dim))
        return replace(
            op,
            context=met,
            pairs=pairs,
            window=self._window(op),
            kv_read_bytes=op.kv_read_bytes * met // op.context,
            encoding=encoding if self.pattern == "top_k" and met < op.context else op.encoding,
            **changed,
        )

    def _met_by_prompt(self, op: AttentionOp) -> int:
        """Cached tokens that any query of a piece of a prompt meets: with a window what was left of those before it."""
        return min(op.context, self._kept + op.queries - 1) if self.pattern == "window" else op.context

    def _choose(self, graph: Graph, view: StepView, name: str, op: AttentionOp) -> None:
        """Scores of the bounds of all pages, and the best of them."""
        assert self.page_tokens is not None
        pages = -(-op.context // self.page_tokens)
        maker, query = next((m, e) for m, e in graph.pred[name].items() if e["bytes"])
        rows = op.batch * op.queries * op.n_heads
        scores = replace(
            op,
            name=f"{name}.pages",
            encoding=None,
            context=BOUNDS * pages,
            pairs=BOUNDS * pages * op.queries,
            flops=2 * rows * op.head_dim * BOUNDS * pages,
            kv_read_bytes=view.precision.kv_bytes(op.batch * op.n_kv_heads * op.head_dim * BOUNDS * pages),
            output_bytes=view.precision.activation_bytes(rows * BOUNDS * pages),
        )
        choice = VectorOp(
            name=f"{name}.topk",
            kind=TOPK.name,
            layer=op.layer,
            elements=rows * pages,
            rows=rows,
            flops=TOPK.flops_per_element * rows * pages,
            input_bytes=scores.output_bytes,
            output_bytes=4 * rows * -(-self.met(op.context) // self.page_tokens),
        )
        graph.add_node(scores.name, op=scores)
        graph.add_node(choice.name, op=choice)
        graph.add_edge(maker, scores.name, **query)
        graph.add_edge(scores.name, choice.name, tensor=f"{scores.name}.out", bytes=scores.output_bytes)
        graph.add_edge(choice.name, name, tensor=f"{choice.name}.out", bytes=choice.output_bytes)

    def cached_tokens(self, tokens: int) -> int:
        """With a window only what it holds stays."""
        return min(tokens, self._kept) if self.pattern == "window" else tokens

    def cache_bits(self, bits: float, head_dim: int) -> float:
        """With pages their bounds lie beside the keys, which are half of the cache."""
        del head_dim
        return bits * (1 + BOUNDS / self.page_tokens / 2) if self.pattern == "top_k" and self.page_tokens else bits

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        if self.pattern == "window":
            return ("tokens that leave the window leave the cache; the prompt computes the pairs in the window only",)
        if self.pattern == "top_k":
            return ("query heads that share a cached head choose the same pages; the prompt is computed whole",)
        return ("which blocks count is known beforehand and costs nothing to find",)


NEEDED = {"window": ("window", "sinks"), "top_k": ("tokens", "page_tokens"), "block": ("density", "page_tokens")}


@semantic_check(AttentionSparsity)
def _complete(block: AttentionSparsity) -> Iterator[Fault]:
    for key in ("window", "sinks", "tokens", "page_tokens", "density"):
        given = getattr(block, key) is not None
        if given and key not in NEEDED[block.pattern]:
            yield Fault((key,), f"the pattern {block.pattern} has no '{key}'")
        if not given and key in NEEDED[block.pattern]:
            yield Fault((), f"the pattern {block.pattern} needs the key '{key}'")
