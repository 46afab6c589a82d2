"""Thermal stack: which die takes whose heat, how it leaves, and what temperature does to the parts of a stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.errors import ConfigError
from simulator.units.base import Component, PartSpec, Positive, PositiveInt, Surroundings, unit_type
from simulator.units.memory import Memory

Share = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(gt=0, lt=1)]
Celsius = Annotated[float, Field(ge=-273.15)]

SINK = "sink"
"""The node of the network between the dies and the ambient."""


class SinkSpec(Spec):
    """The heat sink: ``resistance_k_per_w`` from it to the ambient, and its heat capacity."""

    resistance_k_per_w: Positive
    heat_capacity_j_per_k: Positive
    source: str


class DieSpec(Spec):
    """``count`` equal dies, from the heat sink down.

    ``resistance_k_per_w``: from the middle of each to its neighbour towards the sink, over its whole area.
    """

    count: PositiveInt = 1
    resistance_k_per_w: Positive
    heat_capacity_j_per_k: Positive
    source: str


class HeatSpec(Spec):
    """The power of ``component`` in the energy ``classes`` (all, if empty) is heat of the dies called ``dies``.

    It is shared out equally to them. ``leakage_share``: how much of its static power is leakage, which grows with
    temperature.
    """

    component: str
    classes: tuple[str, ...] = ()
    dies: str
    leakage_share: Share = 0.0


class LeakageSpec(Spec):
    """Leakage is what the parts' static power says at ``reference_c`` and doubles every ``doubling_c``."""

    reference_c: Celsius
    doubling_c: Positive
    source: str


class RefreshSpec(Spec):
    """Above ``above_c`` in any die called ``dies`` the refresh interval of ``memory`` is halved."""

    memory: str
    dies: str
    above_c: Celsius
    source: str


class ThrottleSpec(Spec):
    """While any die would be above ``above_c``, the ``components`` slow down (policy ``steps``), or not (``none``).

    ``steps``: speeds to try, one after the other, as shares of full speed. A memory rests for the rest of the time,
    other parts have their clock scaled.
    """

    policy: Literal["steps", "none"]
    above_c: Celsius
    steps: tuple[Speed, ...] = ()
    components: tuple[str, ...] = ()
    source: str


class ThermalSpec(PartSpec):
    """A stack of ``dies`` below a heat sink, and optionally a path from its last die to the ambient through the board.

    ``outside``: components that do not heat the stack. Every other component has its entries in ``heat``.
    """

    kind: Literal["thermal"]
    ambient_c: Celsius
    sink: SinkSpec
    dies: Annotated[dict[str, DieSpec], Field(min_length=1)]
    board_resistance_k_per_w: Positive | None = None
    heat: tuple[HeatSpec, ...]
    outside: tuple[str, ...]
    leakage: LeakageSpec
    refresh: RefreshSpec | None = None
    throttle: ThrottleSpec


@unit_type("thermal", ThermalSpec)
class Thermal(Component):
    """The thermal description of one stack; temperatures are found after a run, from its energy."""

    spec: ThermalSpec

    def __init__(self, name: str, spec: ThermalSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.nodes_of = {
            group: tuple(f"{group}_{i}" for i in range(die.count)) if die.count > 1 else (group,)
            for group, die in spec.dies.items()
        }
        """Die group -> its nodes, the one next to the heat sink first."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes: the heat sink, then the dies from it down."""
        return (SINK, *(node for nodes in self.nodes_of.values() for node in nodes))

    def connect(self, components: Mapping[str, Component]) -> None:
        """Check every name. Raises ConfigError for one that is missing, and for heat with no place or with two."""
        for key, group in self._named_dies():
            if group not in self.nodes_of:
                raise self._error(key, f"there are no dies '{group}' (known: {', '.join(self.nodes_of)})")
        for key, name in self._named_components():
            if name not in components:
                raise self._error(key, f"there is no component '{name}' (known: {', '.join(components)})")
        self._check_heat(components)
        self._check_slowed(components)

    def _named_dies(self) -> Iterator[tuple[str, str]]:
        yield from ((f"heat.{i}.dies", entry.dies) for i, entry in enumerate(self.spec.heat))
        if self.spec.refresh:
            yield "refresh.dies", self.spec.refresh.dies

    def _named_components(self) -> Iterator[tuple[str, str]]:
        yield from ((f"heat.{i}.component", entry.component) for i, entry in enumerate(self.spec.heat))
        yield from ((f"outside.{i}", name) for i, name in enumerate(self.spec.outside))
        yield from ((f"throttle.components.{i}", name) for i, name in enumerate(self.spec.throttle.components))
        if self.spec.refresh:
            yield "refresh.memory", self.spec.refresh.memory

    def _check_heat(self, components: Mapping[str, Component]) -> None:
        heated: dict[str, list[tuple[str, ...]]] = {}
        for i, entry in enumerate(self.spec.heat):
            earlier = heated.setdefault(entry.component, [])
            twice = entry.component in self.spec.outside or any(
                not entry.classes or not classes or set(classes) & set(entry.classes) for classes in earlier
            )
            if twice:
                raise self._error(f"heat.{i}", f"the heat of '{entry.component}' already has a place")
            earlier.append(entry.classes)
        for name in components:
            if name not in heated and name not in self.spec.outside and name != self.name:
                raise self._error("heat", f"nothing says where the heat of '{name}' goes (or that it is outside)")

    def _check_slowed(self, components: Mapping[str, Component]) -> None:
        refresh, throttle = self.spec.refresh, self.spec.throttle
        if refresh and not isinstance(components[refresh.memory], Memory):
            raise self._error("refresh.memory", f"'{refresh.memory}' is no memory")
        for i, name in enumerate(throttle.components):
            if not any(hasattr(components[name].spec, key) for key in ("pace", "clock_mhz")):
                raise self._error(f"throttle.components.{i}", f"'{name}' has no pace and no clock to slow down")
        if list(throttle.steps) != sorted(throttle.steps, reverse=True):
            raise self._error("throttle.steps", "the speeds have to fall")
        if throttle.policy == "steps" and not (throttle.steps and throttle.components):
            raise self._error("throttle", "the policy 'steps' needs steps and components")

    def _error(self, key: str, message: str) -> ConfigError:
        return ConfigError(message, key=f"components.{self.name}.{key}")

    def assumptions(self) -> tuple[str, ...]:
        """What the network leaves out."""
        return (
            f"{self.name}: one temperature a die, its heat even over its area",
            f"{self.name}: temperatures are the steady state of the whole run's average power, the prompt included",
            f"{self.name}: refresh and speed of a run are those of its steady state from the start",
        )
