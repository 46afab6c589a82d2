"""Heads that draft tokens from the hidden state of the model."""

from __future__ import annotations

from dataclasses import replace

from simulator.workload.encoding import met_by_floats
from simulator.workload.model import Model
from simulator.workload.ops import LM_HEAD, OUT_PROJ, SAMPLING, LookupOp, MatrixOp, VectorOp
from simulator.workload.optimizations.graphs import Graph, insert_before, ops_of
from simulator.workload.precision import Precision


def add_medusa_heads(graph: Graph, model: Model, precision: Precision, heads: int) -> None:
    """For each head a residual block of one ``d_model`` x ``d_model`` product, and an LM head of its own.

    They read what the LM head reads; all logits go to the same sampling (Cai et al., arXiv 2401.10774).
    """
    head = next(op for _, op in ops_of(graph) if op.kind == LM_HEAD.name)
    sampling = next(op for _, op in ops_of(graph) if op.kind == SAMPLING.name)
    assert isinstance(head, MatrixOp)
    assert isinstance(sampling, VectorOp)
    (maker,) = graph.pred[head.name]
    hidden = graph.edges[maker, head.name]
    for position in range(1, heads + 1):
        residual = _residual(f"medusa{position}", head, model, precision)
        logits = replace(head, name=f"medusa{position}.lm_head", weight=f"medusa{position}.lm_head")
        graph.add_node(residual.name, op=residual)
        graph.add_node(logits.name, op=logits)
        graph.add_edge(maker, residual.name, **hidden)
        graph.add_edge(residual.name, logits.name, tensor=f"{residual.name}.out", bytes=residual.output_bytes)
        graph.add_edge(logits.name, sampling.name, tensor=f"{logits.name}.out", bytes=logits.output_bytes)
    graph.nodes[sampling.name]["op"] = replace(
        sampling,
        elements=sampling.elements * (1 + heads),
        flops=sampling.flops * (1 + heads),
        input_bytes=sampling.input_bytes * (1 + heads),
    )


def _residual(name: str, head: MatrixOp, model: Model, precision: Precision) -> MatrixOp:
    """The product of a head's residual block; its activation and sum ride on the product."""
    d = model.d_model
    return MatrixOp(
        name=f"{name}.proj",
        kind=OUT_PROJ.name,
        weight=f"{name}.proj",
        out_features=d,
        in_features=d,
        tokens=head.tokens,
        flops=2 * d * d * head.tokens,
        weight_bytes=precision.weight_bytes(d * d),
        input_bytes=precision.activation_bytes(head.tokens * d),
        output_bytes=precision.activation_bytes(head.tokens * d),
        encoding=met_by_floats(precision, d, d),
    )


def add_eagle_input(graph: Graph) -> None:
    """A product of hidden state and embedding, side by side, in front of the block (Li et al., arXiv 2401.15077)."""
    table = next(op for _, op in ops_of(graph) if isinstance(op, LookupOp))
    first = _first_product(graph)
    d, tokens = table.width, table.tokens
    element_bits = first.weight_bytes / (first.out_features * first.in_features)
    product = MatrixOp(
        name="eagle.fc",
        kind=OUT_PROJ.name,
        weight="eagle.fc",
        out_features=d,
        in_features=2 * d,
        tokens=tokens,
        flops=4 * d * d * tokens,
        weight_bytes=round(2 * d * d * element_bits),
        input_bytes=2 * table.output_bytes,
        output_bytes=table.output_bytes,
        encoding=first.encoding and replace(first.encoding, full=(d, 2 * d)),
    )
    readers = list(graph.succ[table.name])
    insert_before(graph, table.name, readers, product)


def _first_product(graph: Graph) -> MatrixOp:
    return next(op for _, op in ops_of(graph) if isinstance(op, MatrixOp))
