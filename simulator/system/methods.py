"""Optimisations of a workload that change what a platform runs it with: its software stacks."""

from __future__ import annotations

from simulator.config.platform_schema import ComponentSpec, Platform
from simulator.errors import MappingError
from simulator.units.processors.stack import StackSpec
from simulator.workload.optimizations.operators import Operators
from simulator.workload.scenario import Workload


def with_methods(platform: Platform, workload: Workload) -> tuple[Platform, tuple[str, ...]]:
    """``platform`` as ``workload`` asks for it, and what the result has to say about that.

    Raises MappingError for methods that are not modelled on it.
    """
    _check(platform, workload)
    blocks = [method for method in workload.methods if isinstance(method, Operators) and method.stack_changes()]
    if not blocks:
        return platform, ()
    components: dict[str, ComponentSpec] = dict(platform.components)
    stacks = [name for name, spec in components.items() if isinstance(spec, StackSpec)]
    for block in blocks:
        for name in stacks:
            components[name] = components[name].model_copy(update=dict(block.stack_changes()))
    if stacks:
        return platform.model_copy(update={"components": components}), ()
    keys = ", ".join(sorted({key for block in blocks for key in block.stack_changes()}))
    return platform, (f"optimizations.operators: no part of this platform has a software stack, {keys} change nothing",)


def _check(platform: Platform, workload: Workload) -> None:
    for method in workload.methods:
        if platform.compat is not None and platform.compat.on:
            raise MappingError(f"optimizations.{method.key}: the artifact that compat reproduces has none of them")
