"""Optimisations of a workload that change what a platform runs it with: its software stacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.config.nearest import hint
from simulator.config.platform_schema import ComponentSpec, Platform
from simulator.errors import MappingError
from simulator.units.processors.stack import StackSpec
from simulator.workload.optimizations.operators import Operators
from simulator.workload.scenario import Workload

NO_STACK = "no part of this platform has a software stack"


def with_methods(platform: Platform, workload: Workload) -> tuple[Platform, tuple[str, ...]]:
    """``platform`` as ``workload`` asks for it, and what the result has to say about that.

    Raises MappingError for methods that are not modelled on it.
    """
    check_methods(platform, workload)
    blocks = [method for method in workload.methods if isinstance(method, Operators) and method.stack_changes()]
    if not blocks:
        return platform, ()
    components: dict[str, ComponentSpec] = dict(platform.components)
    stacks = [name for name, spec in components.items() if isinstance(spec, StackSpec)]
    changes = {key: value for block in blocks for key, value in block.stack_changes().items()}
    idle = sorted(key for key, value in changes.items() if _is_idle(components, stacks, key, value))
    for name in stacks:
        components[name] = components[name].model_copy(update=changes)
    why = "the software stack is so already, or has no use for it" if stacks else NO_STACK
    notes = (f"optimizations.operators: {why}: {', '.join(idle)} change nothing",) if idle else ()
    return platform.model_copy(update={"components": components}), notes


def _is_idle(components: Mapping[str, ComponentSpec], stacks: Sequence[str], key: str, value: object) -> bool:
    """Whether ``key`` at ``value`` changes nothing; only kernels of GPUs split the context."""
    if key == "split_context" and all(spec.kind != "gpu" for spec in components.values()):
        return True
    return all(getattr(components[name], key) == value for name in stacks)


def check_methods(platform: Platform, workload: Workload) -> None:
    """Raise MappingError for methods that ``platform`` cannot have, whatever their ops are."""
    for method in workload.methods:
        on = getattr(method, "on", None) or ()
        for named in (on,) if isinstance(on, str) else on:
            if named in platform.components:
                continue
            known = ", ".join(platform.components)
            raise MappingError(
                f"optimizations.{method.key}.on: there is no component '{named}' (known: {known})"
                f"{hint(named, platform.components)}"
            )
        if platform.compat is not None and platform.compat.on:
            raise MappingError(f"optimizations.{method.key}: the artifact that compat reproduces has none of them")
