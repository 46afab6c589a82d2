"""What each of the devices that share a stage holds and does: policies by the name that ``parallelism.policy`` gives.

A policy gives the part of a step graph that one device runs, with the collectives that join the parts, and what the
others run meanwhile, if they do less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import networkx as nx

from simulator.config.registry import Registry
from simulator.mapping.parallel.plan import Plan
from simulator.workload.collective import CollectiveOp
from simulator.workload.model import Model


@dataclass(frozen=True)
class Part:
    """What the device with most to do runs (``leader``), and what the others of its group run at the same time.

    ``others``: graphs, each with the number of devices that run it; of a device that runs several, the sum counts. None
    where all do the same as the leader.
    """

    leader: nx.DiGraph[str]
    others: tuple[tuple[nx.DiGraph[str], int], ...] | None = None


@dataclass(frozen=True)
class Place:
    """A block is the ``number``-th, from 0 on, of the ``blocks`` of its stage."""

    number: int
    blocks: int


ALONE = Place(0, 1)
"""Of the only block of a stage, or of any block where it does not matter."""


class Policy(Protocol):
    """A way to share a block among ``devices`` devices; ``replicated``: each of them has the residual stream.

    ``deals_out_cache``: each has an equal part of the cached heads of `model`, which is then not that of one device.
    ``in_a_row``: the blocks of a stage lie behind each other on its devices, so that their places matter.
    """

    replicated: bool
    deals_out_cache: bool
    in_a_row: bool

    def model(self, model: Model, devices: int) -> Model:
        """The sizes of what one device holds, for its capacity: of the fullest device."""

    def outputs(self, features: int, devices: int) -> int:
        """Outputs of a product with a weight of that model that the fullest device holds."""

    def share(self, graph: nx.DiGraph[str], devices: int, place: Place = ALONE) -> Part:
        """The part of ``graph``, a block of the model that `model` gives, that one device runs."""

    def head_devices(self, plan: Plan) -> int:
        """Devices of one copy of the model that do the projection to the vocabulary."""

    def head(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """The part of ``graph``, final norm and projection to the vocabulary, that one of ``devices`` runs."""


parallel_policies: Registry[Policy] = Registry("parallelism policy")


def join(  # noqa: PLR0913 - a collective, and where it goes
    graph: nx.DiGraph[str], maker: str, readers: list[str], kind: str, n_bytes: int, devices: int, *, tellers: int
) -> str:
    """Put a collective between ``maker`` and those ``readers`` of its result.

    The result goes to the fabric's port once; from there the readers get what they asked for. ``tellers``: devices
    that run this graph, among which what the collective moves is shared out. Returns its name.
    """
    op = CollectiveOp(
        name=f"{maker}.{kind}",
        kind=kind,
        layer=graph.nodes[maker]["op"].layer,
        n_bytes=n_bytes,
        endpoints=devices,
        devices=tellers,
    )
    name = op.name
    graph.add_node(name, op=op)
    bring(graph, maker, readers, name)
    return name


def bring(graph: nx.DiGraph[str], maker: str, readers: list[str], collective: str) -> None:
    """Have ``readers`` read what they read of ``maker`` from ``collective``."""
    leaves = 0
    for reader in readers:
        edge = graph.edges[maker, reader]
        graph.remove_edge(maker, reader)
        graph.add_edge(collective, reader, tensor=f"{collective}.{edge['tensor']}", bytes=edge["bytes"])
        leaves = max(leaves, edge["bytes"])
    graph.add_edge(maker, collective, tensor=f"{maker}.out.{graph.nodes[collective]['op'].kind}", bytes=leaves)


def in_order(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """``graph`` with its nodes in an order of execution."""
    ordered: nx.DiGraph[str] = nx.DiGraph()
    ordered.add_nodes_from((name, graph.nodes[name]) for name in nx.topological_sort(graph))
    ordered.add_edges_from(graph.edges(data=True))
    return ordered
