"""The event loop: requests arrive, copies step, caches move from copies that prefill to copies that decode."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

from simulator.errors import SimulationStalled
from simulator.system.serving.arrivals import Arrivals
from simulator.system.serving.copies import Copy, Costs, Fleet
from simulator.system.serving.observer import Census, Moment, Series
from simulator.system.serving.sequence import Sequence

Progress = Callable[[int, int], None]

_STEP, _TRANSFER = 0, 1


class Stream:
    """A request stream on ``copies`` of a model; run it once.

    A request goes to the copy with the fewest sequences. Where some copies only run prompts, its cache then crosses the
    fabric, one cache at a time in the order of completion, to the copy that decodes with the fewest.
    """

    def __init__(self, copies: list[Copy], costs: Costs, arrivals: Arrivals) -> None:
        self.copies = copies
        self.census, self.series = Census(), Series()
        self.answered: list[Sequence] = []
        self.now_ps = 0
        self.transferred_tokens = self.transfers = self.transfer_ps = 0
        self._fleet = Fleet(copies)
        self._costs = costs
        self._arrivals = arrivals
        self._events: list[tuple[int, int, int]] = []
        self._outgoing: deque[tuple[Copy, Sequence]] = deque()
        self._moving: tuple[Copy, Sequence, Copy, Sequence] | None = None

    def run(self, total: int, progress: Progress | None = None) -> None:
        """Until ``total`` requests are answered. Raises SimulationStalled if that cannot be, CapacityError."""
        self._advance()
        while len(self.answered) < total:
            at_ps = self._next_ps()
            if at_ps is None:
                raise SimulationStalled(
                    f"{total - len(self.answered)} requests wait and no copy of the model can run one"
                )
            self.now_ps = at_ps
            before = len(self.answered)
            while self._events and self._events[0][0] == at_ps:
                _, kind, index = heapq.heappop(self._events)
                self._end_step(self.copies[index]) if kind == _STEP else self._end_transfer()
            self._advance()
            if progress is not None and len(self.answered) > before:
                progress(len(self.answered), total)

    def _next_ps(self) -> int | None:
        known = [
            at for at in (self._events[0][0] if self._events else None, self._arrivals.next_ps()) if at is not None
        ]
        return min(known, default=None)

    def _advance(self) -> None:
        """What can begin now: new requests, a move of a cache, steps."""
        for request in self._arrivals.due(self.now_ps):
            sequence = Sequence(request, self.now_ps, request.prompt_tokens)
            self._fleet.for_prompt().scheduler.submit(sequence)
            self.census.change(self.now_ps, 1)
        self._start_transfer()
        for copy in self.copies:
            if copy.plan is None and (copy.scheduler.running or copy.scheduler.waiting):
                self._start_step(copy)
        if self.series.wants(self.now_ps):
            self.series.add(self._moment())

    def _start_step(self, copy: Copy) -> None:
        took_ps = copy.start(self._costs)
        if took_ps is None:
            return
        assert copy.plan is not None
        for sequence, _ in copy.plan.chunks:
            if sequence.admitted_ps < 0:
                sequence.admitted_ps = self.now_ps
        heapq.heappush(self._events, (self.now_ps + took_ps, _STEP, copy.index))

    def _end_step(self, copy: Copy) -> None:
        plan, copy.plan = copy.plan, None
        assert plan is not None
        for sequence in copy.scheduler.finish(plan, self.now_ps):
            self._answered(sequence)
        if not copy.decodes:
            for sequence, _ in plan.chunks:
                if sequence.decoding and not sequence.finished:
                    self._outgoing.append((copy, sequence))
                    copy.scheduler.hold(sequence)

    def _answered(self, sequence: Sequence) -> None:
        self.answered.append(sequence)
        self.census.change(self.now_ps, -1)
        self._arrivals.answered()

    def _start_transfer(self) -> None:
        """The first cache in line crosses the fabric as soon as that is free and there is room at its goal."""
        if self._moving or not self._outgoing:
            return
        source, sequence = self._outgoing[0]
        goal = self._fleet.for_answer()
        scheduler, twin = goal.scheduler, sequence.twin()
        full = len(scheduler.running) + goal.incoming >= scheduler.serving.max_sequences
        if full or scheduler.waiting or not scheduler.receive(twin):
            return
        self._outgoing.popleft()
        goal.incoming += 1
        self._moving = source, sequence, goal, twin
        took_ps = self._costs.transfer_ps(scheduler.pool.kept(sequence.cached))
        self.transfers += 1
        self.transferred_tokens += sequence.cached
        self.transfer_ps += took_ps
        heapq.heappush(self._events, (self.now_ps + took_ps, _TRANSFER, goal.index))

    def _end_transfer(self) -> None:
        assert self._moving is not None
        source, sequence, goal, twin = self._moving
        self._moving = None
        source.scheduler.pool.release(sequence)
        goal.incoming -= 1
        goal.scheduler.enter(twin)

    def _moment(self) -> Moment:
        schedulers = [copy.scheduler for copy in self.copies]
        running = sum(len(scheduler.running) for scheduler in schedulers)
        used = sum(scheduler.pool.used for scheduler in schedulers)
        return Moment(self.now_ps, self.census.inside - running, running, used)
