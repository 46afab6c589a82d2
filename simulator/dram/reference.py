"""The reference engine: one DRAM channel as a SimPy process, one event per command. Written to be read, not to be fast.

It does what docs/dram-engine.md sections 3 to 6 say and nothing else; the compiled engine must agree with it tick for
tick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import simpy

from simulator.config.dram_schema import Dram, PagePolicy, RefreshPolicy
from simulator.config.policy_checks import COMMAND_QUEUES
from simulator.dram.log import LoggedCommand
from simulator.dram.reference_choice import Choice, Chooser
from simulator.dram.reference_command_queues import QueuedController
from simulator.dram.reference_queues import Driver, Entry, Feed, MemoryRequest, ProgramEntry, Queues
from simulator.dram.reference_refresh import RefreshClock
from simulator.dram.reference_state import Channel, pad
from simulator.dram.reference_table import Node, ReferenceCommand, ReferenceTable
from simulator.errors import ConfigError, SimulationStalled

__all__ = ["MemoryRequest", "ProgramEntry", "ReferenceRun", "run_reference"]


@dataclass(frozen=True)
class ReferenceRun:
    """What a run did. ``completions``: for each memory request the tick at which its data has moved.

    ``end_tick``: the last completion of any final command, 0 if there was none; ``counts``: commands issued, by name.
    """

    end_tick: int
    completions: tuple[int, ...]
    counts: dict[str, int]
    log: tuple[LoggedCommand, ...]


def run_reference(
    spec: Dram,
    requests: Sequence[MemoryRequest] = (),
    program: Sequence[ProgramEntry] = (),
    *,
    page_policy: PagePolicy | None = None,
    refresh: RefreshPolicy | None = None,
) -> ReferenceRun:
    """Run memory requests and a near-bank program on a fresh channel until all of it is complete.

    Both are offered in order as their queues accept (section 3); arrivals must not decrease. ``page_policy`` and
    ``refresh`` replace the standard's. Raises SimulationStalled if work is left that nothing can ever bring on.
    """
    changes = {"page_policy": page_policy, "refresh": refresh}
    controller = spec.controller.model_copy(update={key: value for key, value in changes.items() if value is not None})
    spec = spec.model_copy(update={"controller": controller})
    env = simpy.Environment()
    if controller.scheduler in COMMAND_QUEUES:
        if program:
            raise ConfigError(f"{spec.name}: the scheduler {controller.scheduler} serves no near-bank programs")
        process = QueuedController(env, spec, requests)
        env.run(until=env.process(process.run()))
        return _finished(process.end_tick, process.completions, process.log)
    queues = Queues(controller)
    driver = Driver(requests, program, queues)
    channel = Controller(env, ReferenceTable(spec), queues, driver)
    env.process(channel.run())
    env.run(until=channel.drained)
    return _finished(channel.end_tick, driver.completions, channel.log)


def _finished(end_tick: int, completions: Mapping[int, int], log: Sequence[LoggedCommand]) -> ReferenceRun:
    counts = Counter(entry.command for entry in log)
    return ReferenceRun(end_tick, tuple(completions[i] for i in sorted(completions)), dict(counts), tuple(log))


class Controller:
    """The memory controller of one channel: a process that wakes in every tick in which something can happen."""

    def __init__(self, env: simpy.Environment, table: ReferenceTable, queues: Queues, feed: Feed) -> None:
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
        self._refreshes = RefreshClock(table, queues.limits)
        self._chooser = Chooser(self.channel, queues, self._refreshes)
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
                choice = self._chooser.choose(bus, tick)
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

    def _append_due_refreshes(self, tick: int) -> None:
        """What falls due in this tick joins the refresh queue, unless it was pulled in before."""
        for _ in range(self._refreshes.fall_due(tick)):
            self._chooser.refresh_falls_due()

    def _issue(self, choice: Choice, tick: int) -> simpy.Event:
        """Issue the choice's command, or a mode switch in its place (section 4, steps 6 and 7)."""
        entry, step = choice
        switch = self._table.mode_switch
        if switch is not None and step.final.mode not in ("any", self.channel.mode):
            return self._switch_mode(tick)
        if step.command is self._table.barrier:
            self._finish(entry, step.command, tick)
            return self._env.event().succeed()
        self._chooser.note(choice, tick)
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
        if self._table.refresh is None:
            return
        command = self._table.commands[self._table.refresh]
        tick = 1 - phase % self._table.refresh_interval
        for bank in self._refreshes.served_before_start(phase):
            tick += (1 - tick) % command.align
            self.channel.hold_back(command, self._table.node_of(command, bank), tick)
            tick += command.bus_ticks

    def close(self, end: int) -> Generator[simpy.Event, None, int]:
        """Close all rows from tick ``end`` + 1 on, after all work; the tick from which rows may be opened again."""
        command, idle = self._table.precharge_all, end
        for rank in dict.fromkeys(node[: command.depth] for node in self._nodes):
            if all(bank.rows.count(None) == len(bank.rows) for _, bank in self.channel.banks_of(command, rank)):
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
        ticks = self._chooser.changes(tick)
        change = self._feed.next_change(tick)
        if change is not None:
            ticks.append(change)
        if self._queues.busy and not ticks:
            raise SimulationStalled(f"tick {tick}: nothing that waits can ever issue")
        due = self._refreshes.next_due(tick)
        ticks += [] if due is None else [due]
        return min(ticks, default=None)
