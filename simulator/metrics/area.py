"""Die area of a platform: what its components say of the silicon that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.config.area_schema import AreaPart, keys, reach
from simulator.config.conditions import amount, names_in
from simulator.config.nearest import hint
from simulator.config.platform_schema import ComponentSpec, Platform
from simulator.errors import ConfigError
from simulator.units.base import unit_types


@dataclass(frozen=True)
class DieArea:
    """Square millimetres of silicon.

    ``by_component_mm2``: of those that describe theirs, in all devices together. ``silent``: components that do not.
    """

    by_component_mm2: Mapping[str, float]
    silent: tuple[str, ...]

    @property
    def total_mm2(self) -> float | None:
        """The sum; None where no component says anything."""
        return sum(self.by_component_mm2.values()) if self.by_component_mm2 else None

    def assumptions(self) -> tuple[str, ...]:
        """What the total leaves out."""
        if not self.by_component_mm2 or not self.silent:
            return ()
        return (f"area_mm2: of {', '.join(self.by_component_mm2)}; not described: {', '.join(self.silent)}",)


def die_area(platform: Platform) -> DieArea:
    """The silicon of ``platform``. Raises ConfigError for a count that cannot be computed."""
    found = {
        name: _devices(platform, spec) * sum(_mm2(platform, name, what, part) for what, part in spec.area.items())
        for name, spec in platform.components.items()
        if spec.area
    }
    return DieArea(found, tuple(name for name, spec in platform.components.items() if not spec.area))


def _devices(platform: Platform, spec: ComponentSpec) -> int:
    return 1 if unit_types.get(spec.kind).shared else platform.devices.count


def _mm2(platform: Platform, name: str, what: str, part: AreaPart) -> float:
    if not isinstance(part.count, str):
        return part.count * part.mm2_each
    try:
        return _count(part.count, platform.components[name], platform.components) * part.mm2_each
    except ValueError as error:
        raise ConfigError(str(error), key=f"components.{name}.area.{what}.count") from None


def _count(text: str, own: ComponentSpec, components: Mapping[str, ComponentSpec]) -> float:
    values = {name: _value(name, own, components) for name in names_in(text)}
    count = amount(text, values)
    if count < 0:
        raise ValueError(f"'{text}' is {count:g}, less than nothing")
    return count


def _value(name: str, own: ComponentSpec, components: Mapping[str, ComponentSpec]) -> float:
    try:
        value = reach(name, own, components)
    except KeyError as error:
        gone, first = error.args[0], name.split(".", maxsplit=1)[0]
        missing = f"there is no '{name}'" if gone == first else f"'{name}' has no '{gone}'"
        raise ValueError(f"{missing}{hint(first, [*keys(own), *components])}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"'{name}' is no number")  # noqa: TRY004 - what is wrong is the expression
    return value
