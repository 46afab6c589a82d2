"""Activation sparsity: of the feed-forward neurons only those that a token makes use of are read and computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.encoding import met_by_floats
from simulator.workload.model import Model
from simulator.workload.ops import FFN_DOWN, FFN_GATE, FFN_UP, MatrixOp, Op, VectorOp
from simulator.workload.optimizations.base import FileColumns, Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import Once, cut_to, encoding_of, feed_forward, ops_of, send_all
from simulator.workload.optimizations.shares import check_shares, share_of
from simulator.workload.precision import Precision

Share = Annotated[float, Field(gt=0, le=1)]
INDEX_BYTES = 4
"""Of a neuron in the list that the predictor makes."""


@optimization("activation_sparsity")
class ActivationSparsity(Optimization):
    """``active``: share of the neurons that one token uses, or one share for each block of the model, or their file.

    ``chosen_by`` a ``predictor``, two products through ``predictor_rank`` elements before each feed-forward part; or
    by the ``gate``, which is then computed whole. Tokens of a step choose independently of each other, and a step reads
    the union: 1 - (1 - active)^tokens of the neurons, which it computes for all of its tokens. The prompt is computed
    whole.
    """

    order = 25
    from_file: ClassVar[FileColumns] = {"active": ("active",)}

    active: Share | Annotated[tuple[Share, ...], Field(min_length=1)]
    chosen_by: Literal["predictor", "gate"]
    predictor_rank: Annotated[int, Field(ge=1, le=1 << 16)] | None = None

    @property
    def by_layer(self) -> bool:
        """Whether blocks have shares of their own."""
        return isinstance(self.active, tuple)

    @property
    def whole_prompt(self) -> bool:
        """A prompt uses all neurons."""
        return True

    def check(self, model: Model) -> None:
        """There is a share for each block."""
        check_shares(self, "active", self.active, model)

    def share(self, layer: int, tokens: int) -> float:
        """Share of the neurons of a block that ``tokens`` tokens use together."""
        return float(1 - (1 - share_of(self.active, layer)) ** tokens)

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Fewer rows of gate and up, fewer columns of down, and the predictor."""
        into, between, out = feed_forward(graph)
        if not out:
            raise self.fault("", f"{view.model.name} has no dense feed-forward part")
        if self.chosen_by == "gate" and not any(graph.nodes[name]["op"].kind == FFN_GATE.name for name in into):
            raise self.fault(
                "chosen_by", f"the feed-forward part of {view.model.name} has no gate (allowed: predictor)"
            )
        if view.is_prefill:
            return graph
        names = [name for name in (*into, *between, *out) if self._is_gathered(graph.nodes[name]["op"])]
        changes: dict[float, Once] = {}
        for name in names:
            op: Op = graph.nodes[name]["op"]
            share = self.share(op.layer or 0, view.step.tokens)
            once = changes.setdefault(share, Once(lambda op, share=share: _gathered(op, share, view.precision)))  # type: ignore[misc]
            graph.nodes[name]["op"] = once(op)
        send_all(graph, [name for name in names if name not in out])
        if self.chosen_by == "predictor":
            self._predict(graph, view)
        return graph

    def _is_gathered(self, op: Op) -> bool:
        return op.kind != FFN_GATE.name or self.chosen_by == "predictor"

    def _predict(self, graph: Graph, view: StepView) -> None:
        assert self.predictor_rank is not None
        for name, op in ops_of(graph):
            if op.kind != FFN_UP.name or not isinstance(op, MatrixOp) or self.share(op.layer or 0, 1) == 1:
                continue
            (maker,) = graph.pred[name]
            readers = [r for r in graph.succ[maker] if graph.nodes[r]["op"].kind in (FFN_GATE.name, FFN_UP.name)]
            neurons = op.encoding.full[0] if op.encoding and op.encoding.gathered else op.out_features
            narrow = _product(f"{name}.predict_in", op, view.precision, self.predictor_rank, op.in_features)
            wide = _product(f"{name}.predict_out", op, view.precision, neurons, self.predictor_rank)
            graph.add_node(narrow.name, op=narrow)
            graph.add_node(wide.name, op=wide)
            graph.add_edge(maker, narrow.name, **graph.edges[maker, name])
            graph.add_edge(narrow.name, wide.name, tensor=f"{narrow.name}.out", bytes=narrow.output_bytes)
            for reader in readers:
                graph.add_edge(wide.name, reader, tensor=f"{wide.name}.list", bytes=INDEX_BYTES * op.out_features)

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        return (
            "tokens of a step use neurons independently of each other; a step reads their union",
            "columns of the down projection lie together, so that a neuron's weights are read as a row",
            "the prompt is computed whole; no accuracy is modelled",
        )


def _gathered(op: Op, share: float, precision: Precision) -> Op:
    """The rows or columns that are used."""
    if isinstance(op, VectorOp):
        elements = ceil(op.elements * share)
        scale = elements / op.elements
        n_bytes = {key: ceil(getattr(op, key) * scale) for key in ("input_bytes", "output_bytes")}
        return replace(op, elements=elements, flops=op.flops * elements // op.elements, **n_bytes)
    assert isinstance(op, MatrixOp)
    if share == 1:
        return op
    encoding = replace(encoding_of(op, precision), gathered=True, full=(op.out_features, op.in_features))
    rows, columns = op.out_features, op.in_features
    rows, columns = (rows, ceil(columns * share)) if op.kind == FFN_DOWN.name else (ceil(rows * share), columns)
    return cut_to(op, rows, columns, encoding)


def _product(name: str, like: MatrixOp, precision: Precision, outputs: int, inputs: int) -> MatrixOp:
    return MatrixOp(
        name=name,
        kind=like.kind,
        layer=like.layer,
        weight=f"{name}.weight",
        out_features=outputs,
        in_features=inputs,
        tokens=like.tokens,
        flops=2 * outputs * inputs * like.tokens,
        weight_bytes=precision.weight_bytes(outputs * inputs),
        input_bytes=precision.activation_bytes(like.tokens * inputs),
        output_bytes=precision.activation_bytes(like.tokens * outputs),
        encoding=met_by_floats(precision, outputs, inputs),
    )


@semantic_check(ActivationSparsity)
def _complete(block: ActivationSparsity) -> Iterator[Fault]:
    if (block.chosen_by == "predictor") != (block.predictor_rank is not None):
        yield Fault(("predictor_rank",), "predictor_rank goes with chosen_by: predictor, and only with it")
