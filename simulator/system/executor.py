"""The executor: runs an op graph on a system.

An op starts when all its inputs have arrived at its unit and the unit has finished what became ready before. A tensor
that goes to another component crosses the links on the way once, however many ops there read it; an edge without
bytes only orders.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from simulator.errors import ConservationError, SimulationStalled
from simulator.mapping.placement import Placement
from simulator.system.builder import Route, System
from simulator.units.base import OpUnit, Process
from simulator.workload.ops import Op


@dataclass(frozen=True)
class Delivery:
    """A tensor's way to the ops of one component that read it."""

    route: Route
    n_bytes: int
    readers: tuple[str, ...]


@dataclass
class PlacedOp:
    """An op with its unit's name, what it waits for and where its results go."""

    op: Op
    unit: str
    inputs: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    missing: int
    start_ps: int = -1
    end_ps: int = -1


def ops_of(graph: nx.DiGraph[str]) -> Iterator[tuple[str, Op]]:
    """Each op of ``graph`` with its name, in the graph's order."""
    for name, attributes in graph.nodes.items():
        yield name, attributes["op"]


class Places:
    """Which unit runs each op of ``graph``, found when it is asked for.

    ``on``: the components that run all but collectives, the first that can, in place of those that the placement
    chooses.
    """

    def __init__(self, placement: Placement, graph: nx.DiGraph[str], on: Sequence[str] = ()) -> None:
        self._placement = placement
        self._graph = graph
        self._on = on
        self._unit_of: dict[str, str] = {}
        self._alike: dict[Hashable, str] = {}

    def unit(self, name: str) -> str:
        """The unit of the op ``name``. Raises MappingError."""
        found = self._unit_of.get(name)
        if found is None:
            found = self._unit_of[name] = self._find(name, self._graph.nodes[name]["op"])
        return found

    def _find(self, name: str, op: Op) -> str:
        named = self._placement.named_for(op, self._on)
        if named is not None:
            return named
        followed = self._placement.after(op, (self.unit(before) for before in self._graph.pred[name]))
        if followed is not None:
            return followed
        alike = self._placement.alike(op)
        if alike not in self._alike:
            self._alike[alike] = self._placement.component_for(op)
        return self._alike[alike]


def place(system: System, graph: nx.DiGraph[str], on: Sequence[str] = ()) -> dict[str, PlacedOp]:
    """Every op of ``graph``, as its unit takes it, with its deliveries, in the graph's order. Raises MappingError.

    ``on``: as of `Places`.
    """
    places = Places(system.placement, graph, on)
    unit_of = {name: places.unit(name) for name in graph}
    return {
        name: PlacedOp(
            system.units[unit_of[name]].take(op),
            unit_of[name],
            tuple(graph.pred[name]),
            _deliveries(system, graph, name, unit_of),
            len(graph.pred[name]),
        )
        for name, op in ops_of(graph)
    }


def _deliveries(system: System, graph: nx.DiGraph[str], name: str, unit_of: Mapping[str, str]) -> tuple[Delivery, ...]:
    readers: dict[tuple[str, str], list[str]] = {}
    n_bytes: dict[tuple[str, str], int] = {}
    for consumer, edge in graph.succ[name].items():
        key = (edge["tensor"], unit_of[consumer])
        readers.setdefault(key, []).append(consumer)
        n_bytes[key] = edge["bytes"]
    return tuple(
        Delivery(system.routes.between(unit_of[name], key[1]) if n_bytes[key] else (), n_bytes[key], tuple(names))
        for key, names in readers.items()
    )


class Execution:
    """One graph on one system, from now until its last op has finished."""

    def __init__(self, system: System, ops: Mapping[str, PlacedOp]) -> None:
        self._env = system.env
        self._hooks = system.around.hooks
        self._units = system.units
        self._ops = ops
        self._waiting: dict[str, deque[PlacedOp]] = {name: deque() for name in self._units}
        self._serving: set[str] = set()
        self._unfinished = len(ops)
        self._finished = self._env.event()

    def run(self) -> None:
        """Run to the end.

        Raises SimulationStalled naming the op that is stuck, ConservationError if an op ran before its inputs were
        there.
        """
        for name, unit in self._units.items():
            unit.expect([placed.op for placed in self._ops.values() if placed.unit == name])
        for placed in self._ops.values():
            if not placed.missing:
                self._ready(placed)
        try:
            self._env.run(until=self._finished)
        except RuntimeError as error:
            if self._finished.triggered:
                raise
            raise SimulationStalled(self._stuck()) from error
        self._check_order()

    def _ready(self, placed: PlacedOp) -> None:
        self._waiting[placed.unit].append(placed)
        if placed.unit not in self._serving:
            self._serving.add(placed.unit)
            self._env.process(self._serve(placed.unit, self._units[placed.unit]))

    def _serve(self, name: str, unit: OpUnit) -> Process:
        queue = self._waiting[name]
        while queue:
            placed = queue.popleft()
            op = placed.op
            placed.start_ps = self._env.now_ps
            self._hooks.op_started(self._env.now_ps, op.name, op.kind, name)
            self._hooks.op_work(op.kind, op.flops, op.stored_bytes)
            yield from unit.execute(op)
            placed.end_ps = self._env.now_ps
            self._hooks.op_finished(self._env.now_ps, op.name, op.kind, name)
            self._deliver(placed)
        self._serving.discard(name)

    def _deliver(self, placed: PlacedOp) -> None:
        for delivery in placed.deliveries:
            self._move(placed.op.kind, delivery, 0)
        self._unfinished -= 1
        if not self._unfinished:
            self._finished.succeed()

    def _move(self, op_kind: str, delivery: Delivery, hop: int) -> None:
        if hop == len(delivery.route):
            for reader in delivery.readers:
                self._arrive(self._ops[reader])
            return
        link, end = delivery.route[hop]
        event = link.send(delivery.n_bytes, end, op_kind)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: self._move(op_kind, delivery, hop + 1))

    def _arrive(self, reader: PlacedOp) -> None:
        reader.missing -= 1
        if not reader.missing:
            self._ready(reader)

    def _stuck(self) -> str:
        blocked = next(placed for placed in self._ops.values() if placed.end_ps < 0)
        if blocked.start_ps >= 0:
            return f"{blocked.op.name} started on {blocked.unit} and never finished"
        missing = [name for name in blocked.inputs if self._ops[name].end_ps < 0] or list(blocked.inputs)
        return f"{blocked.op.name} cannot start on {blocked.unit}: it waits for {', '.join(missing) or 'its unit'}"

    def _check_order(self) -> None:
        for placed in self._ops.values():
            latest = max((self._ops[name].end_ps for name in placed.inputs), default=0)
            if placed.start_ps < latest:
                raise ConservationError(
                    f"{placed.op.name} started at {placed.start_ps} ps, before its inputs were there at {latest} ps"
                )


def critical_path_ps(ops: Mapping[str, PlacedOp]) -> int:
    """The longest path through the graph by the ops' own times; a finished graph took at least this long."""
    end: dict[str, int] = {}
    for name, placed in ops.items():
        end[name] = max((end[i] for i in placed.inputs), default=0) + placed.end_ps - placed.start_ps
    return max(end.values(), default=0)
