"""The compiled engine behind checked, named calls: programs, request lists and streams on channels of one standard.

Each driver of the kernel is imported where it is used: its compilation takes seconds when the cache on disk is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.address import AddressMapping
from simulator.dram.kernel import closing, open_time
from simulator.dram.kernel import state as k
from simulator.dram.kernel.near_bank_queue import X_FIELDS
from simulator.dram.program import END, HostProgram
from simulator.dram.runs import (
    NO_TIMES,
    ChannelRun,
    Classes,
    DeviceRun,
    Issued,
    RequestList,
    Stream,
    device_run,
)
from simulator.dram.stream_memory import StreamMemory, channel_mapping
from simulator.dram.tables import compile_tables, fresh_channels, refresh_before_start
from simulator.errors import ConfigError, SimulationStalled

__all__ = ["REMEMBER_FROM", "Device", "DeviceRun", "Issued", "RequestList", "Stream"]

REMEMBER_FROM = 1 << 16
"""Bursts of a channel from which remembering stretches of a stream is worth its compilation (two seconds)."""

_NO_MAPPING = np.zeros((0, k.M_FIELDS), dtype=np.int64)
_Driver = Callable[[k.Ints, k.Ints, k.Ints, k.Ints, k.Ints, k.Ints, k.Ints, int, int], int]
_NO_RUNS = np.zeros((0, X_FIELDS), dtype=np.int64)


class Device:
    """All channels of one standard. A run is a pure function of its arguments; the object holds tables and reuse."""

    def __init__(self, spec: Dram) -> None:
        self.spec = spec
        self.tables = compile_tables(spec)
        self._names = tuple(spec.commands)
        self._queued = bool(self.tables[k.H_QUEUES])
        # What a stretch of a stream leaves behind is not described for these policies.
        self._no_memory = self._queued or bool(self.tables[k.H_MANAGED]) or spec.controller.bank_hash != "none"
        self._memories: dict[str, StreamMemory] = {}

    def run_program(self, program: HostProgram, *, refresh_phase: int | None = None, log: bool = False) -> DeviceRun:
        """Run a host program from tick 1 on idle channels with all banks precharged.

        ``refresh_phase``: ticks since refresh last fell due (0: it falls due at tick 1); None: refresh starts to
        count at tick 0. All rows are closed at the end (`idle_tick`, and the PREs, are part of the run); a program that
        ends with EOC ends there. Raises SimulationStalled when a request can never be served.
        """
        if self._queued:
            raise self._no_programs()
        from simulator.dram.kernel.front_end import run_host
        from simulator.dram.kernel.groups import N_COUNTERS

        classes, among = Classes.of_program(program)
        masks = among.astype(np.int64)
        ended = len(program.requests) > 0 and program.requests[-1, 0] == END
        room = 2 * program.n_commands * masks.shape[1] + 64 * len(program.requests) + 4096 if log else 0
        while True:
            channels = self._channels(masks.shape[1], refresh_phase)
            record = self._log(room)
            leader = np.arange(len(channels), dtype=np.int64)
            apart = np.zeros((len(channels) + 1, N_COUNTERS + int(self.tables[k.H_KINDS])), dtype=np.int64)
            end = run_host(self.tables, channels, record, NO_TIMES, program.requests, masks, leader, apart)
            if end >= k.NEVER:
                raise SimulationStalled(f"{self.spec.name}: a near-bank program can never finish")
            idle = end if ended else self._finish(channels, record, end)
            if record[0, 0] <= room or not log:
                return self._result(channels, record, int(end), int(idle), classes, log=log)
            room = int(record[0, 0])

    def run_requests(
        self,
        requests: RequestList,
        program: HostProgram | None = None,
        *,
        refresh_phase: int | None = None,
        log: bool = False,
    ) -> DeviceRun:
        """Serve memory requests on one channel, beside the commands of ``program`` (without the front end).

        ``completions`` of the result: for each request the tick at which its data has moved.
        """
        serve = self._driver(program)
        code = {name: index for index, name in enumerate(self._names)}
        rows = np.stack(
            [np.where(requests.writes, code["WR"], code["RD"]), requests.bank, requests.row, requests.column], axis=1
        ).astype(np.int64)
        arrival = np.ascontiguousarray(requests.arrival, dtype=np.int64)
        runs = _NO_RUNS if program is None else program.requests
        room = 8 * (len(rows) + len(runs)) + int(runs[:, 1].sum()) + 4096 if log else 0
        while True:
            channels = self._channels(1, refresh_phase)
            record = self._log(room)
            done = np.zeros(len(rows), dtype=np.int64)
            if serve(channels[0], record, done, rows, _NO_MAPPING, arrival, runs, 0, len(rows)) >= k.NEVER:
                raise SimulationStalled(f"{self.spec.name}: a request can never be served")
            end = int(channels[0, k.LAST_DONE])
            if record[0, 0] <= room or not log:
                return self._result(channels, record, end, end, Classes([1], [0]), log=log, done=done)
            room = int(record[0, 0])

    def run_streams(
        self,
        segments: Sequence[Stream],
        *,
        refresh_phase: int | None = None,
        remember: bool | None = None,
    ) -> DeviceRun:
        """Serve streams side by side, each on its own channels, from tick 1 on idle channels with closed banks.

        ``refresh_phase`` and the end as in `run_program`. ``remember``: stretches between refreshes that repeat
        exactly are not simulated again, within a run and from run to run; None: where that pays (`REMEMBER_FROM`).
        """
        channels = self._channels(len(segments), refresh_phase)
        record = self._log(0)
        for segment, channel in zip(segments, channels, strict=True):
            remembers = segment.n_bursts >= REMEMBER_FROM if remember is None else remember
            remembers = remembers and not self._no_memory
            serve = self._serve_remembering if remembers else self._serve
            if serve(segment, channel, record) >= k.NEVER:
                raise SimulationStalled(f"{self.spec.name}: a stream can never finish")
        end = int(channels[:, k.LAST_DONE].max(initial=0))
        idle = self._finish(channels, record, end) if segments else end
        return self._result(channels, record, end, idle, Classes.of_streams(segments), log=False)

    def _memory(self, kind: str) -> StreamMemory:
        if kind not in self._memories:
            self._memories[kind] = StreamMemory.empty(self.tables)
        return self._memories[kind]

    def _serve(self, segment: Stream, channel: k.Ints, record: k.Ints) -> int:
        """Run one stream on one channel, every command of it."""
        request, mapping, _ = self._stream(segment)
        first, n = segment.first_burst, segment.n_bursts
        return self._driver()(channel, record, NO_TIMES, request, mapping, NO_TIMES, _NO_RUNS, first, n)

    def _driver(self, program: HostProgram | None = None) -> _Driver:
        """What serves memory requests on a channel: the scheduler's driver."""
        if self._queued:
            if program is not None and len(program.requests):
                raise self._no_programs()
            return self._serve_queued
        from simulator.dram.kernel.request_list import run_requests

        return lambda *arguments: int(run_requests(self.tables, *arguments))

    def _serve_queued(  # noqa: PLR0913 -- a driver's arguments
        self,
        channel: k.Ints,
        record: k.Ints,
        done: k.Ints,
        requests: k.Ints,
        mapping: k.Ints,
        arrival: k.Ints,
        runs: k.Ints,  # noqa: ARG002 -- none, see `_driver`
        first: int,
        n: int,
    ) -> int:
        from simulator.dram.kernel.queued_requests import run_queued

        chain = np.full(len(done), -1, dtype=np.int64)
        return int(run_queued(self.tables, channel, record, done, chain, requests, mapping, arrival, first, n))

    def _no_programs(self) -> ConfigError:
        scheduler = self.spec.controller.scheduler
        return ConfigError(f"{self.spec.name}: the scheduler {scheduler} serves no near-bank programs")

    def _serve_remembering(self, segment: Stream, channel: k.Ints, record: k.Ints) -> int:
        """Run one stream on one channel, with the stretches that have come before taken from memory."""
        from simulator.dram.kernel.stream import run_stream

        request, mapping, sweep = self._stream(segment)
        first, n = segment.first_burst, segment.n_bursts
        memory = self._memory(segment.kind)
        return int(run_stream(self.tables, channel, record, request, mapping, first, n, sweep, *memory.arrays()))

    def _stream(self, segment: Stream) -> tuple[k.Ints, k.Ints, int]:
        """The kernel's request row, mapping and sweep of a stream."""
        command = self._names.index("RD" if segment.kind == "R" else "WR")
        return np.array([[command, 0, 0, 0]], dtype=np.int64), *channel_mapping(AddressMapping(self.spec))

    def _channels(self, classes: int, refresh_phase: int | None) -> k.Ints:
        channels = fresh_channels(self.tables, classes)
        if refresh_phase is not None:
            refresh_before_start(self.tables, channels, refresh_phase)
        return channels

    @staticmethod
    def _log(room: int) -> k.Ints:
        return np.zeros((room + 1, k.LOG_FIELDS), dtype=np.int64)

    def _finish(self, channels: k.Ints, record: k.Ints, end: int) -> int:
        if self._queued:
            from simulator.dram.kernel.queued_requests import finish_queued

            return max(end, *(finish_queued(self.tables, channel, record, end) for channel in channels))
        return max(end, *(closing.finish(self.tables, channel, record, NO_TIMES, end) for channel in channels))

    def _result(  # noqa: PLR0913 -- what a run leaves behind
        self,
        channels: k.Ints,
        record: k.Ints,
        end: int,
        idle: int,
        classes: Classes,
        *,
        log: bool,
        done: npt.NDArray[np.int64] = NO_TIMES,
    ) -> DeviceRun:
        return device_run(
            self.spec,
            [self._channel_run(channel, idle) for channel in channels],
            classes,
            end_tick=end,
            idle_tick=idle,
            ranks=int(self.tables[k.H_RANKS]),
            issued=_issued(record) if log else None,
            completions=done,
        )

    def _channel_run(self, channel: k.Ints, idle: int) -> ChannelRun:
        open_time.book_all(self.tables, channel, idle)
        counts = channel[self.tables[k.AT_COUNT] : self.tables[k.AT_COUNT] + self.tables[k.H_KINDS]].tolist()
        return ChannelRun(
            commands={name: count for name, count in zip(self._names, counts, strict=True) if count},
            active_ticks=int(channel[k.ACTIVE_TICKS]),
            bank_ticks=int(channel[k.BANK_TICKS]),
            row_hits=int(channel[k.HITS]),
            row_misses=int(channel[k.MISSES]),
            refreshes=int(channel[k.REFRESHES]),
            dropped=int(channel[k.DROPPED]),
        )


def _issued(record: k.Ints) -> Issued:
    rows = record[1 : 1 + int(record[0, 0])]
    rows = rows[np.argsort(rows[:, k.LOG_TICK], kind="stable")]
    columns = (k.LOG_TICK, k.LOG_COMMAND, k.LOG_NODE, k.LOG_ROW, k.LOG_COLUMN, k.LOG_CLASS)
    return Issued(*(rows[:, column] for column in columns))
