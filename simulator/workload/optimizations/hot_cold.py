"""Hot and cold neurons: those of the feed-forward part that are used often on one processor, the others on another."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from math import ceil
from typing import Annotated, ClassVar

from pydantic import Field

from simulator.workload.model import Model
from simulator.workload.ops import FFN_DOWN, MatrixOp, Op, VectorOp
from simulator.workload.optimizations.base import FileColumns, Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import Once, cut_to, encoding_of, feed_forward, send_all
from simulator.workload.optimizations.shares import check_shares, share_of
from simulator.workload.precision import Precision

Share = Annotated[float, Field(gt=0, lt=1)]
Shares = Share | Annotated[tuple[Share, ...], Field(min_length=1)]


@optimization("hot_cold")
class HotCold(Optimization):
    """A share ``hot`` of the feed-forward neurons lies where the model runs, the rest on the component ``on``.

    A token uses a share ``active`` of all neurons, of which ``hits`` are hot, each one number or one for each block of
    the model, or their file; tokens choose independently, and a step uses 1 - (1 - p)^tokens of the neurons of a kind,
    p being one token's share of them. Both parts run side by side and their results are added. The prompt uses all
    neurons. (Song et al., PowerInfer, SOSP 2024.)
    """

    order = 24
    from_file: ClassVar[FileColumns] = {"active": ("active",), "hits": ("hits",)}

    hot: Share
    active: Shares
    hits: Shares
    on: str

    @property
    def whole_prompt(self) -> bool:
        """A prompt uses all neurons."""
        return True

    @property
    def by_layer(self) -> bool:
        """Whether blocks have shares of their own."""
        return isinstance(self.active, tuple) or isinstance(self.hits, tuple)

    def check(self, model: Model) -> None:
        """There is a share for each block."""
        for key in ("active", "hits"):
            check_shares(self, key, getattr(self, key), model)

    def shares(self, tokens: int, *, prompt: bool, layer: int = 0) -> tuple[float, float]:
        """Shares of all neurons of a block that a step reads: of the hot ones, of the cold ones."""
        if prompt:
            return self.hot, 1 - self.hot
        active, hits = share_of(self.active, layer), share_of(self.hits, layer)
        hot = min(1.0, active * hits / self.hot)
        cold = min(1.0, active * (1 - hits) / (1 - self.hot))
        return self.hot * (1 - (1 - hot) ** tokens), (1 - self.hot) * (1 - (1 - cold) ** tokens)

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Two feed-forward parts of each block, whose results are added with the residual stream."""
        makers_of = cache(partial(self._makers, view))
        into, between, out = feed_forward(graph)
        if not out:
            raise self.fault("", f"{view.model.name} has no dense feed-forward part")
        parts: list[tuple[str, Op]] = [(name, graph.nodes[name]["op"]) for name in (*into, *between, *out)]
        for name, op in parts:
            _, far = makers_of(op.layer or 0 if self.by_layer else 0)
            other = replace(far(op), name=f"{name}.cold")
            if isinstance(other, MatrixOp):
                other = replace(other, weight=f"{other.weight}.cold")
            graph.add_node(other.name, op=other)
        split = {name for name, _ in parts}
        for name, op in parts:
            for maker, edge in list(graph.pred[name].items()):
                source = f"{maker}.cold" if maker in split else maker
                tensor = f"{source}.out" if maker in split else edge["tensor"]
                graph.add_edge(source, f"{name}.cold", tensor=tensor, bytes=edge["bytes"])
            if op.kind == FFN_DOWN.name:
                for reader, edge in list(graph.succ[name].items()):
                    graph.add_edge(f"{name}.cold", reader, tensor=f"{name}.cold.out", bytes=edge["bytes"])
                    _add_term(graph, reader)
            near, _ = makers_of(op.layer or 0 if self.by_layer else 0)
            graph.nodes[name]["op"] = near(op)
        send_all(graph, [n for name in (*into, *between) for n in (name, f"{name}.cold")])
        return graph

    def _makers(self, view: StepView, layer: int) -> tuple[Once, Once]:
        """What makes the hot and the cold part of an op of a block."""
        hot, cold = self.shares(view.step.tokens, prompt=view.is_prefill, layer=layer)
        return (
            Once(lambda op: _part(op, hot, self.hot, view.precision)),
            Once(lambda op: replace(_part(op, cold, 1 - self.hot, view.precision), on=self.on)),
        )

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        return (
            "tokens of a step use neurons independently of each other; which ones is known at no cost",
            "hot and cold neurons keep their places; the prompt uses all of both; no accuracy is modelled",
        )


def _part(op: Op, share: float, stored: float, precision: Precision) -> Op:
    """The neurons in use, ``share`` of all, of those ``stored`` here."""
    if isinstance(op, VectorOp):
        elements = max(1, ceil(op.elements * share))
        return replace(
            op,
            elements=elements,
            flops=op.flops * elements // op.elements,
            input_bytes=op.input_bytes * elements // op.elements,
            output_bytes=op.output_bytes * elements // op.elements,
        )
    assert isinstance(op, MatrixOp)
    down = op.kind == FFN_DOWN.name
    neurons = op.in_features if down else op.out_features
    used, here = max(1, ceil(neurons * share)), ceil(neurons * stored)
    rows, columns = (op.out_features, used) if down else (used, op.in_features)
    full = (op.out_features, here) if down else (here, op.in_features)
    encoding = replace(encoding_of(op, precision), gathered=used < here, full=full)
    return cut_to(op, rows, columns, encoding)


def _add_term(graph: Graph, reader: str) -> None:
    """The sum that ``reader`` is has one term more."""
    op = graph.nodes[reader]["op"]
    if isinstance(op, VectorOp):
        once = op.output_bytes
        graph.nodes[reader]["op"] = replace(op, flops=op.flops + op.elements, input_bytes=op.input_bytes + once)
