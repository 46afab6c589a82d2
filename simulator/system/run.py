"""A workload on a system: the prompt, then every decode step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import networkx as nx

from simulator.errors import MappingError
from simulator.mapping.placement import SUB_BATCHES
from simulator.system.conservation import Conservation
from simulator.system.executor import Execution, PlacedOp, Places, place
from simulator.workload.graph import SINK, SOURCE
from simulator.workload.optimizations import Pass
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import StepGraphs
from simulator.workload.sub_batches import SubBatchGraphs

if TYPE_CHECKING:
    from simulator.config.platform_schema import Platform
    from simulator.system.builder import System

MOST_SUB_BATCHES = 8

Enter = Callable[[str, float, float], None]
"""Called before each pass with its stage (``prefill`` or ``decode``), how many real ones it stands for, and the tokens
that each sequence has at its end, of all those."""

Progress = Callable[[int, int], None]
"""Called after each step with tokens done and tokens in all, of one sequence."""


def sub_batches(platform: Platform) -> int:
    """The placement's `SUB_BATCHES`, 1 where it says nothing. Raises MappingError."""
    found = platform.placement.options.get(SUB_BATCHES, 1)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST_SUB_BATCHES:
        raise MappingError(f"placement.options.{SUB_BATCHES}: '{found}' is not a whole number 1..{MOST_SUB_BATCHES}")
    if found > 1 and platform.devices.count > 1:
        raise MappingError(f"placement.options.{SUB_BATCHES}: {found}, which several devices do not do (allowed: 1)")
    return found


class Runner:
    """Runs the steps of workloads on one system, one after the other in simulated time."""

    def __init__(self, system: System, conservation: Conservation) -> None:
        self._system = system
        self._conservation = conservation

    def step(self, graph: nx.DiGraph[str], *, after: Pass | None = None, on: Sequence[str] = ()) -> None:
        """One graph, from now to its end, with all checks.

        ``after``: what chose the tokens that it begins with, which first go from where they were sampled to the
        embedding. ``on``: the components that run all ops, in place of those that the placement chooses.
        """
        system = self._system
        start_ps = system.env.now_ps
        ops = place(system, graph, on)
        if after is not None:
            self._bring_tokens(ops, Places(system.placement, after.graph, after.on).unit(SINK))
        Execution(system, ops).run()
        for component in system.components.values():
            component.settle()
        self._conservation.check(system, ops, system.env.now_ps - start_ps)

    def _bring_tokens(self, ops: dict[str, PlacedOp], chosen_by: str) -> None:
        source = ops[SOURCE]
        n_bytes = sum(placed.op.input_bytes for placed in ops.values() if placed.op.kind == source.op.kind)
        for link, end in self._system.routes.between(chosen_by, source.unit):
            self._system.env.run(until=link.send(n_bytes, end, source.op.kind))

    def workload(self, workload: Workload, enter: Enter, progress: Progress | None = None) -> None:
        """The whole workload. What held each op kind is told for decode, if there is any."""
        system, total = self._system, workload.output_tokens
        graphs = StepGraphs(workload)
        self.passes(graphs.prompt_passes(), "prefill", enter)
        self._done(0, total, progress)
        passes = self._decode_passes(workload, graphs)
        for position, step in enumerate(workload.decode_steps()):
            if not position:
                system.around.limits.clear()
            self.passes(passes(step.context), "decode", enter, step.weight, step.tokens)
            self._done(step.index, total, progress)

    def _decode_passes(self, workload: Workload, graphs: StepGraphs) -> Callable[[int], Sequence[Pass]]:
        """What gives the passes of a decode step by its context. Raises MappingError for sub-batches with methods."""
        parts = sub_batches(self._system.platform)
        if parts == 1:
            return graphs.passes
        if workload.methods:
            key = workload.methods[0].key
            raise MappingError(f"optimizations.{key}: with placement.options.{SUB_BATCHES} {parts} (allowed: 1)")
        split = SubBatchGraphs(workload.model, batch=workload.batch, precision=workload.precision, parts=parts)
        return lambda context: (Pass(split.at(context)),)

    def passes(self, passes: Sequence[Pass], stage: str, enter: Enter, weight: float = 1, tokens: float = 1) -> None:
        """The passes of a step, which stands for ``weight`` steps, one after the other.

        ``tokens`` of each sequence are there at the end of the last. In decode each pass begins with the tokens of the
        one before it, the first with those of the last.
        """
        for position, each in enumerate(passes):
            last = position == len(passes) - 1
            enter(stage, weight * each.share, weight * tokens if last else 0)
            self.step(each.graph, after=passes[position - 1] if stage == "decode" else None, on=each.on)
            if not last:
                self._system.around.hooks.part_done(self._system.env.now_ps)

    def _done(self, index: int, total: int, progress: Progress | None) -> None:
        self._system.around.hooks.token_done(self._system.env.now_ps, index)
        if progress is not None:
            progress(index + 1, total)
