"""Paged cache: keys and values lie in pages that a table finds, instead of in room reserved for the longest answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.workload.ops import ATTN_SCORE, AttentionOp, OpKind, VectorOp, register_kind
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import ops_of

PAGE_TABLE = register_kind(OpKind("page_table", "read of the places of a sequence's pages", like="residual_add"))


@optimization("kv_paging")
class KvPaging(Optimization):
    """Pages of ``page_tokens`` tokens of a layer, found by table entries of ``table_entry_bytes``.

    The last page of each sequence is partly empty. Each attention kernel reads the table of its sequences once.
    """

    order = 50

    page_tokens: Annotated[int, Field(ge=1, le=65536)]
    table_entry_bytes: Annotated[int, Field(ge=1, le=64)]

    def pages(self, tokens: int) -> int:
        """Pages of ``tokens`` tokens."""
        return -(-tokens // self.page_tokens)

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """The table reads, each fused into the attention that needs it."""
        self.needs(graph, view, "cache of keys and values", lambda op: op.kind == ATTN_SCORE.name)
        for name, op in ops_of(graph):
            if op.kind != ATTN_SCORE.name or not isinstance(op, AttentionOp):
                continue
            entries = op.batch * self.pages(op.context)
            table = VectorOp(
                name=f"{name}.pages_of",
                kind=PAGE_TABLE.name,
                layer=op.layer,
                elements=entries,
                rows=op.batch,
                kv_read_bytes=entries * self.table_entry_bytes,
                fused=True,
            )
            graph.add_node(table.name, op=table)
            graph.add_edge(table.name, name, tensor=f"{table.name}.out", bytes=0)
            for maker in list(graph.pred[name]):
                if not graph.edges[maker, name]["bytes"] and maker != table.name:
                    graph.add_edge(maker, table.name, tensor=f"{maker}.order", bytes=0)
        return graph

    def cached_tokens(self, tokens: int) -> int:
        """Whole pages."""
        return self.pages(tokens) * self.page_tokens

    def quality(self) -> None:
        """The same numbers come out."""

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        return ("pages lie spread over all channels as a contiguous cache would; a table is read once for each layer",)
