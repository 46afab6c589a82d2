"""``skip_if``: design points that are not worth simulating."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.config.conditions import Condition, Value
from simulator.config.nearest import hint
from simulator.config.overrides import COMPONENTS, WORKLOAD_PREFIX
from simulator.config.platform_schema import Platform
from simulator.errors import ConfigError
from simulator.explore.points import Point
from simulator.metrics.area import die_area
from simulator.workload.scenario import Workload

NEEDED, AVAILABLE = "capacity.needed_bytes", "capacity.available_bytes"
AREA = "area_mm2"


def is_skipped(
    text: str | None, point: Point, platform: Platform, values: Mapping[str, Any], workload: Workload
) -> bool:
    """Whether the condition ``text`` holds of ``point``. Raises ConfigError where it cannot be told."""
    if text is None:
        return False
    condition = Condition(text)
    names: dict[str, Value] = {**_leaves(values), **workload_names(workload), **point.labels}
    if NEEDED in condition.names or AVAILABLE in condition.names:
        names |= _capacity(platform, workload)
    if AREA in condition.names:
        names[AREA] = die_area(platform).total_mm2
    try:
        return condition.holds(names)
    except ValueError as error:
        raise ConfigError(str(error), key="skip_if") from None


def check_names(
    text: str,
    labels: Mapping[str, Any],
    values: Mapping[str, Any],
    workload: Workload,
    complain: Callable[[str], Exception],
) -> None:
    """Raise what ``complain`` makes of a name in ``text`` that no point has."""
    known = {**_leaves(values), **workload_names(workload), **labels, NEEDED: 0, AVAILABLE: 0, AREA: 0}
    for name in Condition(text).names:
        if name not in known:
            raise complain(f"there is no '{name}' in a design point{hint(name, known)}")


def workload_names(workload: Workload) -> dict[str, Value]:
    """What a condition may say about a workload: ``workload.batch``, ``workload.model`` (its name), ..."""
    values = workload.values()
    names: dict[str, Value] = {f"{WORKLOAD_PREFIX}{key}": value for key, value in _leaves(values).items()}
    return names | {f"{WORKLOAD_PREFIX}model": workload.model.name}


def _leaves(data: Mapping[str, Any]) -> dict[str, Value]:
    """Dotted path -> value of all scalars; those of components without ``components``, too."""
    found: dict[str, Value] = dict(_walk(data, ""))
    components = data.get(COMPONENTS)
    if isinstance(components, Mapping):
        found |= dict(_walk(components, ""))
    return found


def _walk(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Value]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _walk(value, f"{prefix}{key}.")
        elif not isinstance(value, list | tuple):
            yield f"{prefix}{key}", value


def _capacity(platform: Platform, workload: Workload) -> dict[str, Value]:
    from simulator.system.builder import build_system
    from simulator.system.capacity import needed_and_available

    needed, available = needed_and_available(build_system(platform), workload)
    return {NEEDED: needed, AVAILABLE: available}
