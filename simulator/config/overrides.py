"""Overrides: ``--set key.path=value`` on a document."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.config.allowed import Allowed
from simulator.config.base_schema import Spec
from simulator.config.nearest import hint
from simulator.config.platform_schema import Platform
from simulator.config.traffic_schema import TrafficScenario
from simulator.config.tree import Node, Origin, Path, dotted, replace
from simulator.config.workload_schema import Scenario
from simulator.config.yaml_reader import parse_scalar_or_flow
from simulator.errors import ConfigError

COMPONENTS = "components"
OPTIMIZATIONS = "optimizations"
"""Blocks of methods, which plug-ins may add to; whether there is one of a name shows when the workload is built."""
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

    So is an earlier one that is a block which the schema knows by this name (`override_path`). Raises ConfigError.
    """
    return replace(root, override_path(root, override), override.value)


def override_path(root: Node, override: Override) -> tuple[str | int, ...]:
    """The override's path from the root, list positions as numbers.

    Raises ConfigError with the nearest name when a step before the last is neither there nor a block of the schema's,
    as ``placement.options`` is. What lies below ``optimizations`` is left to the schema.
    """
    steps = override.path
    components = root.child(COMPONENTS)
    if components is not None and root.child(steps[0]) is None and components.child(steps[0]) is not None:
        steps = (COMPONENTS, *steps)
    node, path = root, list[str | int]()
    for step in steps[:-1]:
        path.append(_step(node, step, path, override))
        child = node.child(path[-1])
        if child is None and not _is_block(root, path):
            more = list(components.children) if components and not path[:-1] else []
            raise _unknown(node, step, path[:-1], override, more)
        node = child if child is not None and child.value is not None else Node({}, override.value.origin)
    return (*path, _step(node, steps[-1], path, override))


def _is_block(root: Node, path: Path) -> bool:
    """Whether the schema of the document ``root`` has a block of keys called ``path``."""
    if path[0] == OPTIMIZATIONS:
        return True
    allowed = Allowed(_schema(root), root.plain())
    return path[-1] in allowed.keys(path[:-1]) and any(found.get("type") == "object" for found in allowed.step(path))


def _schema(root: Node) -> type[Spec]:
    kind = root.child("kind")
    if kind is not None and kind.value == "platform":
        return Platform
    return Scenario if root.child("traffic") is None else TrafficScenario


def _step(node: Node, step: str, path: Path, override: Override) -> str | int:
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


def _unknown(node: Node, step: str, path: Path, override: Override, more: list[str]) -> ConfigError:
    names = [*node.children, *more]
    where = f"'{dotted(path)}'" if path else "the document"
    message = f"there is no '{step}' in {where} (there are: {', '.join(names) or 'no keys'}){hint(step, names)}"
    return override.value.origin.error(message, dotted(override.path))
