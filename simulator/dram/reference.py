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
from simulator.dram.reference_queues import Driver, Entry, Feed, MemoryRequest, ProgramEntry, Queues
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
    spec = spec.model_copy(update={"controller": controller})
    env = simpy.Environment()
    queues = Queues(controller)
    driver = Driver(requests, program, queues)
    channel = Controller(env, ReferenceTable(spec), queues, driver)
    env.process(channel.run())
    env.run(until=channel.drained)
    completions = tuple(driver.completions[index] for index in range(len(requests)))
    counts = Counter(entry.command for entry in channel.log)
    return ReferenceRun(channel.end_tick, completions, dict(counts), tuple(channel.log))


class Controller:
    """The memory controller of one channel: a process that wakes in every tick in which something can happen."""

    def __init__(
        self, env: simpy.Environment, table: ReferenceTable, queues: Queues, feed: Feed, *, refresh_offset: int = 0
    ) -> None:
        self.log: list[LoggedCommand] = []
        self.end_tick = 0
        """The latest completion of a final command."""
        self.hits = 0
        self.misses = 0
        self.channel = Channel(env, table)
        self.drained = env.event()
        """Happens in the tick after which no work is left or to come."""
        self._env = env
        self._policy = queues.limits
        self._table = table
        self._nodes = list(self.channel.banks)
        self._queues = queues
        self._feed = feed
        self._refresh_offset = refresh_offset
        self._last_tick: int | None = None
        self._news = env.event()

    @property
    def busy(self) -> bool:
        """Whether any work is left or to come."""
        return self._feed.pending or self._queues.busy

    def stop_after(self, tick: int) -> None:
        """Work no tick after ``tick``, which is not in the past."""
        self._last_tick = tick
        self.tell()

    def tell(self) -> None:
        """Let the controller notice that its feed, or its end, has changed."""
        news, self._news = self._news, self._env.event()
        news.succeed()

    def run(self) -> Generator[simpy.Event, None, None]:
        """The process, from tick 1 on: tick by tick, passing over ticks in which nothing can change."""
        tick, idle = 0, False
        while True:
            tick = yield from self._sleep(tick, idle=idle)
            if self._last_tick is not None and tick > self._last_tick:
                return
            self._append_due_refreshes(tick)
            self._feed.offer(tick)
            idle = True
            for bus in self._table.buses:
                choice = self._choose(bus, tick)
                if choice is not None:
                    idle = False
                    yield self._issue(choice, tick)

    def _sleep(self, tick: int, *, idle: bool) -> Generator[simpy.Event, None, int]:
        """Wait for the next tick in which anything can change, as far as is known by then."""
        while True:
            if not self.busy and not self.drained.triggered:
                self.drained.succeed()
            wake = self._next_change(tick) if idle else tick + 1
            last = self._last_tick
            if last is not None and (wake is None or wake > last):
                return last + 1
            timer = [] if wake is None else [self._env.timeout(wake - int(self._env.now))]
            yield self._env.any_of([*timer, self._news])
            if wake == int(self._env.now):
                return wake

    def _refresh_due(self, tick: int) -> int:
        """The first tick after ``tick`` at which refresh falls due."""
        interval = self._table.refresh_interval
        return tick + interval - (tick + self._refresh_offset) % interval

    def _append_due_refreshes(self, tick: int) -> None:
        """Each refresh interval, one request for each node of the refresh command's scope."""
        name = self._policy.refresh
        if name == "none" or self._refresh_due(tick - 1) != tick:
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
        cancelled = choice.entry.memory and self._takes_active_row(choice)
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
        free, command = self._free_from(choice.step), choice.step.command
        return free is not None and free <= tick and (tick - 1) % command.align == 0

    def _free_from(self, step: Step) -> int | None:
        """The tick from which a step may be taken; None for a barrier that waits for the active buffer."""
        if step.command is not self._table.barrier:
            return self.channel.free_from(step.command, step.node)
        waits = self._queues.active and "sync_ignores_active_buffer" not in self._policy.quirks
        return None if waits else 0

    def _takes_active_row(self, choice: Choice) -> bool:
        """Whether a precharge on the way would close a row that an active request still needs."""
        command, node, _ = choice.step
        if choice.step.is_final or not command.closes:
            return False
        return any(self._nodes[entry.bank][: command.depth] == node for entry in self._queues.active)

    def _final(self, entry: Entry) -> ReferenceCommand:
        """The command that does what was asked; with auto-precharge if nobody else needs the row (closed page)."""
        if self._policy.page_policy == "closed" and entry.memory:
            others = (other for other in self._queues.memory() if other is not entry)
            if not any(other.bank == entry.bank and other.row == entry.row for other in others):
                return self._table.commands[self._table.twins.get(entry.command, entry.command)]
        return self._table.commands[entry.command]

    def _next_step(self, entry: Entry) -> Step:
        """The final command, or what must come before it."""
        final = self._final(entry)
        place = self._nodes[entry.bank]
        banks = self.channel.banks_under(place[: final.depth])
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
        if switch is not None and step.final.mode not in ("any", self.channel.mode):
            return self._switch_mode(tick)
        if step.command is self._table.barrier:
            self._finish(entry, step.command, tick)
            return self._env.event().succeed()
        row = entry.row if step.command.opens or step.command.row == "open" else -1
        self._write_log(tick, step.command, step.node, row, entry.column if step.is_final else -1)
        if step.is_final:
            self._finish(entry, step.command, tick + step.command.latency)
        elif step.command.opens:
            entry.opened += 1
            if entry.memory:
                self._queues.activate(entry)
        return self.channel.issue(step.command, step.node, row)

    def _switch_mode(self, tick: int) -> simpy.Event:
        command = self._table.commands[self._table.mode_switch or ""]
        self._write_log(tick, command, (), -1, -1)
        return self.channel.issue(command, (), -1)

    def _finish(self, entry: Entry, command: ReferenceCommand, tick: int) -> None:
        """Take a finished entry out; a refresh is not work that anybody waits for."""
        if entry in self._queues.refresh:
            self._queues.refresh.remove(entry)
            return
        self._queues.remove(entry)
        if command is not self._table.barrier:
            self.end_tick = max(self.end_tick, tick)
            self.hits += not entry.opened
            self.misses += entry.opened > 0
        self._feed.finished(entry, command.data, tick)

    def refresh_before_start(self, phase: int) -> None:
        """Put the latest due time of refresh ``phase`` ticks before tick 1, as an idle channel would have served it."""
        name = self._policy.refresh
        if name == "none":
            return
        phase %= self._table.refresh_interval
        command, tick = self._table.commands[name], 1 - phase
        self._refresh_offset = phase - 1
        for node in self._nodes if phase else ():
            if not any(node[command.depth :]):
                tick += (1 - tick) % command.align
                self.channel.hold_back(command, node[: command.depth], tick)
                tick += command.bus_ticks

    def close(self, end: int) -> Generator[simpy.Event, None, int]:
        """Close all rows from tick ``end`` + 1 on, after all work; the tick from which rows may be opened again."""
        command, idle = self._table.precharge_all, end
        for rank in dict.fromkeys(node[: command.depth] for node in self._nodes):
            if all(bank.open_row is None for _, bank in self.channel.banks_under(rank)):
                continue
            tick = yield from self._wait_until_ready(command, rank, end + 1)
            if self._table.mode_switch is not None and command.mode not in ("any", self.channel.mode):
                yield self._switch_mode(tick)
                tick = yield from self._wait_until_ready(command, rank, tick)
            self._write_log(tick, command, rank, -1, -1)
            yield self.channel.issue(command, rank, -1)
            idle = max(idle, tick + self._table.rest_ticks())
        return idle

    def _wait_until_ready(
        self, command: ReferenceCommand, node: Node, from_tick: int
    ) -> Generator[simpy.Event, None, int]:
        tick = max(from_tick, self.channel.free_from(command, node))
        tick += (1 - tick) % command.align
        yield self._env.timeout(tick - int(self._env.now))
        return tick

    def _write_log(self, tick: int, command: ReferenceCommand, node: Node, row: int, column: int) -> None:
        address = pad(node, len(self._table.counts))
        self.log.append(LoggedCommand(tick, command.name, address, row, column))

    def _next_change(self, tick: int) -> int | None:
        """The next tick in which a queue entry may become ready, the feed does anything, or a refresh is due.

        Nothing issued in ``tick``, so until then every pass would decide as it just did. None: not before the feed has
        news.
        """
        ticks = []
        for entry in self._queues.heads():
            step = self._next_step(entry)
            free = self._free_from(step)
            if free is not None and (free > tick or step.command.align > 1 or step.command is self._table.barrier):
                ticks.append(max(free, tick + 1))
        change = self._feed.next_change(tick)
        if change is not None:
            ticks.append(change)
        if self._queues.busy and not ticks:
            raise SimulationStalled(f"tick {tick}: nothing that waits can ever issue")
        if self._policy.refresh != "none":
            ticks.append(self._refresh_due(tick))
        return min(ticks, default=None)
