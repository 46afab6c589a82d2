"""`Parts`: simulates parts of a step one after the other, each counted as often as it happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import networkx as nx

from simulator.mapping.parallel.policies import Part
from simulator.system.builder import System
from simulator.system.run import Runner
from simulator.units.memory import Memory
from simulator.workload.collective import CollectiveOp
from simulator.workload.ops import Op

EnterPart = Callable[[str, float, float, float], None]
"""Called before each part with its stage and how often it counts: time, count, tokens."""

NOTHING: nx.DiGraph[str] = nx.DiGraph()


class Often(NamedTuple):
    """How often a part of ``stage`` (``prefill``, ``decode``) happens: ``time`` in a row, ``times`` in all."""

    stage: str
    time: float
    times: float


class Parts:
    """Runs parts on one device of ``devices`` that stands for those that do the same.

    ``aligned``: time goes on to the next refresh behind each part.
    """

    def __init__(self, system: System, runner: Runner, enter: EnterPart, devices: int) -> None:
        self._system = system
        self._runner = runner
        self._enter = enter
        self._devices = devices
        self.memories = [c for c in system.components.values() if isinstance(c, Memory)]
        self.aligned = False
        self._before: list[Callable[[], None]] = []

    def share(self, part: Part, often: Often, devices: int, on: Sequence[str] = ()) -> int:
        """One part on ``devices`` devices: the leader's in time, which it gives, then what the others did meanwhile."""
        stage, time, count = often
        if part.others is None:
            return self.run(part.leader, Often(stage, time, count * devices), on=on)
        took_ps = self.run(part.leader, often, beside=count * (devices - 1), on=on)
        for graph, number in part.others:
            self.run(graph, Often(stage, 0, count * number), on=on)
        return took_ps

    def took_ps(self, graph: nx.DiGraph[str], stage: str, on: Sequence[str] = ()) -> int:
        """The time of a part, which does not count."""
        return self.run(graph, Often(stage, 0, 0), on=on)

    def message(self, kind: str, endpoints: int, n_bytes: int, often: Often) -> None:
        """A collective by itself."""
        op = CollectiveOp(name=kind, kind=kind, n_bytes=n_bytes, endpoints=endpoints, devices=1)
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_node(op.name, op=op)
        self.run(graph, often)

    def before(self, carry: Callable[[], None]) -> None:
        """The next part has ``carry`` before it."""
        self._before.append(carry)

    def run(self, graph: nx.DiGraph[str], often: Often, *, beside: float = 0, on: Sequence[str] = ()) -> int:
        """Simulate a part and give its ps; devices that neither run it nor what is ``beside`` it only refresh then.

        ``on``: the components that run all ops, the first that can, in place of those that the placement chooses.
        """
        env, stage = self._system.env, often.stage
        start_ps = env.now_ps
        self._enter(stage, often.time, often.times, 0)
        before, self._before = self._before, []
        for carry in before:
            carry()
        if graph:
            self._runner.step(graph, on=on)
        if self.aligned:
            self._until_refresh()
        for memory in self.memories:
            memory.settle()
        self._system.around.hooks.part_done(env.now_ps)
        idle = self._devices * often.time - often.times - beside
        if idle > 0 and env.now_ps > start_ps:
            self._enter(stage, 0, idle, 0)
            for memory in self.memories:
                memory.tell_waiting(start_ps, env.now_ps)
        return env.now_ps - start_ps

    def _until_refresh(self) -> None:
        """Let time go on to the next refresh of the devices."""
        env = self._system.env
        wait_ps = max((memory.until_refresh_ps() for memory in self.memories), default=0)
        if wait_ps:
            env.run(until=env.timeout(wait_ps))

    def carry(self, units: tuple[str, str], op: Op, n_bytes: int) -> None:
        """A tensor between two parts, over the links between the units that run them."""
        env = self._system.env
        for link, from_end in self._system.routes.between(*units):
            env.run(until=link.send(n_bytes, from_end, op.kind))
