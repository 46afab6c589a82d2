"""The reference engine's controller with command queues, one a bank or one a rank (docs/dram-engine.md section 12)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import simpy

from simulator.config.dram_schema import Dram
from simulator.dram.log import LoggedCommand
from simulator.dram.reference_queues import MemoryRequest
from simulator.dram.reference_refresh import RefreshClock
from simulator.dram.reference_state import Channel, pad
from simulator.dram.reference_table import Node, ReferenceCommand, ReferenceTable
from simulator.errors import SimulationStalled


@dataclass(eq=False)
class Waiting:
    """A request in a buffer or a command queue; ``requests``: the positions in the list that complete with it."""

    command: ReferenceCommand
    write: bool
    bank: Node
    row: int
    column: int
    requests: list[int] = field(default_factory=list)

    @property
    def burst(self) -> tuple[Node, int, int]:
        """What it reads or writes."""
        return self.bank, self.row, self.column


class QueuedController:
    """The controller of one channel: requests wait in two buffers, move to command queues, and issue from there."""

    def __init__(self, env: simpy.Environment, spec: Dram, requests: Sequence[MemoryRequest]) -> None:
        self.log: list[LoggedCommand] = []
        self.completions: dict[int, int] = {}
        self.end_tick = 0
        self._env = env
        self._policy = spec.controller
        self._table = ReferenceTable(spec)
        self._channel = Channel(env, self._table)
        self._nodes = list(self._channel.banks)
        self._refreshes = RefreshClock(self._table, spec.controller)
        self._requests = list(enumerate(requests))
        self._reads: list[Waiting] = []
        self._writes: list[Waiting] = []
        self._draining = 0
        self._due: list[Node] = []
        depth = len(self._table.counts) if spec.controller.scheduler == "BANK_QUEUES" else self._table.rank_depth
        self._depth = depth
        self._queues: dict[Node, list[Waiting]] = {node[:depth]: [] for node in self._nodes}
        self._order = list(self._queues)
        self._turn = 0
        self._hits: dict[Node, int] = dict.fromkeys(self._nodes, 0)

    def run(self) -> Generator[simpy.Event, None, None]:
        """The process: tick by tick while requests are left, passing over ticks in which nothing can change."""
        while True:
            tick = int(self._env.now)
            self._offer(tick)
            self._due += [self._refreshes.next_bank() for _ in range(self._refreshes.fall_due(tick))]
            commands = yield from self._serve(tick)
            moved = self._move(flush=not self._requests and tick > self.end_tick)
            if not (self._requests or self._reads or self._writes or any(self._queues.values())):
                return
            yield self._env.timeout(1 if commands or moved else self._next_change(tick) - tick)

    def _offer(self, tick: int) -> None:
        """Accept requests that have arrived, in order, until a buffer is full."""
        while self._requests and self._requests[0][1].arrival <= tick:
            index, request = self._requests[0]
            write = request.kind == "W"
            buffer = self._writes if write else self._reads
            if len(buffer) >= (self._policy.write_queue if write else self._policy.read_queue):
                return
            self._requests.pop(0)
            name = "WR" if write else "RD"
            name = self._table.twins[name] if self._policy.page_policy == "closed" else name
            place = self._nodes[request.bank]
            entry = Waiting(self._table.commands[name], write, place, request.row, request.column, [index])
            if not (self._policy.forwarding and self._spared(entry, tick)):
                buffer.append(entry)

    def _spared(self, entry: Waiting, tick: int) -> bool:
        """Whether a waiting write answers a read, or a waiting request of the kind does the work of both."""
        alike = [other for other in self._all() if other.burst == entry.burst]
        if not entry.write and any(other.write for other in alike):
            self._complete(entry, tick + 1)
            return True
        twin = next((other for other in alike if other.write == entry.write), None)
        if twin is not None:
            twin.requests += entry.requests
        return twin is not None

    def _all(self) -> Iterator[Waiting]:
        yield from self._reads
        yield from self._writes
        for queue in self._queues.values():
            yield from queue

    def _complete(self, entry: Waiting, tick: int) -> None:
        self.completions |= dict.fromkeys(entry.requests, tick)
        self.end_tick = max(self.end_tick, tick)

    def _serve(self, tick: int) -> Generator[simpy.Event, None, list[ReferenceCommand]]:
        """The commands of a tick: a refresh's or a request's; with two buses a second one for the other bus."""
        issued: list[ReferenceCommand] = []
        blocked = self._blocked()
        if self._due:
            refresh = self._refresh_step(tick)
            if refresh is not None:
                yield self._issue(tick, *refresh)
                issued.append(refresh[0])
                if refresh[0].name == self._policy.refresh:
                    self._due.pop(0)
                    blocked = set()
        while len(issued) < len(self._table.buses):
            busy = issued[0].bus if issued else None
            entry = self._pick(tick, blocked, busy)
            if entry is None:
                break
            command = self._step(entry)
            if command.bus == busy:
                break
            final = command is entry.command
            yield self._issue(tick, command, entry.bank, entry.row, entry.column if final else -1)
            issued.append(command)
            if final:
                self._queues[entry.bank[: self._depth]].remove(entry)
                self._complete(entry, tick + command.latency)
        return issued

    def _blocked(self) -> set[Node]:
        """The queues that wait for the refresh at the head."""
        if not self._due:
            return set()
        command = self._table.commands[self._policy.refresh]
        node = self._table.node_of(command, self._due[0])
        return {bank[: self._depth] for bank, _ in self._channel.banks_of(command, node)}

    def _refresh_step(self, tick: int) -> tuple[ReferenceCommand, Node, int, int] | None:
        """What brings the refresh at the head forward, if that may issue: the first open bank that may close, or it."""
        command = self._table.commands[self._policy.refresh]
        node = self._table.node_of(command, self._due[0])
        is_open = [bank for bank, state in self._channel.banks_of(command, node) if state.open_row is not None]
        closer = self._table.commands[command.closer or ""]
        for bank in is_open:
            if self._allowed(closer, bank, tick):
                return closer, bank, -1, -1
        return (command, self._due[0], -1, -1) if not is_open and self._allowed(command, self._due[0], tick) else None

    def _allowed(self, command: ReferenceCommand, bank: Node, tick: int, ignored_bus: str | None = None) -> bool:
        return self._allowed_from(command, bank, ignored_bus) <= tick and (tick - 1) % command.align == 0

    def _allowed_from(self, command: ReferenceCommand, bank: Node, ignored_bus: str | None = None) -> int:
        free = self._channel.allowed_from(command, self._table.node_of(command, bank))
        return free if command.bus == ignored_bus else max(free, self._channel.bus_free[command.bus])

    def _step(self, entry: Waiting) -> ReferenceCommand:
        """The next command of a request."""
        row = self._channel.banks[entry.bank].open_row
        if row == entry.row:
            return entry.command
        name = entry.command.opener if row is None else entry.command.closer
        return self._table.commands[name or ""]

    def _pick(self, tick: int, blocked: set[Node], ignored_bus: str | None) -> Waiting | None:
        """Go round the queues, from the one after the last that was looked at, to the first with a ready request."""
        for _ in self._order:
            self._turn = (self._turn + 1) % len(self._order)
            place = self._order[self._turn]
            if place in blocked:
                continue
            queue = self._queues[place]
            for entry in queue:
                if self._allowed(self._step(entry), entry.bank, tick, ignored_bus) and self._may(entry, queue):
                    return entry
        return None

    def _may(self, entry: Waiting, queue: list[Waiting]) -> bool:
        """Whether no other request of the queue forbids an entry's next command."""
        command = self._step(entry)
        before = queue[: queue.index(entry)]
        if command is entry.command:
            return not (entry.write and any(not other.write and other.burst == entry.burst for other in before))
        if command.opens:
            return True
        if any(other.bank == entry.bank for other in before):
            return False
        cap = self._policy.row_hit_cap
        if cap is not None and self._hits[entry.bank] >= cap:
            return True
        row = self._channel.banks[entry.bank].open_row
        return not any(other.bank == entry.bank and other.row == row for other in queue)

    def _issue(self, tick: int, command: ReferenceCommand, bank: Node, row: int, column: int) -> simpy.Event:
        node = self._table.node_of(command, bank)
        shown = row if command.opens or command.row == "open" else -1
        self.log.append(LoggedCommand(tick, command.name, pad(node, len(self._table.counts)), shown, column))
        for place, _ in self._channel.banks_of(command, node):
            self._hits[place] = 0 if command.closes else self._hits[place] + (column >= 0)
        return self._channel.issue(command, node, row)

    def _move(self, *, flush: bool) -> bool:
        """Move the first request of the buffer being served whose command queue has room."""
        drain, size = self._policy.write_drain, self._policy.write_queue
        queued = any(self._queues.values())
        if not self._draining and self._writes:
            full = len(self._writes) >= drain.high * size
            idle = len(self._writes) > drain.low * size and not queued
            if full or idle or (flush and not self._reads and not queued):
                self._draining = len(self._writes)
        if self._draining:
            moved = self._move_from(self._writes)
            if moved or self._draining:
                return moved
        return self._move_from(self._reads)

    def _move_from(self, buffer: list[Waiting]) -> bool:
        """Move the first request of a buffer whose queue has room; a write that a read must precede ends the batch."""
        for entry in buffer:
            queue = self._queues[entry.bank[: self._depth]]
            if len(queue) >= self._policy.command_queue:
                continue
            if entry.write and self._policy.forwarding and self._read_waits(entry):
                self._draining = 0
                return False
            self._draining -= entry.write
            buffer.remove(entry)
            queue.append(entry)
            return True
        return False

    def _read_waits(self, write: Waiting) -> bool:
        return any(not other.write and other.burst == write.burst for other in self._all())

    def _next_change(self, tick: int) -> int:
        """The next tick at which anything may be different; nothing issued or moved in this one."""
        ticks = [self._allowed_from(self._step(entry), entry.bank) for entry in self._all()]
        if self._due:
            command = self._table.commands[self._policy.refresh]
            node = self._table.node_of(command, self._due[0])
            closer = self._table.commands[command.closer or ""]
            ticks += [self._allowed_from(closer, bank) for bank, _ in self._channel.banks_of(command, node)]
            ticks.append(self._allowed_from(command, self._due[0]))
        if self._requests:
            ticks.append(self._requests[0][1].arrival)
        ticks.append(self.end_tick + 1)
        ticks.append(self._refreshes.next_due(tick) or 0)
        later = [when for when in ticks if when > tick]
        aligned = any(command.align > 1 for command in self._table.commands.values())
        if not later and not aligned:
            raise SimulationStalled(f"tick {tick}: nothing that waits can ever issue")
        return tick + 1 if aligned else min(later)
