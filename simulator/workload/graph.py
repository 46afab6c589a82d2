"""The step graph: ops as nodes (attribute ``op``), activations as edges (``tensor``, ``bytes``).

One source (``embedding``), one sink (``sampling``), no cycle; nodes are in execution order, the same every time.
The keys and values reach attention through the cache, so the edges from ``kv_append`` only order it before its readers
and carry 0 bytes: the reads are the readers' ``kv_read_bytes``. After the last block only the last position of each
sequence goes on (tensor ``out.last``), which in prefill is a slice of what the block puts out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import networkx as nx

from simulator.workload.blueprint import Blueprint, Flow, Section, Wire, op_name
from simulator.workload.model import Model
from simulator.workload.ops import Op
from simulator.workload.precision import Precision
from simulator.workload.sections import block, epilogue, prologue
from simulator.workload.step import Step

SOURCE = "embedding"
SINK = "sampling"

NOTHING = Flow(None, "", 0)
"""What comes into the prologue."""

Edge = tuple[str, str, dict[str, Any]]


def decode_graph(model: Model, *, batch: int, context: int, precision: Precision) -> nx.DiGraph[str]:
    """One decode step with ``context`` tokens cached before it; the new token attends to ``context + 1``."""
    return DecodeGraphs(model, batch=batch, precision=precision).at(context)


def prefill_graph(model: Model, *, batch: int, prompt_tokens: int, precision: Precision) -> nx.DiGraph[str]:
    """The prompt in one pass, causal attention counted exactly; it yields the first output token."""
    return step_graph(model, Step(batch, prompt_tokens, 0), precision)


def step_graph(model: Model, step: Step, precision: Precision, layers: Iterable[int] | None = None) -> nx.DiGraph[str]:
    """Any step, such as a piece of a prompt; the last position of each sequence gives a token.

    ``layers``: the blocks that are in it, in order; None: all.
    """
    return _graph(model, step, precision, {}, layers)


class DecodeGraphs:
    """The decode graphs of one model, batch and precision, sharing every op that does not depend on the context.

    ``queries``: new tokens of each sequence in a step; logits are computed for the last of them. ``layers``: the blocks
    that are in them; None: all.
    """

    def __init__(
        self,
        model: Model,
        *,
        batch: int,
        precision: Precision,
        queries: int = 1,
        layers: Iterable[int] | None = None,
    ) -> None:
        self.model = model
        self.batch = batch
        self.precision = precision
        self.queries = queries
        self._layers = None if layers is None else tuple(layers)
        self._stamped: dict[Hashable, _Stamped] = {}

    def at(self, context: int) -> nx.DiGraph[str]:
        """The graph `decode_graph` builds for ``context``; a new graph each time."""
        step = Step(self.batch, self.queries, context)
        return _graph(self.model, step, self.precision, self._stamped, self._layers)


class _Stamped:
    """The ops and edges stamped from one section, kept from step to step while what they come from stays the same."""

    def __init__(self) -> None:
        self._ops: dict[str, tuple[Blueprint, dict[int | None, Op]]] = {}
        self._edges: dict[tuple[str, Flow], dict[tuple[int | None, Flow], Edge]] = {}

    def add_to(self, graph: nx.DiGraph[str], section: Section, layer: int | None, into: Flow) -> Flow:
        """Put ``section`` behind ``into``; gives what it hands on."""
        for blueprint in section.blueprints:
            op = self._op(blueprint, layer)
            graph.add_node(op.name, op=op)
        graph.add_edges_from(self._edge(wire, layer, into) for wire in section.wires)
        out = section.out
        return Flow(op_name(layer, out.producer or ""), out.label, out.n_bytes)

    def renew(self, section: Section) -> None:
        """Forget what came from blueprints and wires that ``section`` no longer has."""
        for blueprint in section.blueprints:
            if blueprint.name not in self._ops or self._ops[blueprint.name][0] != blueprint:
                self._ops[blueprint.name] = blueprint, {}
        self._edges = {
            (wire.consumer, wire.flow): self._edges.get((wire.consumer, wire.flow), {}) for wire in section.wires
        }

    def _op(self, blueprint: Blueprint, layer: int | None) -> Op:
        by_layer = self._ops[blueprint.name][1]
        found = by_layer.get(layer)
        if found is None:
            found = by_layer[layer] = blueprint.stamp(layer)
        return found

    def _edge(self, wire: Wire, layer: int | None, into: Flow) -> Edge:
        by_layer = self._edges[wire.consumer, wire.flow]
        found = by_layer.get((layer, into))
        if found is None:
            found = by_layer[layer, into] = _edge(wire, layer, into)
        return found


def _edge(wire: Wire, layer: int | None, into: Flow) -> Edge:
    flow = wire.flow
    producer, label = (into.producer, into.label)
    if flow.producer is not None:
        producer, label = op_name(layer, flow.producer), flow.label
    assert producer is not None
    return producer, op_name(layer, wire.consumer), {"tensor": f"{producer}.{label}", "bytes": flow.n_bytes}


def _graph(
    model: Model,
    step: Step,
    precision: Precision,
    stamped: dict[Hashable, _Stamped],
    layers: Iterable[int] | None,
) -> nx.DiGraph[str]:
    """Prologue, blocks and epilogue, one behind the other. Equal blocks are built once and stamped per layer."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    sections: dict[Hashable, Section] = {}

    def add(key: Hashable, layer: int | None, into: Flow, build: Callable[[], Section]) -> Flow:
        known = stamped.setdefault(key, _Stamped())
        if key not in sections:
            sections[key] = build()
            known.renew(sections[key])
        return known.add_to(graph, sections[key], layer, into)

    out = add("prologue", None, NOTHING, lambda: prologue(model, step, precision))
    for layer in range(model.n_layers) if layers is None else layers:
        variant = model.architecture.variant(model, step, layer)
        out = add(("block", variant), layer, out, lambda v=variant: block(model, step, precision, v))  # type: ignore[misc]
    last = Flow(out.producer, f"{out.label}.last", out.n_bytes)
    add("epilogue", None, last, lambda: epilogue(model, step, precision))
    return graph
