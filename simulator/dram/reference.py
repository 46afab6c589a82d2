"""The reference engine: one DRAM channel as a SimPy process, one event per command. Written to be read, not to be fast.

It does what docs/dram-engine.md sections 3 to 6 say and nothing else; the compiled engine must agree with it tick for
tick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import simpy

from simulator.config.dram_schema import Dram
from simulator.dram.log import LoggedCommand
from simulator.dram.reference_queues import Driver, Entry, MemoryRequest, ProgramEntry, Queues
from simulator.dram.reference_state import Channel, first_closed, first_open_on_another_row, pad
from simulator.dram.reference_table import Node, ReferenceCommand, ReferenceTable
from simulator.errors import SimulationStalled

__all__ = ["MemoryRequest", "ProgramEntry", "ReferenceRun", "run_reference"]

PagePolicy = Literal["open", "closed"]
Refresh = Literal["none", "REFab"]


@dataclass(frozen=True)
class ReferenceRun:
    """What a run did. ``completions``: for each memory request the tick at which its data has moved.

    ``end_tick``: the last completion of any final command, 0 if there was none; ``counts``: commands issued, by name.
    """

    end_tick: int
    completions: tuple[int, ...]
    counts: dict[str, int]
    log: tuple[LoggedCommand, ...]


class Step(NamedTuple):
    """The next command of a queue entry, with the node that it goes to."""

    command: ReferenceCommand
    node: Node
    final: ReferenceCommand

    @property
    def is_final(self) -> bool:
        """Whether the command is what was asked for rather than on the way to it."""
        return self.command is self.final


class Choice(NamedTuple):
    """What a pass over a command bus takes."""

    entry: Entry
    step: Step


def run_reference(
    spec: Dram,
    requests: Sequence[MemoryRequest] = (),
    program: Sequence[ProgramEntry] = (),
    *,
    page_policy: PagePolicy | None = None,
    refresh: Refresh | None = None,
) -> ReferenceRun:
    """Run memory requests and a near-bank program on a fresh channel until all of it is complete.

    Both are offered in order as their queues accept (section 3); arrivals must not decrease. ``page_policy`` and
    ``refresh`` replace the standard's. Raises SimulationStalled if work is left that nothing can ever bring on.
    """
    changes = {"page_policy": page_policy, "refresh": refresh}
    controller = spec.controller.model_copy(update={key: value for key, value in changes.items() if value is not None})
    env = simpy.Environment(initial_time=1)
    process = Controller(env, spec.model_copy(update={"controller": controller}), requests, program)
    env.run(until=env.process(process.run()))
    completions = tuple(process.completions[index] for index in range(len(requests)))
    counts = Counter(entry.command for entry in process.log)
    return ReferenceRun(process.end_tick, completions, dict(counts), tuple(process.log))


class Controller:
    """The memory controller of one channel: a process that wakes in every tick in which something can happen."""

    def __init__(
        self, env: simpy.Environment, spec: Dram, requests: Sequence[MemoryRequest], program: Sequence[ProgramEntry]
    ) -> None:
        self.log: list[LoggedCommand] = []
        self.completions: dict[int, int] = {}
        self.end_tick = 0
        self._env = env
        self._policy = spec.controller
        self._table = ReferenceTable(spec)
        self._channel = Channel(env, self._table)
        self._nodes = list(self._channel.banks)
        self._queues = Queues(spec.controller)
        self._driver = Driver(requests, program, self._queues)

    def run(self) -> Generator[simpy.Event, None, None]:
        """The process: tick by tick while work is left, passing over ticks in which nothing can change."""
        while self._driver.pending or self._queues.busy:
            tick = int(self._env.now)
            self._append_due_refreshes(tick)
            self._driver.offer(tick)
            self.completions.update(self._driver.forwarded)
            idle = True
            for bus in self._table.buses:
                choice = self._choose(bus, tick)
                if choice is not None:
                    idle = False
                    yield self._issue(choice, tick)
            if self._driver.pending or self._queues.busy:
                yield self._env.timeout(self._next_change(tick) - tick if idle else 1)

    def _append_due_refreshes(self, tick: int) -> None:
        """At each multiple of the refresh interval, one request for each node of the refresh command's scope."""
        name = self._policy.refresh
        if name == "none" or tick % self._table.refresh_interval:
            return
        depth = self._table.commands[name].depth
        for bank, node in enumerate(self._nodes):
            if not any(node[depth:]):
                self._queues.refresh.append(Entry(name, bank, row=-1))

    def _choose(self, bus: str, tick: int) -> Choice | None:
        """One pass over one command bus (section 4, steps 1 to 5)."""
        queues = self._queues
        choice = self._best(self._choices(queues.active, bus), tick)
        if choice and self._ready(choice, tick):
            return choice
        skip = self._policy.contention == "skip"
        if queues.refresh or queues.near_bank:
            choices = self._choices([(queues.refresh or queues.near_bank)[0]], bus)
        else:
            choices = self._choices(queues.served_buffer(), bus)
        if skip:
            choices = [choice for choice in choices if not self._takes_active_row(choice)]
        choice = self._best(choices, tick)
        if choice is None or not self._ready(choice, tick):
            return None
        cancelled = choice.entry.index is not None and self._takes_active_row(choice)
        return None if cancelled else choice

    def _choices(self, entries: Sequence[Entry], bus: str) -> list[Choice]:
        """The entries whose next command uses the bus."""
        choices = [Choice(entry, self._next_step(entry)) for entry in entries]
        return [choice for choice in choices if choice.step.command.bus == bus]

    def _best(self, choices: list[Choice], tick: int) -> Choice | None:
        """What the scheduler prefers."""
        by_readiness = self._policy.scheduler == "FRFCFS"

        def rank(choice: Choice) -> tuple[bool, int]:
            return by_readiness and not self._ready(choice, tick), choice.entry.order

        return min(choices, key=rank, default=None)

    def _ready(self, choice: Choice, tick: int) -> bool:
        command = choice.step.command
        return self._channel.free_from(command, choice.step.node) <= tick and (tick - 1) % command.align == 0

    def _takes_active_row(self, choice: Choice) -> bool:
        """Whether a precharge on the way would close a row that an active request still needs."""
        command, node, _ = choice.step
        if choice.step.is_final or not command.closes:
            return False
        return any(self._nodes[entry.bank][: command.depth] == node for entry in self._queues.active)

    def _final(self, entry: Entry) -> ReferenceCommand:
        """The command that does what was asked; with auto-precharge if nobody else needs the row (closed page)."""
        if self._policy.page_policy == "closed" and entry.index is not None:
            others = (other for other in self._queues.memory() if other is not entry)
            if not any(other.bank == entry.bank and other.row == entry.row for other in others):
                return self._table.commands[self._table.twins.get(entry.command, entry.command)]
        return self._table.commands[entry.command]

    def _next_step(self, entry: Entry) -> Step:
        """The final command, or what must come before it."""
        final = self._final(entry)
        place = self._nodes[entry.bank]
        banks = self._channel.banks_under(place[: final.depth])
        if final.row == "any":
            return Step(final, place[: final.depth], final)
        wrong = first_open_on_another_row(banks, entry.row if final.row == "open" else None)
        if wrong is not None:
            return self._on_the_way(final.closer, wrong, final)
        closed = first_closed(banks) if final.row == "open" else None
        if closed is not None:
            return self._on_the_way(final.opener, closed, final)
        return Step(final, place[: final.depth], final)

    def _on_the_way(self, name: str | None, bank: Node, final: ReferenceCommand) -> Step:
        """The opener or closer of ``final``, to the node of its scope that holds ``bank``."""
        if name is None:
            raise SimulationStalled(f"{final.name} needs another row state and names no command that brings it about")
        command = self._table.commands[name]
        return Step(command, bank[: command.depth], final)

    def _issue(self, choice: Choice, tick: int) -> simpy.Event:
        """Issue the choice's command, or a mode switch in its place (section 4, steps 6 and 7)."""
        entry, step = choice
        switch = self._table.mode_switch
        if switch is not None and step.final.mode not in ("any", self._channel.mode):
            command = self._table.commands[switch]
            self._write_log(tick, command, (), -1, -1)
            return self._channel.issue(command, (), -1)
        row = entry.row if step.command.opens or step.command.row == "open" else -1
        self._write_log(tick, step.command, step.node, row, entry.column if step.is_final else -1)
        if step.is_final:
            self._finish(entry, tick + step.command.latency)
        elif step.command.opens and entry.index is not None:
            self._queues.activate(entry)
        return self._channel.issue(step.command, step.node, row)

    def _finish(self, entry: Entry, tick: int) -> None:
        """Take a finished entry out; a refresh is not work that anybody waits for."""
        if entry in self._queues.refresh:
            self._queues.refresh.remove(entry)
            return
        self._queues.remove(entry)
        self.end_tick = max(self.end_tick, tick)
        if entry.index is not None:
            self.completions[entry.index] = tick

    def _write_log(self, tick: int, command: ReferenceCommand, node: Node, row: int, column: int) -> None:
        address = pad(node, len(self._table.counts))
        self.log.append(LoggedCommand(tick, command.name, address, row, column))

    def _next_change(self, tick: int) -> int:
        """The next tick at which a queue entry may become ready, a request arrives, or a refresh is due.

        Nothing issued in this tick, so until then every pass would decide as it just did.
        """
        ticks = []
        for entry in self._queues.heads():
            step = self._next_step(entry)
            free = self._channel.free_from(step.command, step.node)
            if free > tick or step.command.align > 1:
                ticks.append(max(free, tick + 1))
        arrival = self._driver.next_arrival
        if arrival is not None and arrival > tick:
            ticks.append(arrival)
        if not ticks:
            raise SimulationStalled(f"tick {tick}: nothing that waits can ever issue")
        if self._policy.refresh != "none":
            ticks.append(tick + self._table.refresh_interval - tick % self._table.refresh_interval)
        return min(ticks)
