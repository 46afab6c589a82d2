"""Streams: consecutive bursts over all channels, as the memory controller serves them.

Exact, and for short streams: each runs on the channel engine from its own place in the refresh interval. Otherwise that
place is rounded (`PHASES`), and two runs serve all streams of a direction: one that starts just after a refresh and one
that starts with a refresh due. A stream follows the first until refresh falls due and the second from there on; beyond
the length that was run, the second repeats with the period of its last refresh intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.engines import EngineName
from simulator.dram.runs import DeviceRun, Stream
from simulator.units.dram_engine import MOST_KEPT, DramEngine
from simulator.units.dram_work import Work, added, work_of

Ticks = npt.NDArray[np.int64]

INTERVALS = 8
"""Refresh intervals of streaming that the long run covers; the first two are left to the start-up."""

LONG_RUN_BURSTS = 1 << 15
"""Length of the long run of a standard without refresh."""

PHASES = 256
"""Places in the refresh interval that streams tell apart unless the run is exact; each is the middle of its part."""

SHORT_BURSTS = 512
"""Bursts of a channel up to which a stream is always run by itself."""


@dataclass(frozen=True)
class StreamShape:
    """``n_bytes`` over ``channels`` channels, ``interleave_bytes`` to each in turn."""

    n_bytes: int
    channels: int
    interleave_bytes: int
    write: bool

    def classes(self, burst: int) -> list[tuple[int, int]]:
        """(bursts of ``burst`` bytes, channels with so many), the busiest first."""
        chunk = max(1, self.interleave_bytes // burst)
        bursts = -(-self.n_bytes // burst)
        rounds, rest = divmod(bursts, chunk * self.channels)
        full, part = divmod(rest, chunk)
        classes = [
            ((rounds + 1) * chunk, full),
            (rounds * chunk + part, 1 if part else 0),
            (rounds * chunk, self.channels - full - (1 if part else 0)),
        ]
        return [(n, count) for n, count in classes if n and count]


@dataclass(frozen=True)
class StreamWork:
    """A stream: what it did, and ``arrival``: bursts of the busiest channel -> ticks until they are there."""

    work: Work
    bursts: int
    arrival: Callable[[Ticks], Ticks]
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """What readers derive from this stream alone and want to keep as long as it is kept."""


class Streams:
    """All streams of one engine."""

    def __init__(self, engine: DramEngine) -> None:
        self.engine = engine
        self._curves: dict[bool, _Curve] = {}
        self._done: dict[tuple[StreamShape, int, bool], StreamWork] = {}

    def run(self, shape: StreamShape, tick: int, *, exact: bool) -> StreamWork:
        """The stream from ``tick`` on."""
        phase = self.engine.phase(tick)
        if not exact:
            phase = self._rounded(phase)
        key = (shape, phase, exact)
        found = self._done.get(key)
        if found is None:
            if len(self._done) >= MOST_KEPT:
                self._done.clear()
            short = shape.classes(self.engine.spec.organization.burst_bytes)[0][0] <= SHORT_BURSTS
            found = self._run_exact(shape, phase) if exact or short else self._run_curve(shape, phase)
            self._done[key] = found
        return found

    def _rounded(self, phase: int) -> int:
        interval = self.engine.interval
        return (2 * (phase * PHASES // interval) + 1) * interval // (2 * PHASES) if interval else 0

    def _run_exact(self, shape: StreamShape, phase: int) -> StreamWork:
        classes = shape.classes(self.engine.spec.organization.burst_bytes)
        segments = [Stream("W" if shape.write else "R", 0, n_bursts, channels) for n_bursts, channels in classes]
        run = self.engine.device.run_streams(segments, refresh_phase=phase)
        longest = classes[0][0]

        @cache
        def completions() -> Ticks:
            served = self.engine.requests(longest, phase, write=shape.write)
            return np.maximum.accumulate(served.completions)

        return StreamWork(work_of(run, self.engine.attribution), longest, lambda bursts: completions()[bursts - 1])

    def _run_curve(self, shape: StreamShape, phase: int) -> StreamWork:
        curve = self._curves.get(shape.write)
        if curve is None:
            curve = self._curves[shape.write] = _Curve(self.engine, write=shape.write)
        classes = shape.classes(self.engine.spec.organization.burst_bytes)
        longest = classes[0][0]
        end = int(curve.at(np.array([longest]), phase)[0])
        works = [(curve.work(n_bursts, end, phase), channels) for n_bursts, channels in classes]
        return StreamWork(_side_by_side(works), longest, lambda bursts: curve.at(bursts, phase))


def _side_by_side(works: list[tuple[Work, int]]) -> Work:
    """The sum over channels; time and what held it are the first's, which is the busiest."""
    total = added(works, works[0][0].end_ticks)
    return replace(total, ticks=works[0][0].ticks, held=works[0][0].held)


class _Curve:
    """Completion of the k-th burst of one channel, for streams of any length and phase."""

    def __init__(self, engine: DramEngine, *, write: bool) -> None:
        self._engine = engine
        self._write = write

    def _bursts(self, intervals: int) -> int:
        """Bursts that surely take ``intervals`` refresh intervals: the pins cannot do more."""
        spec = self._engine.spec
        if not self._engine.interval:
            return LONG_RUN_BURSTS
        organization = spec.organization
        burst_ps = organization.burst_bytes * 8 * 1e6 / (organization.data_pins * organization.data_rate_mbps)
        return int(intervals * self._engine.to_ps(self._engine.interval) / burst_ps) + 1

    @cached_property
    def _fresh(self) -> Ticks:
        """Completions of a stream that starts just after a refresh."""
        run = self._engine.requests(self._bursts(2), None, write=self._write)
        return np.maximum.accumulate(run.completions)

    @cached_property
    def _long_run(self) -> DeviceRun:
        return self._engine.requests(self._bursts(INTERVALS), 0, write=self._write)

    @cached_property
    def _long(self) -> Ticks:
        """Completions of a stream that starts with a refresh due."""
        return np.maximum.accumulate(self._long_run.completions)

    @cached_property
    def _period(self) -> tuple[int, int]:
        """(bursts, ticks) of the part of the long run that repeats."""
        interval = self._engine.interval
        if not interval:
            half = len(self._long) // 2
            return half, int(self._long[-1] - self._long[-1 - half])
        first, last = 2 * interval, (INTERVALS - 1) * interval
        served = np.searchsorted(self._long, np.array([first, last]), side="right")
        return int(served[1] - served[0]), last - first

    def _from_refresh(self, bursts: Ticks) -> Ticks:
        """Completion of burst number ``bursts`` (from 1) of a stream that starts with a refresh due."""
        served, ticks = self._period
        periods = np.maximum(0, -(-(bursts - len(self._long)) // served))
        found: Ticks = self._long[np.maximum(bursts - periods * served, 1) - 1] + periods * ticks
        return found

    @cached_property
    def _handover_ticks(self) -> int:
        """What a refresh in mid-stream costs over one at the start: the rows in use have to be closed first."""
        interval = self._engine.interval
        head, later = np.searchsorted(self._fresh, np.array([interval, interval + 3 * interval // 4]), side="right")
        return int(self._fresh[later - 1] - interval - self._from_refresh(np.array([later - head]))[0])

    def at(self, bursts: Ticks, phase: int) -> Ticks:
        """Completion of burst number ``bursts`` (from 1), started ``phase`` ticks after refresh fell due."""
        if not self._engine.interval or phase == 0:
            return self._from_refresh(bursts)
        due = self._engine.interval - phase
        wait = max(0, self._engine.refresh_ticks - phase)
        head = int(np.searchsorted(self._fresh, due - wait, side="right"))
        before = self._fresh[np.minimum(bursts, len(self._fresh)) - 1] + wait
        after = self._from_refresh(np.maximum(bursts - head, 1)) + due + self._handover_ticks
        return np.where(bursts <= head, before, after)

    @cached_property
    def _closing_ticks(self) -> int:
        """From the last data of a stream until its rows are closed."""
        run = self._engine.device.run_streams([Stream("W" if self._write else "R", 0, self._bursts(1), 1)])
        return run.idle_tick - run.end_tick

    def work(self, n_bursts: int, end: int, phase: int) -> Work:
        """Counts of one channel: reads or writes exactly, what comes with them as in the long run."""
        run, attribution = self._long_run, self._engine.attribution
        burst = self._engine.spec.organization.burst_bytes
        total = len(self._long)
        kind = "WR" if self._write else "RD"
        commands = {
            name: n_bursts if name == kind else round(count * n_bursts / total)
            for name, count in run.commands.items()
            if name not in self._refreshing
        }
        for name in self._refreshing:
            commands[name] = (phase + end) // self._engine.interval * self._engine.ranks if self._engine.interval else 0
        n_bytes = n_bursts * burst
        return Work(
            ticks=end + self._closing_ticks,
            end_ticks=end,
            commands=commands,
            open_ticks=round(run.active_ticks * n_bursts / total),
            bank_ticks=round(run.bank_ticks * n_bursts / total),
            read_bytes=0 if self._write else n_bytes,
            write_bytes=n_bytes if self._write else 0,
            array_bytes=n_bytes,
            held=attribution.held(end, commands),
        )

    @cached_property
    def _refreshing(self) -> tuple[str, ...]:
        return tuple(
            name for name, count in self._long_run.commands.items() if self._engine.spec.commands[name].refreshes
        )


@lru_cache(maxsize=8)
def _streams(document: str, engine: EngineName) -> Streams:
    return Streams(DramEngine(Dram.model_validate_json(document), engine))


def streams_for(spec: Dram, engine: EngineName) -> Streams:
    """The engine of a standard with its streams; equal standards share one, with all that it has already run."""
    return _streams(spec.model_dump_json(by_alias=True), engine)
