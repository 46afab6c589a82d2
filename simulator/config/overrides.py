"""Overrides: ``--set key.path=value`` on a document."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.config.nearest import hint
from simulator.config.platform_schema import Platform
from simulator.config.traffic_schema import TrafficScenario
from simulator.config.tree import Node, Origin, dotted, replace
from simulator.config.workload_schema import Scenario
from simulator.config.yaml_reader import parse_scalar_or_flow
from simulator.errors import ConfigError

COMPONENTS = "components"
OPTIMIZATIONS = "optimizations"
REFERENCE_KEYS = ("extends", "use")


@dataclass(frozen=True)
class Override:
    """One override. ``path`` starts at the root of the document, or below ``components``."""

    path: tuple[str, ...]
    value: Node

    @property
    def swaps_document(self) -> bool:
        """Whether it names another document to be merged in, which must happen before documents are resolved."""
        return self.path[-1] in REFERENCE_KEYS


WORKLOAD_PREFIX = "workload."


def for_workload(path: str) -> bool:
    """Whether the dotted ``path`` is a workload's: below ``workload``, or with a first key that only workloads have."""
    only_workload = {*Scenario.model_fields, *TrafficScenario.model_fields} - set(Platform.model_fields)
    return path.startswith(WORKLOAD_PREFIX) or path.split(".", 1)[0] in only_workload


def parse_override(text: str) -> Override:
    """``key.path=value``, the value in YAML. Raises ConfigError."""
    key, equals, value = text.partition("=")
    origin = Origin(f"--set {text}")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise origin.error("an override is written key.path=value")
    return Override(path, parse_scalar_or_flow(value, origin))


def apply_override(root: Node, override: Override) -> Node:
    """``root`` with the override. A last step that is not there is added: the schema decides whether it may be.

    Raises ConfigError with the nearest name when an earlier step is not there, but for those below ``optimizations``,
    where blocks are added as a whole.
    """
    if override.path[0] == OPTIMIZATIONS:
        root = _with_mappings(root, override.path[:-1], override.value.origin)
    return replace(root, override_path(root, override), override.value)


def _with_mappings(node: Node, path: tuple[str, ...], origin: Origin) -> Node:
    """``node`` with an empty mapping at each step of ``path`` that is not there."""
    if not path or not node.is_mapping:
        return node
    child = node.child(path[0])
    filled = _with_mappings(Node({}, origin) if child is None or child.value is None else child, path[1:], origin)
    return Node({**node.children, path[0]: filled}, node.origin)


def override_path(root: Node, override: Override) -> tuple[str | int, ...]:
    """The override's path from the root, list positions as numbers. Raises as `apply_override` does."""
    steps = override.path
    components = root.child(COMPONENTS)
    if components is not None and root.child(steps[0]) is None and components.child(steps[0]) is not None:
        steps = (COMPONENTS, *steps)
    node, path = root, list[str | int]()
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        path.append(_step(node, step, path, override))
        child = node.child(path[-1])
        if child is None and not last:
            raise _unknown(
                node, step, path[:-1], override, [] if path[:-1] else list(components.children) if components else []
            )
        node = child if child is not None else node
    return tuple(path)


def _step(node: Node, step: str, path: list[str | int], override: Override) -> str | int:
    if isinstance(node.value, list):
        size = len(node.value)
        if not (step.isdecimal() and int(step) < size):
            allowed = f"allowed: 0..{size - 1}" if size else "it is empty"
            raise override.value.origin.error(
                f"'{step}' is not a position in '{dotted(path)}' ({allowed})", dotted(override.path)
            )
        return int(step)
    if not node.is_mapping:
        raise override.value.origin.error(f"'{dotted(path)}' is a value and has no key '{step}'", dotted(override.path))
    return step


def _unknown(node: Node, step: str, path: list[str | int], override: Override, more: list[str]) -> ConfigError:
    names = [*node.children, *more]
    where = f"'{dotted(path)}'" if path else "the document"
    message = f"there is no '{step}' in {where} (there are: {', '.join(names) or 'no keys'}){hint(step, names)}"
    return override.value.origin.error(message, dotted(override.path))
