"""Near-bank programs beside streams in one memory whose banks have a row buffer for each (NeuPIMs).

Programs and streams are two lanes, each in order. Alone, either is what the command-level engine gives. While both have
work, each goes on at a pace that a command-level run of both on one channel has shown: for streams the share of the
pins that a program leaves, for programs how much longer they take. What is under way when the other lane gets work is
slowed from there on, and its reader waits for it (`Lane.delay_ticks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.dram.program import HostProgram
from simulator.dram.runs import Issued
from simulator.units.dram_engine import DramEngine

MOST_BURSTS = 1 << 20
"""Bursts of the stream beside a program, at most."""


@dataclass(frozen=True)
class Paces:
    """Speed of each lane, as a part of its speed alone, while the other works all the time."""

    program: float
    stream: float


def measure(engine: DramEngine, program: HostProgram) -> Paces:
    """The paces of one channel's program beside a stream of reads that outlasts it; kept with the engine."""
    key = ("side_by_side", program.key)
    found: Paces | None = engine.memo.get(key)
    if found is None:
        found = engine.memo[key] = _measure(engine, program)
    return found


def _measure(engine: DramEngine, program: HostProgram) -> Paces:
    alone = engine.device.run_requests(engine.burst_list(0, write=False), program, refresh_phase=0).end_tick
    bursts = max(64, alone)
    while True:
        both = engine.device.run_requests(engine.burst_list(bursts, write=False), program, refresh_phase=0, log=True)
        assert both.issued is not None
        ended = _program_end(engine, both.issued)
        if both.completions.max() >= ended or bursts >= MOST_BURSTS:
            break
        bursts *= 2
    done = int(np.count_nonzero(both.completions <= ended))
    stream = engine.device.run_requests(engine.burst_list(bursts, write=False), refresh_phase=0).completions
    pace = min(1.0, int(np.sort(stream)[done - 1]) / ended) if done else 0.0
    return Paces(min(1.0, alone / ended), pace)


def _program_end(engine: DramEngine, issued: Issued) -> int:
    """The completion of the last command of a program, which alone opens near-bank rows or reads sums."""
    commands = list(engine.resolved.commands.values())
    near_bank = np.array([bool(c.internal_bytes) for c in commands])
    latency = np.array([c.latency for c in commands])
    chosen = near_bank[issued.command]
    return int((issued.tick + latency[issued.command])[chosen].max())


@dataclass
class Lane:
    """One kind of work: when its present stretch began and ends, and all ticks that were added to ends once told."""

    since: int = 0
    until: int = 0
    delay_ticks: int = 0


class SideBySide:
    """The two lanes of one memory."""

    def __init__(self) -> None:
        self.programs = Lane()
        self.streams = Lane()
        self._paces = Paces(1.0, 1.0)
        self._demand = 1.0

    def add_program(self, start: int, ticks: int, paces: Paces) -> int:
        """A program that takes ``ticks`` alone begins at ``start``; the tick at which it ends."""
        self._paces = paces
        return self._add(self.programs, self.streams, start, ticks)

    def add_stream(self, start: int, ticks: int, demand: float) -> int:
        """As `add_program`, a stream whose reader takes data at ``demand`` of the pace at which pins bring it alone."""
        self._demand = demand
        return self._add(self.streams, self.programs, start, ticks)

    def _pace(self, lane: Lane) -> float:
        """A reader that is slower than the pins feels only what they lack of its pace, and disturbs so much less."""
        if lane is self.programs:
            return 1 - (1 - self._paces.program) * self._demand
        return min(1.0, self._paces.stream / self._demand) if self._demand else 1.0

    def _add(self, lane: Lane, other: Lane, start: int, ticks: int) -> int:
        if start > lane.until:
            lane.since = start
        begin = max(start, other.since)
        alone = min(ticks, begin - start)
        mine, theirs = ticks - alone, other.until - begin
        end = start + ticks
        if mine and theirs > 0:
            end, later = _share(begin, mine, self._pace(lane), theirs, self._pace(other))
            other.delay_ticks += later - other.until
            other.until = later
        lane.until = end
        return end


def _share(begin: int, mine: int, my_pace: float, theirs: int, their_pace: float) -> tuple[int, int]:
    """(my end, their end) of two works side by side from ``begin`` on, given what each would take alone."""
    my_time, their_time = _at(mine, my_pace), _at(theirs, their_pace)
    if my_time <= their_time:
        return begin + my_time, begin + my_time + max(0, theirs - int(my_time * their_pace))
    return begin + their_time + max(0, mine - int(their_time * my_pace)), begin + their_time


def _at(ticks: int, pace: float) -> int:
    """Ticks that work takes at a pace, rounded up."""
    return -int(-ticks // pace) if pace > 0 else 1 << 50
