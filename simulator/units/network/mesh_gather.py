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


@lru_cache(maxsize=4096)
def gather_ends(mesh: Mesh, gathers: tuple[Gather, ...]) -> tuple[int, ...]:
    """When every node has every byte of each gather, in ps; flows that meet on a wire take turns packet by packet."""
    env = Environment()
    share = -(-max((n_bytes for _, n_bytes in gathers), default=0) // mesh.nodes)
    train = max(1, -(-share // (MOST_PACKETS * mesh.link.payload_bytes)))
    link = replace(
        mesh.link, packet_bytes=train * mesh.link.packet_bytes, payload_bytes=train * mesh.link.payload_bytes
    )
    network = Network(env, topologies.get("mesh")(mesh.nodes, mesh.columns), link)
    ends = [0] * len(gathers)

    def gather(number: int, start_ps: int, n_bytes: int) -> Process:
        yield env.timeout(start_ps)
        yield from _gather(network, mesh, n_bytes)
        ends[number] = env.now_ps

    running = [env.process(gather(number, *gather_)) for number, gather_ in enumerate(gathers)]
    env.run(until=env.all_of(running))
    return tuple(ends)


def _gather(network: Network, mesh: Mesh, n_bytes: int) -> Process:
    parts, env = shares(n_bytes, mesh.nodes), network.env
    rows = [range(row * mesh.columns, (row + 1) * mesh.columns) for row in range(mesh.rows)]

    def one_row(row: range) -> Process:
        """The row's nodes have all of the row; then each passes that on along its column."""
        yield env.all_of([network.send(node, _without(row, node), parts[node]) for node in row])
        whole = sum(parts[node] for node in row)
        columns = [range(node % mesh.columns, mesh.nodes, mesh.columns) for node in row]
        yield env.all_of(
            [network.send(node, _without(ends, node), whole) for node, ends in zip(row, columns, strict=True)]
        )

    yield env.all_of([env.process(one_row(row)) for row in rows])


def _without(nodes: Sequence[int], node: int) -> list[int]:
    return [other for other in nodes if other != node]
