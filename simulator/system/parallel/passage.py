"""`Passage`: one pass of all sequences through a model that lies on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import networkx as nx

from simulator.mapping.parallel.policies import Part
from simulator.system.builder import System
from simulator.system.parallel import cuts
from simulator.system.parallel.blocks import Blocks, Kinds, kinds_of
from simulator.system.parallel.parts import EnterPart, Often, Parts
from simulator.system.parallel.spread import Spread, spread_of
from simulator.system.run import Runner
from simulator.workload.alike import Alike
from simulator.workload.graph import SINK, SOURCE
from simulator.workload.model import Model
from simulator.workload.ops import LookupOp, Op
from simulator.workload.optimizations import Pass
from simulator.workload.scenario import Workload


class Passage:
    """Runs passes, of the workload's model, which lies as ``spread`` says, or of a draft model.

    ``align``, ``each``: as in `Blocks`.
    """

    def __init__(  # noqa: PLR0913 - what a pass is made of
        self,
        system: System,
        runner: Runner,
        workload: Workload,
        spread: Spread,
        enter: EnterPart,
        *,
        align: bool,
        each: bool,
    ) -> None:
        self._system = system
        self._workload = workload
        self._spread = spread
        self._parts = Parts(system, runner, enter, spread.plan.devices)
        self._blocks = Blocks(system, self._parts, align=align, each=each)
        self._coupled = any(method.coupled for method in workload.methods)
        self._drafts: dict[str, Spread] = {}

    @staticmethod
    def tokens_of(graph: nx.DiGraph[str]) -> int:
        """New tokens of a step."""
        op = graph.nodes[SOURCE]["op"]
        assert isinstance(op, LookupOp)
        return op.tokens

    def run(  # noqa: PLR0913 - a pass, and how often it counts
        self,
        held: Sequence[Pass],
        whole: nx.DiGraph[str],
        alike: Alike,
        stage: str,
        weight: float,
        *,
        after: Pass,
        sampled: int | None = None,
    ) -> None:
        """A pass.

        ``held``: of what a device has, one or that of each piece of the prompts. ``whole``: of the whole model for one
        microbatch. ``after``: the whole model's pass that chose the tokens with which this one begins.
        """
        model, on = held[0].model, held[0].on
        spread, parts = self._spread_of(model), self._parts
        plan = spread.plan
        heads = plan.microbatches if sampled is None else sampled
        copies = plan.microbatches * plan.data
        hidden = cuts.hidden_bytes(whole)
        once = Often(stage, weight, weight * copies)
        source, head_op = whole.nodes[SOURCE]["op"], whole.nodes[cuts.HEAD[-1]]["op"]
        # Tokens to the device that has their rows of the table, those to the first stage.
        units = (self._unit(after.graph, SINK, after.on), self._unit(whole, SOURCE, on))
        parts.before(partial(parts.carry, units, source, source.input_bytes))
        parts.run(cuts.embedding_of(whole), once, on=on)
        self._to_first_stage(spread, hidden, once)
        coupled = self._coupled and model is None
        kinds = kinds_of([piece.graph for piece in held], spread, alike, coupled=coupled)
        slack_ps = self._blocks.run(kinds, spread, stage, weight, on)
        self._pass_on(spread, kinds, -(-hidden // len(held)), Often(stage, weight, weight))
        for test, choice in cuts.tests_of(whole):
            self._test(spread, test, choice, Often(stage, weight * plan.microbatches, weight * copies), on)
        head = spread.head(cuts.head_of(whole))
        seen = self._seen(spread, head, heads, slack_ps, stage, on)
        parts.share(head, Often(stage, weight * seen, weight * heads * plan.data), spread.head_devices, on)
        # Logits to the host.
        units = (self._unit(whole, cuts.HEAD[0], on), self._unit(whole, SINK, on))
        parts.before(partial(parts.carry, units, head_op, head_op.output_bytes))
        parts.run(cuts.sampling_of(whole), once, on=on)

    def _seen(  # noqa: PLR0913 - a head, and what it is hidden behind
        self, spread: Spread, head: Part, times: int, slack_ps: float, stage: str, on: Sequence[str]
    ) -> float:
        """How often the time of ``head`` counts; the last stage alone does all but one while it would wait."""
        everywhere = spread.head_devices == spread.plan.group or spread.plan.groups > 1
        if times < 2 or not slack_ps or everywhere:
            return times
        took_ps = self._parts.took_ps(head.leader, stage, on)
        return max(1, times - slack_ps / took_ps) if took_ps else times

    def _spread_of(self, model: Model | None) -> Spread:
        """How ``model`` lies, the workload's for None; a draft model takes the same microbatches."""
        if model is None:
            return self._spread
        if model.name not in self._drafts:
            platform, plan = self._system.platform, self._spread.plan
            own = spread_of(platform, model, tuple(range(model.n_layers)), self._workload.batch)
            same = replace(own.plan, microbatch=plan.microbatch, microbatches=plan.microbatches)
            self._drafts[model.name] = replace(own, plan=same)
        return self._drafts[model.name]

    def _unit(self, graph: nx.DiGraph[str], name: str, on: Sequence[str]) -> str:
        op: Op = graph.nodes[name]["op"]
        placement = self._system.placement
        return placement.named_for(op, on) or placement.component_for(op)

    def _to_first_stage(self, spread: Spread, n_bytes: int, often: Often) -> None:
        """The embedded tokens from the device that has their rows."""
        if spread.sharers > 1 and spread.policy.replicated:
            self._parts.message("broadcast", spread.sharers, n_bytes, often)
        elif spread.plan.group > 1:
            self._parts.message("send", 2, n_bytes, often)

    def _pass_on(self, spread: Spread, kinds: Kinds, n_bytes: int, often: Often) -> None:
        """The residual stream from device to device of the pipeline, as far as there are blocks to run."""
        plan = spread.plan
        stages = max((number for number, stage in enumerate(kinds.stages, start=1) if stage), default=1)
        crossings = plan.devices_with(stages) - 1
        if not crossings:
            return
        senders = spread.sharers if spread.policy.replicated else 1
        time = crossings if plan.active == 1 else stages
        count = crossings * plan.microbatches * plan.data * senders
        self._parts.message("send", 2, n_bytes, Often(often.stage, often.time * time, often.times * count))

    def _test(
        self, spread: Spread, test: nx.DiGraph[str], choice: nx.DiGraph[str], often: Often, on: Sequence[str]
    ) -> None:
        """The test of an early exit: where the head is, for the tokens that are still there."""
        if spread.plan.used > 1:
            first = next(iter(test.nodes.values()))["op"]
            self._parts.message("send", 2, first.input_bytes, often)
        self._parts.share(spread.head(test), often, spread.head_devices, on)
        if choice:
            self._parts.run(choice, often, on=on)
