"""A workload on many equal devices: equal devices, stages and blocks are simulated once and counted as often as real.

A step is simulated in parts, each with the number of times it happens one after the other (``time``) and in all
(``count``). What the figures mean is in docs/results.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.system.builder import System
from simulator.system.parallel import assumed
from simulator.system.parallel.parts import EnterPart
from simulator.system.parallel.passage import Passage
from simulator.system.parallel.spread import spread_workload
from simulator.system.run import Progress, Runner
from simulator.units.memory import Memory
from simulator.workload.optimizations import Pass
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import StepGraphs


@dataclass(frozen=True)
class _Graphs:
    """The graphs of a step: of what a device holds, for all that it has in step; and of whole models.

    ``pieces``: the first of them for each of the devices that share prompts.
    """

    pieces: tuple[StepGraphs, ...]
    whole: StepGraphs

    @property
    def blocks(self) -> StepGraphs:
        """Those of the first device."""
        return self.pieces[0]


class ParallelRunner:
    """Runs a workload by a plan."""

    def __init__(self, system: System, runner: Runner, workload: Workload, enter: EnterPart) -> None:
        platform = system.platform
        self.spread = spread_workload(platform, workload)
        self.plan = self.spread.plan
        assumed.check(workload, self.spread)
        self._system = system
        self._workload = workload
        self._enter = enter
        self._memories = [c for c in system.components.values() if isinstance(c, Memory)]
        self._align = platform.parallelism.start == "refresh"
        in_step, sequence = self.plan.microbatch * self.plan.active, self.plan.sequence
        self._graphs = _Graphs(
            tuple(
                StepGraphs(workload, batch=in_step, held=self.spread.held, alike=True, piece=(device, sequence))
                for device in range(sequence)
            ),
            StepGraphs(workload, batch=self.plan.microbatch, alike=True),
        )
        each = system.around.exact and not self.equal_blocks
        self._passage = Passage(system, runner, workload, self.spread, enter, align=self._align, each=each)

    @property
    def equal_blocks(self) -> bool:
        """Whether blocks that do the same take exactly the same time: they start with a refresh, or there is none."""
        return self._align or not any(memory.engine.interval for memory in self._memories)

    def assumptions(self) -> tuple[str, ...]:
        """What this way to run takes for granted."""
        approximated = not (self.equal_blocks or self._system.around.exact)
        return assumed.sentences(self._workload, self.spread, one_for_all=approximated)

    def run(self, progress: Progress | None = None) -> None:
        """The prompt, then every decode step."""
        workload, graphs = self._workload, self._graphs
        prompts = tuple(zip(*(piece.prompt_passes() for piece in graphs.pieces), strict=True))
        self._passes("prefill", 1, prompts, graphs.whole.prompt_passes())
        self._done("prefill", 1, 0, progress)
        for position, step in enumerate(workload.decode_steps()):
            if not position:
                self._system.around.limits.clear()
            blocks, whole = graphs.blocks.passes(step.context), graphs.whole.passes(step.context)
            self._passes("decode", step.weight, [(each,) for each in blocks], whole)
            self._done("decode", step.weight * step.tokens, step.index, progress)

    def one_step(self, blocks: Sequence[Pass], whole: Sequence[Pass], sampled: int | None = None) -> None:
        """One step by itself.

        ``blocks``: its passes for all sequences that a device has in step, of what it holds, with the blocks that
        `StepGraphs.blocks` names; ``whole``: those of the whole model for one microbatch, of any blocks. ``sampled``:
        microbatches that choose a token; None: all.
        """
        self._passes("decode", 1, [(each,) for each in blocks], whole, sampled)
        self._done("decode", 1, 0, None)

    def _passes(
        self,
        stage: str,
        weight: float,
        blocks: Sequence[Sequence[Pass]],
        whole: Sequence[Pass],
        sampled: int | None = None,
    ) -> None:
        """The passes of a step, one after the other, each as one graph or as those of the pieces of the prompts."""
        for position, (held, ends) in enumerate(zip(blocks, whole, strict=True)):
            first = held[0]
            tokens = self._passage.tokens_of(first.graph)
            alike = self._graphs.blocks.blocks(first.model or self._workload.model, tokens)
            after = whole[position - 1] if stage == "decode" else ends
            self._passage.run(held, ends.graph, alike, stage, weight * first.share, after=after, sampled=sampled)

    def _done(self, stage: str, tokens: float, index: int, progress: Progress | None) -> None:
        self._enter(stage, 0, 0, tokens)
        self._system.around.hooks.token_done(self._system.env.now_ps, index)
        if progress is not None:
            progress(index + 1, self._workload.output_tokens)
