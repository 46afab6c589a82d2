"""The reference engine's host: a front end that hands a program's requests to the channels, one a cycle.

It does what docs/near-bank-isa.md says under "Front end". A request that the front end looks at in cycle c can be
served from tick c + 1 on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import simpy

from simulator.dram.program import END, HOST_CYCLES, HostProgram
from simulator.dram.program import SYNC as SYNC_CODE
from simulator.dram.reference import Controller
from simulator.dram.reference_queues import Entry, Queues
from simulator.dram.reference_table import SYNC


@dataclass(frozen=True, slots=True)
class HostRequest:
    """One request of a program; ``command`` may be SYNC."""

    command: str
    count: int
    bank: int
    row: int
    blocking: bool
    memory: bool


@dataclass(slots=True)
class Answer:
    """Something that goes back to the host, not before tick ``due``. ``awaited``: the host waits for it."""

    due: int
    awaited: bool
    after_writes: bool


class Answers:
    """What a channel sends back: in order, at most one a tick; a barrier's also waits for all that sends nothing."""

    def __init__(self) -> None:
        self._waiting: deque[Answer] = deque()
        self._writes_done = 0

    def expect(self, answer: Answer) -> None:
        """Something was read, or a barrier was reached."""
        self._waiting.append(answer)

    def written(self, tick: int) -> None:
        """What sends no answer is complete at ``tick``."""
        self._writes_done = max(self._writes_done, tick)

    @property
    def barrier(self) -> bool:
        """Whether a barrier's answer is out."""
        return any(answer.after_writes for answer in self._waiting)

    def next_tick(self, tick: int) -> int | None:
        """The next tick after ``tick`` in which an answer leaves, as far as is known."""
        if not self._waiting:
            return None
        head = self._waiting[0]
        return max(tick + 1, head.due, self._writes_done + 1 if head.after_writes else 0)

    def give(self, tick: int) -> bool:
        """Let the first answer leave if it may in ``tick``; whether the host waits for it."""
        return self.next_tick(tick - 1) == tick and self._waiting.popleft().awaited


class Port:
    """A channel's end of the front end, the feed of its controller."""

    def __init__(self, env: simpy.Environment, queues: Queues, *, forward: bool) -> None:
        self.closed = False
        """Whether the host has no more requests."""
        self._env = env
        self._queues = queues
        self._forward = forward
        self._answers = Answers()
        self._order = 0
        self._request: HostRequest | None = None
        self._from_tick = 0
        self._held_back: deque[Entry] = deque()
        self._accepted = env.event()
        self._answered = env.event()

    def present(self, request: HostRequest, cycle: int) -> simpy.Event:
        """Look at a request from ``cycle`` on; happens, with the cycle, when all of it has been accepted."""
        self._request, self._from_tick = request, cycle + 1
        self._accepted, self._answered = self._env.event(), self._env.event()
        self._held_back.extend([] if request.memory else _entries(request))
        return self._accepted

    @property
    def answered(self) -> simpy.Event:
        """Happens, with the tick, when the host has the answer to the request that was presented last."""
        return self._answered

    @property
    def pending(self) -> bool:
        """Whether requests may come, one is not accepted yet, or a barrier is not answered."""
        return not self.closed or self._request is not None or self._answers.barrier

    @property
    def left(self) -> int:
        """Commands accepted by the host that have not been served."""
        queues = self._queues
        return len(queues.active) + len(queues.reads) + len(queues.writes) + len(queues.near_bank)

    def next_change(self, tick: int) -> int | None:
        """When a request comes, or an answer leaves."""
        coming = self._from_tick if self._request is not None and self._from_tick > tick else None
        leaving = self._answers.next_tick(tick)
        return min((at for at in (coming, leaving) if at is not None), default=None)

    def offer(self, tick: int) -> None:
        """Accept what the queues have room for, then let an answer leave."""
        if self._request is not None and tick >= self._from_tick and self._accept(self._request, tick):
            self._request = None
            self._accepted.succeed(tick - 1)
        if self._answers.give(tick):
            self._answered.succeed(tick)

    def _accept(self, request: HostRequest, tick: int) -> bool:
        return self._accept_memory(request, tick) if request.memory else self._accept_near_bank()

    def _accept_memory(self, request: HostRequest, tick: int) -> bool:
        """An ordinary request enters its buffer while no near-bank command waits."""
        queues, read = self._queues, request.command == "RD"
        buffer, size = (queues.reads, queues.limits.read_queue) if read else (queues.writes, queues.limits.write_queue)
        if queues.near_bank or len(buffer) >= size:
            return False
        if read and self._forward and queues.writes:
            self._answers.expect(Answer(tick, awaited=False, after_writes=False))
            return True
        buffer.append(Entry(request.command, request.bank, request.row, 0, self._order, tick, memory=True))
        self._order += 1
        return True

    def _accept_near_bank(self) -> bool:
        """A run enters the near-bank queue bit by bit, once no ordinary request waits in a buffer."""
        queues = self._queues
        if queues.reads or queues.writes:
            return False
        while self._held_back and len(queues.near_bank) < queues.limits.near_bank_queue:
            queues.near_bank.append(self._held_back.popleft())
        return not self._held_back

    def finished(self, entry: Entry, data: str, tick: int) -> None:
        """Note what goes back to the host."""
        if entry.command == SYNC:
            self._answers.expect(Answer(tick + 1, awaited=True, after_writes=True))
        elif data == "read":
            self._answers.expect(Answer(tick, awaited=entry.blocking, after_writes=False))
        else:
            self._answers.written(tick)


def _entries(request: HostRequest) -> Iterator[Entry]:
    """A run's commands one by one; the host waits for the last."""
    for number in range(request.count):
        last = number == request.count - 1
        yield Entry(request.command, request.bank, request.row, blocking=request.blocking and last)


class Host:
    """The front end of a program. ``masks`` [masks, channels]: who takes part in the requests that name a mask."""

    def __init__(
        self,
        env: simpy.Environment,
        program: HostProgram,
        names: Sequence[str],
        masks: Sequence[Sequence[bool]],
        channels: Sequence[tuple[Port, Controller]],
    ) -> None:
        self._env = env
        self._requests = program.requests.tolist()
        self._names = names
        self._masks = masks
        self._channels = channels

    @property
    def ends(self) -> bool:
        """Whether the program says where it ends."""
        return bool(self._requests) and self._requests[-1][0] == END

    def run(self) -> Generator[simpy.Event, Any, int]:
        """The process: requests in order, each accepted by all its channels before the next.

        Gives the tick of the last answer that it waited for.
        """
        cycle = answered = 0
        for code, count, *rest in self._requests:
            if code == HOST_CYCLES:
                cycle += count
                continue
            request, mask = self._request(code, count, *rest)
            chosen = list(compress(self._channels, self._masks[mask]))
            accepted = yield self._env.all_of([self._present(request, cycle, *channel) for channel in chosen])
            if request.blocking:
                answers = yield self._env.all_of([port.answered for port, _ in chosen])
                cycle = answered = max([cycle, *answers.values()])
            else:
                cycle = max([cycle, *accepted.values()]) + 1
        for port, controller in self._channels:
            port.closed = True
            controller.tell()
        return answered

    def _request(  # noqa: PLR0913 -- a row of a program
        self, code: int, count: int, bank: int, row: int, mask: int, blocking: int, memory: int
    ) -> tuple[HostRequest, int]:
        command = SYNC if code in (SYNC_CODE, END) else self._names[code]
        return HostRequest(command, count, bank, row, bool(blocking), bool(memory)), mask

    @staticmethod
    def _present(request: HostRequest, cycle: int, port: Port, controller: Controller) -> simpy.Event:
        event = port.present(request, cycle)
        controller.tell()
        return event
