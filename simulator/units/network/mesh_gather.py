"""All-gathers on a mesh, packet by packet: along the rows, then along the columns; several at once share the wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from simulator.units.base import Environment, Process
from simulator.units.network.collectives import shares
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.topology import topologies

MOST_PACKETS = 64
"""Packets of a vault's share that are followed one by one; those of a larger share travel in equal trains."""


@dataclass(frozen=True)
class Mesh:
    """``columns`` x ``rows`` nodes joined by equal links."""

    columns: int
    rows: int
    link: LinkTiming

    @property
    def nodes(self) -> int:
        """Nodes of the mesh."""
        return self.columns * self.rows


Gather = tuple[int, int]
"""(start in ps, bytes of the whole vector)"""


Sizes = tuple[int, tuple[int, ...], tuple[int, ...]]
"""(start in ps, packets of each node's part, packets of each row's parts together)"""


@lru_cache(maxsize=4096)
def gather_ends(mesh: Mesh, gathers: tuple[Gather, ...]) -> tuple[int, ...]:
    """When every node has every byte of each gather, in ps; flows that meet on a wire take turns packet by packet."""
    share = -(-max((n_bytes for _, n_bytes in gathers), default=0) // mesh.nodes)
    train = max(1, -(-share // (MOST_PACKETS * mesh.link.payload_bytes)))
    payload = train * mesh.link.payload_bytes
    link = replace(mesh.link, packet_bytes=train * mesh.link.packet_bytes, payload_bytes=payload)
    return _ends(Mesh(mesh.columns, mesh.rows, link), tuple(_sizes(mesh, payload, *gather) for gather in gathers))


def _sizes(mesh: Mesh, payload: int, start_ps: int, n_bytes: int) -> Sizes:
    parts = shares(n_bytes, mesh.nodes)
    rows = (sum(parts[row * mesh.columns : (row + 1) * mesh.columns]) for row in range(mesh.rows))
    return start_ps, tuple(-(-part // payload) for part in parts), tuple(-(-whole // payload) for whole in rows)


@lru_cache(maxsize=4096)
def _ends(mesh: Mesh, gathers: tuple[Sizes, ...]) -> tuple[int, ...]:
    """As `gather_ends`. A packet that is not full is sent whole, so that vectors of as many packets take the same."""
    env = Environment()
    network = Network(env, topologies.get("mesh")(mesh.nodes, mesh.columns), mesh.link)
    ends = [0] * len(gathers)

    def gather(number: int, sizes: Sizes) -> Process:
        yield env.timeout(sizes[0])
        yield from _gather(network, mesh, sizes)
        ends[number] = env.now_ps

    running = [env.process(gather(number, sizes)) for number, sizes in enumerate(gathers)]
    env.run(until=env.all_of(running))
    return tuple(ends)


def _gather(network: Network, mesh: Mesh, sizes: Sizes) -> Process:
    env, payload = network.env, mesh.link.payload_bytes
    _, parts, wholes = sizes

    def one_row(number: int) -> Process:
        """The row's nodes have all of the row; then each passes that on along its column."""
        row = range(number * mesh.columns, (number + 1) * mesh.columns)
        yield env.all_of([network.send(node, _without(row, node), parts[node] * payload) for node in row])
        whole = wholes[number] * payload
        columns = [range(node % mesh.columns, mesh.nodes, mesh.columns) for node in row]
        yield env.all_of(
            [network.send(node, _without(ends, node), whole) for node, ends in zip(row, columns, strict=True)]
        )

    yield env.all_of([env.process(one_row(number)) for number in range(mesh.rows)])


def _without(nodes: Sequence[int], node: int) -> list[int]:
    return [other for other in nodes if other != node]
