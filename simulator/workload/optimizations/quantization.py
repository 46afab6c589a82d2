"""Quantisation: weights, the moving operands of products, and the cache in fewer bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.encoding import Encoding
from simulator.workload.model import Model
from simulator.workload.ops import (
    LM_HEAD,
    AttentionOp,
    KvAppendOp,
    Op,
    OpKind,
    VectorOp,
    WeightedOp,
    register_kind,
)
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.formats import FORMATS, MovingFormat, Stored
from simulator.workload.optimizations.graphs import Once, encoded, encoding_of, insert_before, ops_of, readers_by_tensor
from simulator.workload.optimizations.kinds import unknown_kinds
from simulator.workload.precision import FORMAT_BITS

QUANTIZE = register_kind(
    OpKind("quantize", "largest of a row, scale, round: a vector into a narrower format", 3, like="rmsnorm")
)
INDICES = frozenset({"route"})
"""Kinds whose results are numbers of experts, which are not quantised."""

TOKEN_SCALE_BYTES = 2
"""The FP16 scale of a token's vector."""


class Layers(Stored):
    """Another way to keep the weights of the blocks ``first`` to ``last``."""

    first: Annotated[int, Field(ge=0)]
    last: Annotated[int, Field(ge=0)]


@optimization("quantization")
class Quantization(Optimization):
    """What is kept in which format; what is not named stays as ``precision`` says.

    ``weights``: of all products but those of the op kinds in ``skip``; ``layers`` of their own way. ``activations``:
    the moving operand of the same products, one scale a token, quantised by an op of its own. ``kv_cache``: one scale
    for a group of a head's elements. ``gemv``: ``lookup_table`` looks up sums of the moving operand instead of widening
    weights, on units that can.
    """

    order = 40

    weights: Stored | None = None
    layers: tuple[Layers, ...] = ()
    skip: tuple[str, ...] = ()
    activations: MovingFormat | None = None
    kv_cache: Stored | None = None
    gemv: Literal["dequantise", "lookup_table"] = "dequantise"

    @property
    def by_layer(self) -> bool:
        """Whether layers have ways of their own."""
        return bool(self.layers)

    def check(self, model: Model) -> None:
        """The layers are there."""
        for position, layers in enumerate(self.layers):
            if layers.last >= model.n_layers or layers.first > layers.last:
                raise self.fault(
                    f"layers.{position}", f"{layers.first} to {layers.last} are not blocks of {model.name} "
                    f"(allowed: 0..{model.n_layers - 1})"
                )  # fmt: skip

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Bytes of products and cache, and an op that quantises each moving operand."""
        if self.kv_cache:
            self.needs(graph, view, "cache that grows with the context", lambda op: isinstance(op, AttentionOp))
        ways: dict[Stored | None, Once] = {}
        cache = Once(self._cached)
        for name, op in ops_of(graph):
            if self._narrows(op):
                way = self._way(op)
                change = ways.setdefault(way, Once(lambda op, way=way: self._product(op, way, view)))  # type: ignore[misc]
                graph.nodes[name]["op"] = change(op)
            elif isinstance(op, AttentionOp | KvAppendOp) and self.kv_cache:
                graph.nodes[name]["op"] = cache(op)
        if self.activations:
            self._quantise(graph, view)
        return graph

    def _way(self, op: Op) -> Stored | None:
        own = [layers for layers in self.layers if op.layer is not None and layers.first <= op.layer <= layers.last]
        return own[-1] if own else self.weights

    def _product(self, op: Op, way: Stored | None, view: StepView) -> Op:
        assert isinstance(op, WeightedOp)
        encoding = encoding_of(op, view.precision)
        if way is not None:
            form = FORMATS[way.format]
            encoding = replace(
                encoding,
                value_bits=form.bits,
                number=form.number,
                group=way.group(op.in_features),
                group_bits=way.group_bits,
                lookup=self.gemv == "lookup_table",
            )
        if self.activations is None:
            return encoded(op, encoding)
        form = FORMATS[self.activations]
        return encoded(op, replace(encoding, moving=form.number, moving_bits=int(form.bits)))

    def _moving_bytes(self, tokens: int, width: int) -> int:
        assert self.activations is not None
        form = FORMATS[self.activations]
        scales = -(-width // form.group) * form.group_bits // 8 if form.group else TOKEN_SCALE_BYTES
        return tokens * (ceil(width * form.bits / 8) + scales)

    def _cached(self, op: Op) -> Op:
        assert isinstance(op, AttentionOp | KvAppendOp)
        assert self.kv_cache is not None
        bits, form = self.kv_cache.bits(op.head_dim), FORMATS[self.kv_cache.format]
        encoding = Encoding(form.bits, form.number, self.kv_cache.group(op.head_dim), self.kv_cache.group_bits)
        if isinstance(op, KvAppendOp):
            elements = op.tensors * op.batch * op.new_tokens * op.n_kv_heads * op.head_dim
            work = QUANTIZE.flops_per_element * elements
            n_bytes = 2 * ceil(elements // 2 * bits / 8)
            return replace(op, kv_write_bytes=n_bytes, flops=op.flops + work, encoding=encoding)
        elements = op.batch * op.context * op.n_kv_heads * op.head_dim
        return replace(op, kv_read_bytes=ceil(elements * bits / 8), encoding=_with_gathering(encoding, op.encoding))

    def _quantise(self, graph: Graph, view: StepView) -> None:
        """One op for each vector that products read, whoever reads it."""
        element_bits = FORMAT_BITS[view.precision.activations]
        for (maker, _), readers in readers_by_tensor(graph).items():
            products = [name for name in readers if self._narrows(graph.nodes[name]["op"])]
            n_bytes = graph.edges[maker, products[0]]["bytes"] if products else 0
            if not n_bytes or graph.nodes[maker]["op"].kind in INDICES:
                continue
            width: int = graph.nodes[products[0]]["op"].in_features
            elements = int(n_bytes * 8 // element_bits)
            quantise = VectorOp(
                name=f"{maker}.quantize",
                kind=QUANTIZE.name,
                layer=graph.nodes[products[0]]["op"].layer,
                elements=elements,
                rows=-(-elements // width),
                flops=QUANTIZE.flops_per_element * elements,
                input_bytes=n_bytes,
                output_bytes=self._moving_bytes(-(-elements // width), width),
            )
            insert_before(graph, maker, products, quantise)
            for name in products:
                op = graph.nodes[name]["op"]
                graph.nodes[name]["op"] = replace(op, input_bytes=op.input_bytes - n_bytes + quantise.output_bytes)

    def _narrows(self, op: Op) -> bool:
        return isinstance(op, WeightedOp) and op.kind not in self.skip

    def cache_bits(self, bits: float, head_dim: int) -> float:
        """Bits of a cached element with its share of the scales."""
        return float(self.kv_cache.bits(head_dim)) if self.kv_cache else bits

    def quality(self) -> dict[str, object]:
        """Formats and groups; whether the LM head keeps its own is left out, since publications do not say."""
        skipped = sorted(set(self.skip) - {LM_HEAD.name})
        return {
            "weights": _kept_as(self.weights),
            "layers": tuple((layers.first, layers.last, _kept_as(layers)) for layers in self.layers),
            "skip": skipped,
            "activations": self.activations,
            "kv_cache": _kept_as(self.kv_cache),
        }

    def assumptions(self) -> tuple[str, ...]:
        """What is left out."""
        found = ["norms and the embedding table stay in the format that precision.weights names"]
        if self.activations:
            found.append("one scale a token is found anew in each step; none is smoothed or rotated")
        return tuple(found)


def _kept_as(stored: Stored | None) -> tuple[str, int] | None:
    """Format and group."""
    return None if stored is None else (stored.format, stored.group_size)


def _with_gathering(encoding: Encoding, before: Encoding | None) -> Encoding:
    """``encoding`` of those cached tokens that another method chose, if one did."""
    return encoding if before is None else replace(encoding, gathered=before.gathered, full=before.full)


@semantic_check(Stored)
def _groups(stored: Stored) -> Iterator[Fault]:
    if stored.fixed and stored.group_size:
        form = FORMATS[stored.format]
        yield Fault(
            ("group_size",),
            f"the format {stored.format} has groups of {form.group} elements itself; leave group_size out",
        )


@semantic_check(Layers)
def _groups_of_layers(layers: Layers) -> Iterator[Fault]:
    yield from _groups(layers)


@semantic_check(Quantization)
def _something(block: Quantization) -> Iterator[Fault]:
    yield from unknown_kinds("skip", block.skip)
    if not (block.weights or block.layers or block.activations or block.kv_cache):
        yield Fault((), "it changes nothing: give weights, layers, activations or kv_cache")
    if block.gemv == "lookup_table" and not (block.weights or block.layers):
        yield Fault(("gemv",), "a lookup table needs quantised weights")
