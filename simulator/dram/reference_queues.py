"""What waits in the reference engine: requests, near-bank programs, and the queues that hold them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from simulator.config.dram_schema import Controller


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """A read (``R``) or write (``W``) of one burst; ``arrival`` is the first tick at which it may be offered."""

    kind: Literal["R", "W"]
    bank: int
    row: int
    column: int = 0
    arrival: int = 0


@dataclass(frozen=True, slots=True)
class ProgramEntry:
    """``count`` equal near-bank commands; ``bank`` (or the node that holds it) and ``row`` are theirs."""

    command: str
    count: int = 1
    bank: int = 0
    row: int = 0


@dataclass(eq=False)
class Entry:
    """Something queued: its command as asked, its place, and its age (``order`` of acceptance)."""

    command: str
    bank: int
    row: int
    column: int = -1
    order: int = 0
    arrival: int = 0
    memory: bool = False
    """An ordinary read or write, not a near-bank or refresh command."""
    index: int = -1
    """Position in the request list, for a request of one."""
    blocking: bool = False
    """Whether the host waits for its answer."""
    opened: int = 0
    """Rows opened on the way to it."""


class Feed(Protocol):
    """Where a channel's work comes from; it knows the channel's queues."""

    @property
    def pending(self) -> bool:
        """Whether anything may come that the queues have not accepted yet, or an answer is still out."""

    def offer(self, tick: int) -> None:
        """Begin a tick: hand over what the queues accept, and give the answers that are due."""

    def next_change(self, tick: int) -> int | None:
        """The next tick after ``tick`` in which the feed does anything by itself; None if it waits."""

    def finished(self, entry: Entry, data: str, tick: int) -> None:
        """The final command of ``entry`` is complete at ``tick``; ``data``: ``none``, ``read`` or ``write``."""


@dataclass
class Queues:
    """The queues of one channel (docs/dram-engine.md section 3)."""

    limits: Controller
    active: list[Entry] = field(default_factory=list)
    refresh: deque[Entry] = field(default_factory=deque)
    near_bank: deque[Entry] = field(default_factory=deque)
    reads: list[Entry] = field(default_factory=list)
    writes: list[Entry] = field(default_factory=list)
    write_mode: bool = False

    @property
    def busy(self) -> bool:
        """Whether accepted work is left (refreshes are not work)."""
        return bool(self.active or self.near_bank or self.reads or self.writes)

    def memory(self) -> Iterator[Entry]:
        """All memory requests that wait."""
        yield from self.active
        yield from self.reads
        yield from self.writes

    def oldest(self) -> Entry | None:
        """The memory request that was accepted first."""
        return min(self.memory(), key=lambda entry: entry.order, default=None)

    def heads(self) -> Iterator[Entry]:
        """All entries that may be considered in a tick."""
        yield from self.memory()
        if self.refresh:
            yield self.refresh[0]
        if self.near_bank:
            yield self.near_bank[0]

    def served_buffer(self) -> list[Entry]:
        """The buffer that is served now; evaluates the write mode."""
        drain = self.limits.write_drain
        size = self.limits.write_queue
        if not self.write_mode and (len(self.writes) > drain.high * size or not self.reads):
            self.write_mode = True
        elif self.write_mode and len(self.writes) < drain.low * size and self.reads:
            self.write_mode = False
        return self.writes if self.write_mode else self.reads

    def activate(self, entry: Entry) -> None:
        """Move a memory request whose row was opened to the active buffer."""
        for buffer in (self.reads, self.writes):
            if entry in buffer:
                buffer.remove(entry)
                self.active.append(entry)

    def remove(self, entry: Entry) -> None:
        """Forget a finished entry."""
        for queue in (self.active, self.reads, self.writes, self.refresh, self.near_bank):
            if entry in queue:
                queue.remove(entry)


class Driver:
    """Offers a request list and a near-bank program in order, each as far as the queues accept."""

    def __init__(self, requests: Sequence[MemoryRequest], program: Iterable[ProgramEntry], queues: Queues) -> None:
        self._requests = deque(enumerate(requests))
        self._program = deque(program)
        self._taken_of_run = 0
        self._queues = queues
        self._forward = "forward_any_read" in queues.limits.quirks
        self._order = 0
        self.completions: dict[int, int] = {}
        """Position in the request list -> the tick at which its data has moved."""

    @property
    def pending(self) -> bool:
        """Whether anything has not been accepted yet."""
        return bool(self._requests or self._program)

    def next_change(self, tick: int) -> int | None:
        """Arrival of the next request, if it is to come."""
        arrival = self._requests[0][1].arrival if self._requests else None
        return arrival if arrival is not None and arrival > tick else None

    def offer(self, tick: int) -> None:
        """Offer what has arrived by ``tick``, until a queue refuses."""
        while self._requests and self._requests[0][1].arrival <= tick and self._accept(tick, *self._requests[0]):
            self._requests.popleft()
        while self._program and len(self._queues.near_bank) < self._queues.limits.near_bank_queue:
            run = self._program[0]
            self._queues.near_bank.append(Entry(run.command, run.bank, run.row))
            self._taken_of_run += 1
            if self._taken_of_run >= run.count:
                self._program.popleft()
                self._taken_of_run = 0

    def finished(self, entry: Entry, data: str, tick: int) -> None:
        """Note when a request's data has moved."""
        del data
        if entry.memory:
            self.completions[entry.index] = tick

    def _accept(self, tick: int, index: int, request: MemoryRequest) -> bool:
        """Whether a buffer takes the request."""
        queues = self._queues
        if request.kind == "R" and self._forward and queues.writes:
            self.completions[index] = tick
            return True
        if request.kind == "R":
            command, buffer, size = "RD", queues.reads, queues.limits.read_queue
        else:
            command, buffer, size = "WR", queues.writes, queues.limits.write_queue
        if len(buffer) >= size:
            return False
        buffer.append(
            Entry(command, request.bank, request.row, request.column, self._order, tick, memory=True, index=index)
        )
        self._order += 1
        return True
