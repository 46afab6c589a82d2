"""From a platform to wired components in one environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from simulator.config.platform_schema import Platform
from simulator.dram.engines import EngineName
from simulator.errors import MappingError
from simulator.hooks import Hooks
from simulator.mapping.placement import Placement
from simulator.units.base import Component, Environment, OpUnit, Surroundings, unit_types
from simulator.units.link import Link
from simulator.units.network.fabric import Fabric

Route = tuple[tuple[Link, str], ...]
"""Links in order, each with the end that a tensor enters by."""


class Routes:
    """The shortest way over links between any two components."""

    def __init__(self, components: Mapping[str, Component]) -> None:
        self._graph: nx.Graph[str] = nx.Graph()
        for name, component in components.items():
            if isinstance(component, Link):
                self._graph.add_edge(*component.spec.between, link=component)
            elif isinstance(component, Fabric):
                self._graph.add_edge(name, component.spec.attached, link=None)
            else:
                self._graph.add_node(name)
        self._found: dict[tuple[str, str], Route] = {}

    def between(self, start: str, end: str) -> Route:
        """Links from ``start`` to ``end``; none where they are one. Raises MappingError when no links join them."""
        found = self._found.get((start, end))
        if found is None:
            found = self._found[start, end] = self._search(start, end)
        return found

    def _search(self, start: str, end: str) -> Route:
        try:
            stops = nx.shortest_path(self._graph, start, end)
        except nx.NetworkXNoPath:
            remedy = f"a component such as {{use: links/on_die, between: [{start}, {end}]}} does"
            message = f"no link joins '{start}' and '{end}', between which results have to move; {remedy}"
            raise MappingError(message) from None
        links = ((self._graph.edges[a, b]["link"], a) for a, b in pairwise(stops))
        return tuple((link, end) for link, end in links if link is not None)


@dataclass(frozen=True)
class System:
    """A platform that runs: its components, those that run ops (``units``), who runs what, how tensors get about."""

    platform: Platform
    env: Environment
    around: Surroundings
    components: Mapping[str, Component]
    placement: Placement
    routes: Routes
    units: Mapping[str, OpUnit]

    def static_power_w(self, devices: int | None = None) -> dict[str, dict[str, float]]:
        """Component -> energy class -> W, of ``devices`` together; None: of all."""
        count = self.platform.devices.count if devices is None else devices
        return {
            name: {
                part: watts * (1 if component.shared else count) for part, watts in component.static_power_w().items()
            }
            for name, component in self.components.items()
        }


def build_system(
    platform: Platform, *, exact: bool = False, engine: EngineName = "compiled", hooks: Hooks | None = None
) -> System:
    """Make and wire the components of ``platform``.

    Raises ConfigError for components that name each other wrongly, MappingError for parts that do not go together.
    """
    env = Environment()
    around = Surroundings(env, hooks or Hooks(), exact=exact, engine=engine)
    components = {name: unit_types.get(spec.kind)(name, spec, around) for name, spec in platform.components.items()}
    for component in components.values():
        component.connect(components)
    units = {name: component for name, component in components.items() if isinstance(component, OpUnit)}
    placement = Placement(platform.placement.policy, platform.placement.options, units)
    return System(platform, env, around, components, placement, Routes(components), units)
