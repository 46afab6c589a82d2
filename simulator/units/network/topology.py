"""Topologies: which wires a message takes from one endpoint to another.

Endpoints are numbered from 0; other nodes are negative. A wire is named by the nodes that it joins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from simulator.config.registry import Registry
from simulator.errors import ConfigError

WireName = tuple[int, int]
Route = tuple[WireName, ...]

SWITCH = -1
"""The node in the middle of a star."""

BUS: WireName = (-2, -2)
"""The one wire that everybody shares."""


@dataclass(frozen=True)
class Topology:
    """``route(start, end)`` lists wires in order.

    ``switched``: there is a node (`SWITCH`) that can reduce and copy. ``routed``: endpoints pass on what is not theirs.
    """

    endpoints: int
    route: Callable[[int, int], Route]
    switched: bool = False
    routed: bool = False

    def nodes(self, wire: WireName) -> int:
        """Nodes at the far end of a wire that take time to pass packets on: 1 for a switch or a router, else 0."""
        return int(self.routed or wire[1] == SWITCH)


Builder = Callable[[int, int | None], Topology]
"""(endpoints, columns of a mesh) -> topology"""

topologies: Registry[Builder] = Registry("topology")


@topologies.register("switch")
def switch(endpoints: int, columns: int | None) -> Topology:
    """A star: every endpoint has a link to one switch. Also a crossbar, whose output ports arbitrate."""
    del columns

    def route(start: int, end: int) -> Route:
        if SWITCH in (start, end):
            return ((start, end),)
        return ((start, SWITCH), (SWITCH, end))

    return Topology(endpoints, route, switched=True)


topologies.register("crossbar")(switch)


@topologies.register("point_to_point")
def point_to_point(endpoints: int, columns: int | None) -> Topology:
    """A link between every two endpoints."""
    del columns
    return Topology(endpoints, lambda start, end: ((start, end),))


@topologies.register("ring")
def ring(endpoints: int, columns: int | None) -> Topology:
    """A link from each endpoint to the next, both ways; messages take the shorter way round, ties upwards."""
    del columns

    def route(start: int, end: int) -> Route:
        ahead = (end - start) % endpoints
        step, hops = (1, ahead) if 2 * ahead <= endpoints else (-1, endpoints - ahead)
        nodes = [(start + step * hop) % endpoints for hop in range(hops + 1)]
        return tuple(pairwise(nodes))

    return Topology(endpoints, route, routed=True)


@topologies.register("mesh")
def mesh(endpoints: int, columns: int | None) -> Topology:
    """A grid of ``columns`` columns; messages go along the row first, then along the column."""
    if not columns or endpoints % columns:
        raise ConfigError(f"a mesh of {endpoints} endpoints cannot have {columns} columns (allowed: a divisor)")

    def route(start: int, end: int) -> Route:
        (row, column), (end_row, end_column) = divmod(start, columns), divmod(end, columns)
        across = [row * columns + c for c in _steps(column, end_column)]
        down = [r * columns + end_column for r in _steps(row, end_row)]
        nodes = [*across, *down[1:]]
        return tuple(pairwise(nodes))

    return Topology(endpoints, route, routed=True)


def _steps(start: int, end: int) -> range:
    step = 1 if end >= start else -1
    return range(start, end + step, step)


@topologies.register("bus")
def bus(endpoints: int, columns: int | None) -> Topology:
    """One wire that all share."""
    del columns
    return Topology(endpoints, lambda _start, _end: (BUS,))


@topologies.register("dragonfly")
def dragonfly(endpoints: int, columns: int | None) -> Topology:
    """Groups of ``columns`` endpoints, each joined to all of its group; between two groups one link.

    It starts at the member whose place is the other group's number, so that the groups' links are spread over members.
    """
    if not columns:
        raise ConfigError("a dragonfly needs the size of its groups as columns (allowed: 1 or more)")
    size = columns

    def gate(group: int, to: int) -> int:
        return group * size + to % min(size, endpoints - group * size)

    def route(start: int, end: int) -> Route:
        groups = start // size, end // size
        if groups[0] == groups[1]:
            return ((start, end),)
        gates = (gate(groups[0], groups[1]), gate(groups[1], groups[0]))
        nodes = [start, *[node for node in gates if node not in (start, end)], end]
        return tuple(pairwise(nodes))

    return Topology(endpoints, route, routed=True)
