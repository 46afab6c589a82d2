"""A workload on a system: the prompt, then every decode step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import networkx as nx

from simulator.errors import MappingError
from simulator.system.conservation import Conservation
from simulator.system.executor import Execution, PlacedOp, place
from simulator.workload.graph import SINK, SOURCE, prefill_graph
from simulator.workload.scenario import Workload
from simulator.workload.sub_batches import SubBatchGraphs

if TYPE_CHECKING:
    from simulator.config.platform_schema import Platform
    from simulator.system.builder import System

MOST_SUB_BATCHES = 8

Enter = Callable[[str, float], None]
"""Called before each step with its stage (``prefill`` or ``decode``) and how many real steps it stands for."""

Progress = Callable[[int, int], None]
"""Called after each step with tokens done and tokens in all, of one sequence."""


SUB_BATCHES = "sub_batches"
"""Placement option: parts of the batch that a decode step runs side by side."""


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

    def step(self, graph: nx.DiGraph[str], *, after_tokens: bool = False) -> None:
        """One graph, from now to its end, with all checks.

        ``after_tokens``: the tokens that the step before chose go from where they were sampled to the embedding first.
        """
        system = self._system
        start_ps = system.env.now_ps
        ops = place(system, graph)
        if after_tokens:
            self._return_tokens(ops)
        Execution(system, ops).run()
        for component in system.components.values():
            component.settle()
        self._conservation.check(system, ops, system.env.now_ps - start_ps)

    def _return_tokens(self, ops: dict[str, PlacedOp]) -> None:
        source, sink = ops[SOURCE], ops[SINK]
        n_bytes = sum(placed.op.input_bytes for placed in ops.values() if placed.op.kind == source.op.kind)
        for link, end in self._system.routes.between(sink.unit, source.unit):
            self._system.env.run(until=link.send(n_bytes, end, source.op.kind))

    def workload(self, workload: Workload, enter: Enter, progress: Progress | None = None) -> None:
        """The whole workload. What held each op kind is told for decode, if there is any."""
        system, total = self._system, workload.output_tokens
        enter("prefill", 1)
        self.step(
            prefill_graph(
                workload.model,
                batch=workload.batch,
                prompt_tokens=workload.prompt_tokens,
                precision=workload.precision,
            )
        )
        self._done(0, total, progress)
        parts = sub_batches(system.platform)
        graphs = SubBatchGraphs(workload.model, batch=workload.batch, precision=workload.precision, parts=parts)
        for position, step in enumerate(workload.decode_steps()):
            if not position:
                system.around.limits.clear()
            enter("decode", step.weight)
            self.step(graphs.at(step.context), after_tokens=True)
            self._done(step.index, total, progress)

    def _done(self, index: int, total: int, progress: Progress | None) -> None:
        self._system.around.hooks.token_done(self._system.env.now_ps, index)
        if progress is not None:
            progress(index + 1, total)
