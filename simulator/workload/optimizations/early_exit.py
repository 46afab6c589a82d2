"""Early exit: tokens leave the model after the block at which they are certain enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.faults import Fault, semantic_check
from simulator.workload.model import Model
from simulator.workload.ops import QKV_PROJ, KvAppendOp, MatrixOp
from simulator.workload.optimizations.base import FileColumns, Graph, optimization
from simulator.workload.optimizations.decoding import Builder, Decoding, Pass
from simulator.workload.optimizations.graphs import in_order, ops_of
from simulator.workload.optimizations.layers import mixed, without_layers
from simulator.workload.tail import tail_of

LEAST_SHARE = 1e-12


class Exit(Spec):
    """``share`` of the tokens leave after ``after`` blocks."""

    after: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(ge=0, le=1)]


@optimization("early_exit")
class EarlyExit(Decoding):
    """The blocks after which tokens leave, and how many do; all others run the whole model.

    ``test``: at each exit an ``lm_head`` step (norm, projection to the vocabulary, choice) says whether a token leaves;
    or ``none``, when that is known at no cost. ``cache`` of the blocks that a token does not run: its keys and values
    there are ``propagated``, computed from the hidden state that it left with, or left out (``none``).

    A step runs blocks for as many sequences as have not left. Exits of a step are independent draws: a step that goes
    to block e at most happens with probability F(e)^B - F(e')^B, F being the share that has left by then, e' the exit
    before; the sequences alive at a block are their expected number in such a step, rounded, and at least one.
    """

    order = 20
    with_prompts = False
    from_file: ClassVar[FileColumns] = {"exits": ("after", "share")}

    exits: Annotated[tuple[Exit, ...], Field(min_length=1)]
    test: Literal["lm_head", "none"]
    cache: Literal["propagated", "none"]

    @property
    def by_layer(self) -> bool:
        """Fewer sequences run the later blocks."""
        return True

    def check(self, model: Model) -> None:
        """Exits lie within the model."""
        for position, each in enumerate(self.exits):
            if each.after >= model.n_layers:
                raise self.fault(
                    f"exits.{position}.after",
                    f"{each.after} is not before the last of the {model.n_layers} blocks of {model.name}",
                )

    def left_by(self, blocks: int, whole: int) -> float:
        """Share of the tokens that run at most ``blocks`` of ``whole`` blocks."""
        return 1.0 if blocks >= whole else sum(each.share for each in self.exits if each.after <= blocks)

    def depths(self, batch: int, whole: int) -> dict[int, float]:
        """Blocks that a step runs at most -> probability of such a step."""
        found, before = {}, 0.0
        for depth in (*(each.after for each in self.exits), whole):
            until = self.left_by(depth, whole) ** batch
            if until - before > LEAST_SHARE:
                found[depth] = until - before
            before = until
        return found

    def alive(self, block: int, depth: int, batch: int, whole: int) -> int:
        """Sequences that run ``block`` (from 0) in a step that goes to ``depth`` blocks."""
        until, earlier = self.left_by(depth, whole), self._before(depth, whole)
        out = self.left_by(block, whole)
        probability = until**batch - earlier**batch
        expected = batch * ((until - out) * until ** (batch - 1) - max(0.0, earlier - out) * earlier ** (batch - 1))
        return min(batch, max(1, round(expected / probability)))

    def _before(self, depth: int, whole: int) -> float:
        depths = [0, *(each.after for each in self.exits), whole]
        return self.left_by(depths[depths.index(depth) - 1], whole) if depth in depths[1:] else 0.0

    def passes(self, build: Builder, context: int) -> tuple[Pass, ...]:
        """One graph for each depth, as often as it happens."""
        depths = self.depths(build.batch, build.model.n_layers)
        return tuple(Pass(self._graph(build, context, depth), share) for depth, share in depths.items())

    def _graph(self, build: Builder, context: int, depth: int) -> Graph:
        model, batch = build.model, build.batch
        graph = build.decode_graph(context)
        alive = {block: self.alive(block, depth, batch, model.n_layers) for block in range(depth)}
        others = {block: build.decode_graph(context, batch=n) for block, n in alive.items() if n < batch}
        skipping = {block: batch - n for block, n in alive.items()} | dict.fromkeys(range(depth, model.n_layers), batch)
        graph = mixed(graph, others)
        kept = self._propagated(graph, build, context, skipping) if self.cache == "propagated" else []
        graph = without_layers(graph, range(depth, model.n_layers))
        if self.test == "lm_head":
            for each in self.exits:
                if each.after < depth:
                    _add_test(graph, build.decode_graph(context, batch=alive[each.after - 1]), each.after)
        _add_propagation(graph, kept)
        return in_order(graph)

    def _propagated(self, graph: Graph, build: Builder, context: int, skipping: dict[int, int]) -> list[Graph]:
        """For each block that some tokens skip, the ops that cache their keys and values."""
        model = build.model
        found = []
        for block, tokens in skipping.items():
            if not tokens:
                continue
            source = build.decode_graph(context, batch=tokens)
            product = next((op for _, op in ops_of(source) if op.layer == block and op.kind == QKV_PROJ.name), None)
            append = next((op for _, op in ops_of(source) if op.layer == block and op.kv_write_bytes), None)
            if not isinstance(product, MatrixOp) or not isinstance(append, KvAppendOp):
                raise self.fault("cache", f"{model.name} has no fused projection to keys and values to propagate")
            outputs = append.tensors * append.n_kv_heads * append.head_dim
            part: Graph = type(graph)()
            narrow = replace(
                product,
                name=f"{product.name}.propagated",
                out_features=outputs,
                flops=product.flops * outputs // product.out_features,
                weight_bytes=product.weight_bytes * outputs // product.out_features,
                output_bytes=product.output_bytes * outputs // product.out_features,
            )
            write = replace(append, name=f"{append.name}.propagated")
            part.add_node(narrow.name, op=narrow)
            part.add_node(write.name, op=write)
            part.add_edge(narrow.name, write.name, tensor=f"{narrow.name}.out", bytes=narrow.output_bytes)
            found.append(part)
        return found

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        found = [
            "a step runs each block for the expected number of sequences that have not left, rounded, at least one",
            "the decode time is the mean over steps of each depth; the prompt runs all blocks",
        ]
        if self.cache == "none":
            found.append("blocks that a token did not run have no keys and values of it, at no cost")
        return tuple(found)


def _add_test(graph: Graph, source: Graph, after: int) -> None:
    """The end of the model, for the tokens in ``source``, between the blocks ``after - 1`` and ``after``."""
    tail = tail_of(source)
    first, last = tail[0], tail[-1]
    inside = {name for name, op in ops_of(graph) if op.layer == after - 1}
    reader = next(name for name, op in ops_of(graph) if op.layer == after)
    streams = [(maker, edge) for maker, to, edge in graph.in_edges(reader, data=True) if maker in inside]
    (maker, stream) = streams[0]
    renamed = {name: f"exit{after}.{name}" for name in tail}
    for name in tail:
        graph.add_node(renamed[name], op=replace(source.nodes[name]["op"], name=renamed[name]))
    for name in tail[1:]:
        for before in source.pred[name]:
            edge = source.edges[before, name]
            graph.add_edge(renamed[before], renamed[name], tensor=f"exit{after}.{edge['tensor']}", bytes=edge["bytes"])
    graph.add_edge(maker, renamed[first], **stream)
    graph.add_edge(renamed[last], reader, tensor=f"{renamed[last]}.decision", bytes=0)


def _add_propagation(graph: Graph, parts: list[Graph]) -> None:
    """Each part reads the residual stream at the end of the blocks that run."""
    (maker, edge) = next(
        (maker, graph.edges[maker, name]) for name in tail_of(graph) for maker in graph.pred[name]
        if graph.nodes[maker]["op"].layer is not None
    )  # fmt: skip
    for part in parts:
        first = next(iter(part))
        graph.add_nodes_from(part.nodes(data=True))
        graph.add_edges_from(part.edges(data=True))
        op = part.nodes[first]["op"]
        graph.add_edge(maker, first, tensor=edge["tensor"], bytes=min(edge["bytes"], op.input_bytes))


@semantic_check(EarlyExit)
def _distribution(block: EarlyExit) -> Iterator[Fault]:
    if sum(each.share for each in block.exits) > 1 - LEAST_SHARE:
        total = sum(each.share for each in block.exits)
        yield Fault(("exits",), f"shares add up to {total:g}, and no token runs the whole model (allowed: less than 1)")
    after = [each.after for each in block.exits]
    if after != sorted(set(after)):
        yield Fault(("exits",), "exits come in the order of their blocks, each once")
