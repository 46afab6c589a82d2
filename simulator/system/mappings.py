"""The choices of the units' mappers for a workload: tiles, splits, loop orders, by stage and op kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import networkx as nx

from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.system.parallel import spread_workload
from simulator.units.base import Sharing
from simulator.workload.optimizations import Decoding
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import StepGraphs

Mappings = dict[str, dict[str, dict[str, int | str]]]
"""Stage -> op kind -> choice -> value."""


def mappings(system: System, workload: Workload) -> Mappings:
    """What the mappers choose for the prompt and for the last decode step, of one device. Raises MappingError."""
    workload, held, batch, sharing = _of_any_block(workload), None, workload.batch, Sharing()
    platform = system.platform
    if platform.devices.count > 1:
        spread = spread_workload(platform, workload)
        plan, held = spread.plan, spread.held
        batch = plan.microbatch * plan.active
        sharing = Sharing(plan.groups, plan.active)
    steps = StepGraphs(workload, batch=batch, held=held, alike=True)
    found = {"prefill": _choices(system, steps.prefill(), sharing)}
    if workload.output_tokens > 1:
        context = workload.prompt_tokens + workload.output_tokens - 2
        found["decode"] = _choices(system, steps.decode_graph(context), sharing)
    return found


def _of_any_block(workload: Workload) -> Workload:
    """``workload`` with those of its optimisations that change every block alike."""
    kept = {
        method.key: workload.optimizations[method.key]
        for method in workload.methods
        if not (isinstance(method, Decoding) or method.by_layer)
    }
    return replace(workload, optimizations=kept)


def _choices(system: System, graph: nx.DiGraph[str], sharing: Sharing) -> dict[str, dict[str, int | str]]:
    """By op kind; the ops of a kind in one block are alike."""
    found: dict[str, Mapping[str, int | str]] = {}
    system.around.sharing = sharing
    for _, op in ops_of(graph):
        placement = system.placement
        unit = system.units[placement.named(op, op.on) if op.on else placement.component_for(op)]
        found[op.kind] = unit.mapping(unit.tried(op))
    system.around.sharing = Sharing()
    return {kind: dict(choice) for kind, choice in sorted(found.items()) if choice}
