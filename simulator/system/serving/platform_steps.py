"""Steps of one copy of a model, each simulated exactly on a system of its own that starts at rest at time 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import networkx as nx

from simulator.config.platform_schema import Devices, Platform
from simulator.errors import MappingError
from simulator.hooks import Hooks
from simulator.mapping.parallel.plan import Plan, make_plan
from simulator.metrics.collect import Collector
from simulator.system.builder import System
from simulator.system.conservation import Conservation
from simulator.system.parallel import ParallelRunner, spread_workload
from simulator.system.run import Runner
from simulator.system.serving.step_cost import StepCost, cost_of
from simulator.units.base import OpUnit
from simulator.units.memory import Memory
from simulator.workload.cached import cache_bytes
from simulator.workload.collective import CollectiveOp
from simulator.workload.optimizations import Pass
from simulator.workload.scenario import Workload
from simulator.workload.serving_graphs import Group, ServingGraphs
from simulator.workload.step import Step

Builder = Callable[[Platform, Hooks], System]
"""Makes the system of a platform, watched by hooks."""

IDLE_PS = 10**9
"""How long an idle copy is watched."""


def one_copy(platform: Platform) -> Platform:
    """``platform`` with the devices of one copy of the model."""
    parallelism = platform.parallelism
    if parallelism.expert > parallelism.tensor:
        allowed = f"1 or {parallelism.tensor}" if parallelism.tensor > 1 else "1"
        raise MappingError(f"parallelism.expert: copies that serve requests do not share experts (allowed: {allowed})")
    if parallelism.sequence > 1:
        raise MappingError("parallelism.sequence: request streams do not deal tokens out (allowed: 1)")
    count = parallelism.tensor * parallelism.pipeline
    changed = {"devices": Devices(count=count), "parallelism": parallelism.model_copy(update={"data": 1})}
    return platform.model_copy(update=changed)


class PlatformSteps:
    """Simulates what one copy of the model of ``workload`` does on ``platform``; nothing is kept."""

    def __init__(self, platform: Platform, workload: Workload, build: Builder) -> None:
        make_plan(platform, workload.model.n_layers, platform.parallelism.data)
        self.platform = one_copy(platform)
        self.simulated = self.events = self.commands = 0
        self._all = platform
        self._workload = replace(workload, traffic=None, batch=1, prompt_tokens=1, output_tokens=1)
        self._build = build
        self.graphs = ServingGraphs(self._workload)
        self.notes: dict[str, None] = {}
        """What units had to say of what they did."""

    @property
    def pipelined(self) -> bool:
        """Whether a copy works on several groups of sequences at a time, each in another stage."""
        return self._plan(1).stages > 1

    def groups(self, groups: tuple[Group, ...], sampled: int) -> StepCost:
        """A pass of the model for ``groups``, in which ``sampled`` tokens choose one; of one group a plain step."""
        return self._step(lambda graphs: (Pass(graphs.step(groups, sampled)),))

    def whole(self, decodes: Step | None, pieces: tuple[Step, ...], complete: int) -> StepCost:
        """All passes of a step, as of `ServingGraphs.passes`."""
        return self._step(lambda graphs: graphs.passes(decodes, pieces, complete))

    def draft_pieces(self, drafter: int, groups: tuple[Group, ...], sampled: int) -> StepCost:
        """A pass of one of the draft models, by its number, for pieces of prompts; one of them chooses a token."""
        assert sampled == 1
        return self._step(lambda graphs: (graphs.draft_pass(drafter, groups),))

    def _step(self, passes_of: Callable[[ServingGraphs], tuple[Pass, ...]]) -> StepCost:
        """A step of all sequences of a copy, by its passes."""

        def run(system: System, runner: Runner, collector: Collector) -> None:
            if self.platform.devices.count == 1:
                runner.passes(passes_of(self.graphs), "decode", collector.enter)
                system.around.hooks.token_done(system.env.now_ps, 0)
                return
            parallel = self._parallel(system, runner, collector, 1)
            held, whole = self._of_device(parallel)
            parallel.one_step(passes_of(held), passes_of(whole))

        return self._simulate(self.platform, run)

    def round(self, tokens: int, context: int, sampled: int, *, prompt: bool = False) -> StepCost:
        """A round of a pipeline: ``tokens`` tokens, each behind ``context`` cached ones; ``sampled`` choose a token.

        ``prompt``: some of them belong to prompts.
        """

        def run(system: System, runner: Runner, collector: Collector) -> None:
            parallel = self._parallel(system, runner, collector, tokens)
            plan = parallel.plan
            blocks, whole = (
                (Pass(graphs.step((Group(Step(sequences, 1, context), prompt),), sequences)),)
                for graphs, sequences in zip(
                    self._of_device(parallel), (plan.microbatch * plan.active, plan.microbatch), strict=True
                )
            )
            parallel.one_step(blocks, whole, min(plan.microbatches, -(-sampled // plan.microbatch)))

        return self._simulate(self.platform, run)

    def _of_device(self, parallel: ParallelRunner) -> tuple[ServingGraphs, ServingGraphs]:
        """The graphs of what one of several devices has of each block, and of the whole model."""
        held = ServingGraphs(self._workload, held=parallel.spread.held, alike=True)
        return held, ServingGraphs(self._workload, alike=True)

    def _plan(self, sequences: int) -> Plan:
        return spread_workload(self.platform, replace(self._workload, batch=sequences)).plan

    def microbatches(self, tokens: int, sampled: int) -> tuple[int, int]:
        """Of a round: microbatches in all, and those with a sequence that chooses a token."""
        plan = self._plan(tokens)
        return plan.microbatches, min(plan.microbatches, -(-sampled // plan.microbatch))

    def idle(self) -> StepCost:
        """A copy without work for `IDLE_PS`."""

        def run(system: System, runner: Runner, collector: Collector) -> None:
            del runner
            collector.enter_part("decode", 1, self.platform.devices.count, 0)
            system.env.run(until=system.env.timeout(IDLE_PS))
            for component in system.components.values():
                component.settle()
            system.around.hooks.token_done(system.env.now_ps, 0)

        return self._simulate(self.platform, run)

    def transfer(self, tokens: int) -> StepCost:
        """The cache of ``tokens`` tokens from one copy to another, as one message. MappingError without a fabric."""
        n_bytes = self.cache_bytes(tokens)

        def run(system: System, runner: Runner, collector: Collector) -> None:
            graph: nx.DiGraph[str] = nx.DiGraph()
            graph.add_node("send", op=CollectiveOp(name="send", kind="send", n_bytes=n_bytes, endpoints=2, devices=1))
            collector.enter_part("decode", 1, 1, 0)
            runner.step(graph)
            system.around.hooks.token_done(system.env.now_ps, 0)

        return self._simulate(self._all, run)

    def swap(self, tokens: int) -> StepCost:
        """The cache of ``tokens`` tokens over the links between memory and host. MappingError without such links."""
        n_bytes = self.cache_bytes(tokens)

        def run(system: System, runner: Runner, collector: Collector) -> None:
            del runner
            collector.enter_part("decode", 1, 1, 0)
            env, ends = system.env, swap_ends(system)
            for link, end in system.routes.between(*ends):
                env.run(until=link.carry(env.now_ps, n_bytes, end, "kv_swap"))
            system.around.hooks.token_done(env.now_ps, 0)

        return self._simulate(self.platform, run)

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the cache of ``tokens`` tokens."""
        return cache_bytes(self._workload, tokens)

    def assumptions(self) -> tuple[str, ...]:
        """What the way in which a copy runs takes for granted."""
        if self.platform.devices.count == 1:
            return ()
        collector = Collector(self.platform.devices.count)
        system = self._build(self.platform, Hooks([]))
        return self._parallel(system, Runner(system, Conservation()), collector, 1).assumptions()[1:]

    def _parallel(self, system: System, runner: Runner, collector: Collector, batch: int) -> ParallelRunner:
        return ParallelRunner(system, runner, replace(self._workload, batch=batch), collector.enter_part)

    def _simulate(self, platform: Platform, run: Callable[[System, Runner, Collector], None]) -> StepCost:
        collector, conservation = Collector(platform.devices.count), Conservation()
        system = self._build(platform, Hooks([*collector.instruments, conservation]))
        run(system, Runner(system, conservation), collector)
        self.notes |= system.around.notes
        self.simulated += 1
        self.events += system.env.events
        self.commands += collector.command_counts.simulated
        return cost_of(system, collector)


def swap_ends(system: System) -> tuple[str, str]:
    """The unit that reads the cache, and the host. Raises MappingError where there is no host apart from it."""
    hosts = [name for name, component in system.components.items() if component.role == "host"]
    reader = next((u for u in system.units.values() if _reads_cache(u)), None)
    if not hosts or reader is None:
        raise MappingError("traffic.serving.preemption: the platform has no host to swap to (allowed: recompute)")
    return reader.name, hosts[0]


def _reads_cache(unit: OpUnit) -> bool:
    return unit.supports("attn_score") and isinstance(getattr(unit, "memory", None), Memory)
