"""A workload on many equal devices: equal devices, stages and blocks are simulated once and counted as often as real.

A step is simulated in parts, each with the number of times it happens one after the other (``time``) and in all
(``count``). What the figures mean is in docs/results.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import networkx as nx

from simulator.errors import MappingError
from simulator.mapping.parallel import parallel_policies
from simulator.mapping.parallel.plan import make_plan
from simulator.mapping.parallel.policies import Part
from simulator.system import parts
from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.system.run import Progress, Runner
from simulator.units.base import Sharing
from simulator.units.memory import Memory
from simulator.workload.collective import CollectiveOp
from simulator.workload.graph import SINK, SOURCE
from simulator.workload.ops import GroupedMatrixOp, Op
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import one_block

EnterPart = Callable[[str, float, float, float], None]
"""Called before each part with its stage and how often it counts: time, count, tokens."""

_NOTHING: nx.DiGraph[str] = nx.DiGraph()

_ALWAYS = "parallelism: all sequences in flight have the same context"


def _check_equal_blocks(workload: Workload) -> None:
    """One block stands for all of them. Raises MappingError where they differ."""
    model = workload.model
    if not model.architecture.equal_blocks:
        raise MappingError(f"parallelism: the blocks of {model.name} differ, which runs on one device only")


class ParallelRunner:
    """Runs a workload by a plan."""

    def __init__(self, system: System, runner: Runner, workload: Workload, enter: EnterPart) -> None:
        platform, model = system.platform, workload.model
        _check_equal_blocks(workload)
        self.plan = make_plan(platform, model.n_layers, workload.batch)
        self._system = system
        self._runner = runner
        self._workload = workload
        self._enter = enter
        self._policy = parallel_policies.get(platform.parallelism.policy)
        self._head_devices = self._policy.head_devices(self.plan)
        self._head_replicated = platform.parallelism.head == "replicated"
        self._before: list[Callable[[], None]] = []
        self._memories = [c for c in system.components.values() if isinstance(c, Memory)]
        self._align = platform.parallelism.start == "refresh"
        self._aligning = False
        shared = self._policy.model(model, self.plan.tensor) if self.plan.tensor > 1 else model
        self.block_model = replace(shared, n_layers=1)
        """One block as a device holds it."""
        in_step = self.plan.microbatch * self.plan.active
        self._blocks = one_block(workload, shared, in_step)
        self._whole = one_block(workload, model, self.plan.microbatch)

    @property
    def equal_blocks(self) -> bool:
        """Whether all blocks of a step take exactly the same time: they start with a refresh, or there is none."""
        return self._align or not any(memory.engine.interval for memory in self._memories)

    def assumptions(self) -> tuple[str, ...]:
        """What this way to run takes for granted."""
        plan = self.plan
        in_flight = (
            f"parallelism: {plan.microbatches} microbatches of up to {plan.microbatch} sequences in {plan.stages} "
            f"stages of {plan.layers_per_stage} blocks, {plan.active} stages of a device at work at a time and in step"
        )
        one_block = (
            "parallelism: one block of each step is simulated and counted for all, which meet the refresh interval at "
            "other places (--exact turns this off)"
        )
        how = "whole on each" if self._head_replicated else "dealt out to them"
        head = f"parallelism: {self._head_devices} devices of a copy project to the vocabulary, {how}"
        block = self._blocks.decode_graph(self._workload.prompt_tokens)
        grouped = any(isinstance(op, GroupedMatrixOp) for _, op in ops_of(block))
        experts = "parallelism: as many experts are hit in every block as in the first"
        approximated = not (self.equal_blocks or self._system.around.exact)
        return (in_flight, _ALWAYS, head, *[experts] * grouped, *[one_block] * approximated)

    def run(self, progress: Progress | None = None) -> None:
        """The prompt, then every decode step."""
        workload = self._workload
        self._step("prefill", 1, self._blocks.prefill(), self._whole.prefill())
        self._done("prefill", 1, 0, progress)
        for position, step in enumerate(workload.decode_steps()):
            if not position:
                self._system.around.limits.clear()
            block, whole = (graphs.decode_graph(step.context) for graphs in (self._blocks, self._whole))
            self._step("decode", step.weight, block, whole)
            self._done("decode", step.weight, step.index, progress)

    def one_step(self, blocks: nx.DiGraph[str], whole: nx.DiGraph[str], sampled: int | None = None) -> None:
        """One step by itself.

        ``blocks``: a step of one block of `block_model` for all sequences that a device has in step, ``whole``: of one
        block of the whole model for one microbatch. ``sampled``: microbatches that choose a token; None: all.
        """
        self._step("decode", 1, blocks, whole, sampled)
        self._done("decode", 1, 0, None)

    def _done(self, stage: str, weight: float, index: int, progress: Progress | None) -> None:
        self._enter(stage, 0, 0, weight)
        self._system.around.hooks.token_done(self._system.env.now_ps, index)
        if progress is not None:
            progress(index + 1, self._workload.output_tokens)

    def _step(
        self, stage: str, weight: float, blocks: nx.DiGraph[str], whole: nx.DiGraph[str], sampled: int | None = None
    ) -> None:
        plan = self.plan
        heads = plan.microbatches if sampled is None else sampled
        copies = plan.microbatches * plan.data
        hidden = parts.hidden_bytes(whole)
        source, head_op = whole.nodes[SOURCE]["op"], whole.nodes[parts.HEAD[-1]]["op"]
        # Tokens to the device that has their rows of the table, those to the first stage.
        self._before.append(partial(self._carry, SINK, SOURCE, source, source.input_bytes, whole))
        self._run(parts.embedding_of(whole), stage, weight, weight * copies)
        self._to_first_stage(stage, weight, copies, hidden)
        self._pass_blocks(stage, weight, blocks)
        self._pass_on(stage, weight, hidden)
        head = parts.head_of(whole)
        dealt_out = self._head_devices > 1 and not self._head_replicated
        part = self._policy.head(head, self._head_devices) if dealt_out else Part(head)
        self._part(part, stage, weight * heads, weight * heads * plan.data, self._head_devices)
        # Logits to the host.
        logits = head_op.output_bytes
        self._before.append(partial(self._carry, parts.HEAD[0], SINK, head_op, logits, whole))
        self._run(parts.sampling_of(whole), stage, weight, weight * copies)

    def _pass_blocks(self, stage: str, weight: float, blocks: nx.DiGraph[str]) -> None:
        """All blocks of the pipeline, for all microbatches."""
        plan, around = self.plan, self._system.around
        graph = parts.block_of(blocks)
        self._check_shared(graph)
        part = self._policy.share(graph, plan.tensor) if plan.tensor > 1 else Part(graph)
        turns = plan.turns(prefill=stage == "prefill")
        count = plan.microbatches * plan.layers / plan.active * plan.data
        simulated = turns if around.exact and not self.equal_blocks else 1
        around.sharing = Sharing(plan.groups, plan.active)
        self._aligning = self._align
        if self._aligning:
            self._run(_NOTHING, stage, weight, 0)
        for _ in range(simulated):
            self._part(part, stage, weight * turns / simulated, weight * count / simulated, plan.tensor)
        self._aligning = False
        around.sharing = Sharing()

    def _check_shared(self, graph: nx.DiGraph[str]) -> None:
        """Every unit that works for stages that share a device can do so."""
        system = self._system
        for _, op in ops_of(graph) if self.plan.groups > 1 else ():
            name = system.placement.component_for(op)
            if not system.units[name].in_step:
                raise MappingError(
                    f"parallelism.stage: {name}, which runs {op.kind}, cannot work for several stages of a device "
                    "(allowed: device)"
                )

    def _part(self, part: Part, stage: str, time: float, count: float, devices: int) -> None:
        """One part on ``devices`` devices: the leader's in time, then what the others did meanwhile."""
        if part.followers is None:
            self._run(part.leader, stage, time, count * devices)
            return
        followers = count * (devices - 1)
        self._run(part.leader, stage, time, count, beside=followers)
        self._run(part.followers, stage, 0, followers)

    def _to_first_stage(self, stage: str, weight: float, copies: int, n_bytes: int) -> None:
        """The embedded tokens from the device that has their rows."""
        plan = self.plan
        if plan.tensor > 1 and self._policy.replicated:
            self._message("broadcast", plan.tensor, stage, weight, weight * copies, n_bytes)
        elif plan.group > 1:
            self._message("send", 2, stage, weight, weight * copies, n_bytes)

    def _pass_on(self, stage: str, weight: float, n_bytes: int) -> None:
        """The residual stream from device to device of the pipeline."""
        plan = self.plan
        crossings = plan.used - 1
        if not crossings:
            return
        senders = plan.tensor if self._policy.replicated else 1
        time = crossings if plan.active == 1 else plan.stages
        count = weight * crossings * plan.microbatches * plan.data * senders
        self._message("send", 2, stage, weight * time, count, n_bytes)

    def _message(  # noqa: PLR0913 - a message, and how often it counts
        self, kind: str, endpoints: int, stage: str, time: float, count: float, n_bytes: int
    ) -> None:
        op = CollectiveOp(name=kind, kind=kind, n_bytes=n_bytes, endpoints=endpoints, devices=1)
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_node(op.name, op=op)
        self._run(graph, stage, time, count)

    def _run(self, graph: nx.DiGraph[str], stage: str, time: float, count: float, *, beside: float = 0) -> None:
        """Simulate a part; devices that neither run it nor what is told ``beside`` it only refresh meanwhile."""
        env, memories = self._system.env, self._memories
        start_ps = env.now_ps
        self._enter(stage, time, count, 0)
        for before in self._before:
            before()
        self._before = []
        if graph:
            self._runner.step(graph)
        if self._aligning:
            self._until_refresh()
        for memory in memories:
            memory.settle()
        self._system.around.hooks.part_done(env.now_ps)
        idle = self.plan.devices * time - count - beside
        if idle > 0 and env.now_ps > start_ps:
            self._enter(stage, 0, idle, 0)
            for memory in memories:
                memory.tell_waiting(start_ps, env.now_ps)

    def _until_refresh(self) -> None:
        """Let time go on to the next refresh of the devices."""
        env = self._system.env
        wait_ps = max((memory.until_refresh_ps() for memory in self._memories), default=0)
        if wait_ps:
            env.run(until=env.timeout(wait_ps))

    def _carry(self, start: str, end: str, op: Op, n_bytes: int, whole: nx.DiGraph[str]) -> None:
        """A tensor between two parts, over the links between the units that run them."""
        system = self._system
        units = [system.placement.component_for(whole.nodes[name]["op"]) for name in (start, end)]
        for link, from_end in system.routes.between(*units):
            env = system.env
            env.run(until=link.send(n_bytes, from_end, op.kind))
