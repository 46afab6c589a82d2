"""The step graph: ops as nodes (attribute ``op``), activations as edges (``tensor``, ``bytes``).

One source (``embedding``), one sink (``sampling``), no cycle; nodes are in execution order, the same every time.
The keys and values reach attention through the cache, so the edges from ``kv_append`` only order it before its readers
and carry 0 bytes: the reads are the readers' ``kv_read_bytes``. After the last block only the last position of each
sequence goes on (tensor ``out.last``), which in prefill is a slice of what the block puts out.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from simulator.workload.model import Model
from simulator.workload.ops import Op
from simulator.workload.precision import Precision
from simulator.workload.step import Step
from simulator.workload.step_ops import StepOps, op_name

SOURCE = "embedding"
SINK = "sampling"


Ops = dict[str, Op]
Edges = dict[tuple[str, str], tuple[str, int]]
"""(producer, consumer) -> (tensor, bytes)"""


def decode_graph(model: Model, *, batch: int, context: int, precision: Precision) -> nx.DiGraph[str]:
    """One decode step with ``context`` tokens cached before it; the new token attends to ``context + 1``."""
    return _assemble(*_parts(StepOps(model, Step(batch, 1, context), precision)))


def prefill_graph(model: Model, *, batch: int, prompt_tokens: int, precision: Precision) -> nx.DiGraph[str]:
    """The prompt in one pass, causal attention counted exactly; it yields the first output token."""
    return _assemble(*_parts(StepOps(model, Step(batch, prompt_tokens, 0), precision)))


class DecodeGraphs:
    """The decode graphs of one model, batch and precision, sharing every op that does not depend on the context."""

    def __init__(self, model: Model, *, batch: int, precision: Precision) -> None:
        self.model = model
        self.batch = batch
        self.precision = precision
        self._ops, self._edges = _parts(self._step_ops(0))

    def at(self, context: int) -> nx.DiGraph[str]:
        """The graph `decode_graph` builds for ``context``; a new graph each time."""
        step_ops = self._step_ops(context)
        blueprints, wires = step_ops.context_ops(), _context_wires(step_ops)
        ops, edges = dict(self._ops), dict(self._edges)
        for layer in range(self.model.n_layers):
            ops.update((op.name, op) for op in (blueprint.stamp(layer) for blueprint in blueprints))
            edges.update(wire.stamp(layer) for wire in wires)
        return _assemble(ops, edges)

    def _step_ops(self, context: int) -> StepOps:
        return StepOps(self.model, Step(self.batch, 1, context), self.precision)


@dataclass(frozen=True, slots=True)
class _Wire:
    """An edge of a block without its layer. ``producer`` None is what comes into the block."""

    producer: str | None
    consumer: str
    n_bytes: int
    tensor: str = "out"

    def stamp(self, layer: int) -> tuple[tuple[str, str], tuple[str, int]]:
        """The edge of one layer, as an item of `Edges`."""
        producer = _block_input(layer) if self.producer is None else op_name(layer, self.producer)
        return (producer, op_name(layer, self.consumer)), (f"{producer}.{self.tensor}", self.n_bytes)


def _block_input(layer: int) -> str:
    return SOURCE if layer == 0 else op_name(layer - 1, "ffn_residual")


def _parts(step_ops: StepOps) -> tuple[Ops, Edges]:
    blueprints, wires = step_ops.block(), _block_wires(step_ops)
    first, tail = step_ops.embedding(), step_ops.tail()
    ops: Ops = {first.name: first}
    edges: Edges = {}
    for layer in range(step_ops.model.n_layers):
        ops.update((op.name, op) for op in (blueprint.stamp(layer) for blueprint in blueprints))
        edges.update(wire.stamp(layer) for wire in wires)
    ops.update((op.name, op) for op in tail)
    edges.update(_tail_edges(step_ops))
    return ops, edges


def _block_wires(step_ops: StepOps) -> tuple[_Wire, ...]:
    model, tokens, act = step_ops.model, step_ops.step.tokens, step_ops.precision.activation_bytes
    hidden, wide = act(tokens * model.d_model), act(tokens * model.d_ff)
    queries, keys = act(tokens * model.q_features), act(tokens * model.kv_features)
    return (
        _Wire(None, "attn_norm", hidden),
        _Wire(None, "attn_residual", hidden),
        _Wire("attn_norm", "qkv_proj", hidden),
        _Wire("qkv_proj", "rope", act(tokens * (model.q_features + model.kv_features)), "qk"),
        _Wire("qkv_proj", "kv_append", keys, "v"),
        _Wire("rope", "kv_append", keys, "k"),
        _Wire("rope", "attn_score", queries, "q"),
        _Wire("kv_append", "attn_score", 0, "k_cache"),
        _Wire("kv_append", "attn_context", 0, "v_cache"),
        *_context_wires(step_ops),
        _Wire("attn_context", "out_proj", queries),
        _Wire("out_proj", "attn_residual", hidden),
        _Wire("attn_residual", "ffn_norm", hidden),
        _Wire("attn_residual", "ffn_residual", hidden),
        _Wire("ffn_norm", "ffn_gate", hidden),
        _Wire("ffn_norm", "ffn_up", hidden),
        _Wire("ffn_gate", "ffn_act_mul", wide),
        _Wire("ffn_up", "ffn_act_mul", wide),
        _Wire("ffn_act_mul", "ffn_down", wide),
        _Wire("ffn_down", "ffn_residual", hidden),
    )


def _context_wires(step_ops: StepOps) -> tuple[_Wire, ...]:
    step = step_ops.step
    scores = step_ops.precision.activation_bytes(step.batch * step_ops.model.n_heads * step.pairs)
    return (_Wire("attn_score", "softmax", scores), _Wire("softmax", "attn_context", scores))


def _tail_edges(step_ops: StepOps) -> Edges:
    model, batch, act = step_ops.model, step_ops.step.batch, step_ops.precision.activation_bytes
    last, hidden = _block_input(model.n_layers), act(batch * model.d_model)
    return {
        (last, "final_norm"): (f"{last}.out.last", hidden),
        ("final_norm", "lm_head"): ("final_norm.out", hidden),
        ("lm_head", SINK): ("lm_head.out", act(batch * model.vocab_size)),
    }


def _assemble(ops: Ops, edges: Edges) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from((name, {"op": op}) for name, op in ops.items())
    graph.add_edges_from((*ends, {"tensor": tensor, "bytes": n_bytes}) for ends, (tensor, n_bytes) in edges.items())
    return graph
