"""Steps that run only some blocks of a model, or run blocks for only some of the sequences."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from simulator.workload.optimizations.graphs import Graph, ops_of

Stream = tuple[str, dict[str, object]]
"""An op that puts out the residual stream, and the edge that takes it to a reader."""


def without_layers(graph: Graph, dropped: Collection[int]) -> Graph:
    """``graph`` without the blocks ``dropped``: what came into such a block goes on to whatever read its results."""
    for layer in sorted(dropped):
        inside = {name for name, op in ops_of(graph) if op.layer == layer}
        into = [(maker, edge) for maker, reader, edge in graph.in_edges(inside, data=True) if maker not in inside]
        out = [(reader, edge) for _, reader, edge in graph.out_edges(inside, data=True) if reader not in inside]
        makers = {maker: edge for maker, edge in into if edge["bytes"]}
        ((maker, stream),) = makers.items()
        for reader, edge in out:
            tensor = stream["tensor"] if edge["bytes"] == stream["bytes"] else f"{stream['tensor']}.last"
            graph.add_edge(maker, reader, tensor=tensor, bytes=edge["bytes"])
        graph.remove_nodes_from(inside)
    return graph


def mixed(whole: Graph, by_layer: Mapping[int, Graph]) -> Graph:
    """``whole`` with the ops of each layer in ``by_layer``, and the edges within it, as they are in that graph."""
    for layer, other in by_layer.items():
        names = [name for name, op in ops_of(whole) if op.layer == layer]
        for name in names:
            whole.nodes[name]["op"] = other.nodes[name]["op"]
            for maker in whole.pred[name]:
                whole.edges[maker, name]["bytes"] = other.edges[maker, name]["bytes"]
    return whole
