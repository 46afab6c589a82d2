"""The choices of the units' mappers for a workload: tiles, splits, loop orders, by stage and op kind."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from simulator.mapping.parallel import parallel_policies
from simulator.mapping.parallel.plan import make_plan
from simulator.system import parts
from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.units.base import Sharing
from simulator.workload.scenario import Workload

Mappings = dict[str, dict[str, dict[str, int | str]]]
"""Stage -> op kind -> choice -> value."""


def mappings(system: System, workload: Workload) -> Mappings:
    """What the mappers choose for the prompt and for the last decode step, of one device. Raises MappingError."""
    model, batch, sharing = workload.model, workload.batch, Sharing()
    platform = system.platform
    if platform.devices.count > 1:
        plan = make_plan(platform, model.n_layers, batch)
        policy = parallel_policies.get(platform.parallelism.policy)
        model = policy.model(model, plan.tensor) if plan.tensor > 1 else model
        batch = plan.microbatch * plan.active
        sharing = Sharing(plan.groups, plan.active)
    steps = parts.OneBlock(model, batch, workload.precision)
    found = {"prefill": _choices(system, steps.prefill(workload.prompt_tokens), sharing)}
    if workload.output_tokens > 1:
        context = workload.prompt_tokens + workload.output_tokens - 2
        found["decode"] = _choices(system, steps.decode(context), sharing)
    return found


def _choices(system: System, graph: nx.DiGraph[str], sharing: Sharing) -> dict[str, dict[str, int | str]]:
    """By op kind; the ops of a kind in one block are alike."""
    found: dict[str, Mapping[str, int | str]] = {}
    system.around.sharing = sharing
    for _, op in ops_of(graph):
        unit = system.units[system.placement.component_for(op)]
        found[op.kind] = unit.mapping(op)
    system.around.sharing = Sharing()
    return {kind: dict(choice) for kind, choice in sorted(found.items()) if choice}
