"""Ops of models that keep a state in place of a cache: it is read and written in each step, and never grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.workload import ops
from simulator.workload import state_kinds as kinds
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.section_builder import OUT, SectionBuilder

NO_LIMIT = 1 << 24
"""Positions of a model whose state is all that it knows of earlier tokens: as many as a workload can ask for."""


def stateful(  # noqa: PLR0913 - an element-wise op, and what it keeps
    b: SectionBuilder,
    kind: ops.OpKind,
    inputs: Sequence[Flow],
    outputs: Mapping[str, int],
    *,
    per_token: int,
    kept: int,
    name: str | None = None,
    weight: Weight | None = None,
) -> tuple[Flow, ...]:
    """An op on ``per_token`` elements a token that reads and writes ``kept`` elements of each sequence.

    Before the first token there is nothing to read. Tokens of one step follow each other on chip: the state goes to
    the memory once, at the end.
    """
    elements = b.tokens * per_token
    state = b.precision.kv_bytes(b.step.batch * kept)
    return b.add(
        ops.VectorOp,
        kind,
        inputs,
        outputs,
        name=name,
        weight=weight,
        elements=elements,
        rows=b.tokens,
        flops=kind.flops_per_element * elements,
        kv_read_bytes=state if b.step.position else 0,
        kv_write_bytes=state,
    )


def low_rank(  # noqa: PLR0913 - two products, and what is between them
    b: SectionBuilder, x: Flow, name: str, rank: int, outputs: int, *, activation: ops.OpKind | None
) -> Flow:
    """Down to ``rank`` and up again to ``outputs`` elements, with an activation between."""
    down = b.matrix(kinds.LOW_RANK, x, b.width, {OUT: rank}, name=f"{name}_down")[0]
    if activation is not None:
        down = b.vector(activation, (down,), {OUT: b.tokens * rank}, name=f"{name}_act")[0]
    return b.matrix(kinds.LOW_RANK, down, rank, {OUT: outputs}, name=f"{name}_up")[0]
