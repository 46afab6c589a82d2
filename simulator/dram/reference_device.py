"""The reference engine behind the calls of `device.Device`: whole devices in SimPy, one event per command."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from simulator.config.dram_schema import Dram
from simulator.config.policy_checks import COMMAND_QUEUES
from simulator.dram.address import AddressMapping
from simulator.dram.program import HostProgram
from simulator.dram.reference import Controller
from simulator.dram.reference_accounts import channel_run, issued
from simulator.dram.reference_host import Host, Port
from simulator.dram.reference_queues import Driver, Feed, MemoryRequest, ProgramEntry, Queues
from simulator.dram.reference_table import ReferenceTable
from simulator.dram.runs import NO_TIMES, Classes, DeviceRun, RequestList, Stream, device_run
from simulator.errors import ConfigError, SimulationStalled


@dataclass
class _Bench:
    """Channels in one environment, one for each class of equal channels, and when the run ended."""

    env: simpy.Environment
    channels: list[Controller]
    end_tick: int = 0
    idle_tick: int = 0


class ReferenceDevice:
    """All channels of one standard; gives what `device.Device` gives, some hundred times slower."""

    def __init__(self, spec: Dram) -> None:
        self.spec = spec
        self._table = ReferenceTable(spec)
        self._names = tuple(spec.commands)
        self._mapping = AddressMapping(spec)

    def run_program(self, program: HostProgram, *, refresh_phase: int | None = None, log: bool = False) -> DeviceRun:
        """As `device.Device.run_program`."""
        classes, masks = Classes.of_program(program)
        bench = _Bench(simpy.Environment(), [])
        forward = "forward_any_read" in self.spec.controller.quirks
        ports = []
        for _ in classes.sizes:
            queues = Queues(self.spec.controller)
            ports.append(Port(bench.env, queues, forward=forward))
            self._add_channel(bench, queues, ports[-1], refresh_phase)
        host = Host(bench.env, program, self._names, masks.tolist(), list(zip(ports, bench.channels, strict=True)))
        self._run(bench, self._serve_host(bench, host))
        return self._result(bench, classes, log=log, dropped=[port.left for port in ports])

    def run_requests(
        self,
        requests: RequestList,
        program: HostProgram | None = None,
        *,
        refresh_phase: int | None = None,
        log: bool = False,
    ) -> DeviceRun:
        """As `device.Device.run_requests`."""
        columns = (requests.bank, requests.row, requests.column)
        arrivals = requests.arrival.tolist() or [0] * len(requests.writes)
        rows = zip(requests.writes.tolist(), *(column.tolist() for column in columns), arrivals, strict=True)
        runs = [] if program is None else program.requests[:, :4].tolist()
        queues = Queues(self.spec.controller)
        driver = Driver(
            [MemoryRequest("W" if write else "R", *place) for write, *place in rows],
            [ProgramEntry(self._names[command], count, bank, row) for command, count, bank, row in runs],
            queues,
        )
        bench = _Bench(simpy.Environment(), [])
        self._add_channel(bench, queues, driver, refresh_phase)
        self._run(bench, self._serve(bench, close=False))
        done = np.array([driver.completions[index] for index in range(len(requests.writes))], dtype=np.int64)
        return self._result(bench, Classes([1], [0]), log=log, dropped=[0], completions=done)

    def run_streams(self, segments: Sequence[Stream], *, refresh_phase: int | None = None) -> DeviceRun:
        """As `device.Device.run_streams`."""
        bench = _Bench(simpy.Environment(), [])
        for segment in segments:
            queues = Queues(self.spec.controller)
            self._add_channel(bench, queues, Driver(self._bursts(segment), (), queues), refresh_phase)
        self._run(bench, self._serve(bench, close=True))
        return self._result(bench, Classes.of_streams(segments), log=False, dropped=[0] * len(segments))

    def _bursts(self, segment: Stream) -> list[MemoryRequest]:
        numbers = np.arange(segment.first_burst, segment.first_burst + segment.n_bursts, dtype=np.int64)
        place = self._mapping.decode(numbers * self.spec.organization.burst_bytes)
        columns = zip(place.bank.tolist(), place.row.tolist(), place.column.tolist(), strict=True)
        return [MemoryRequest(segment.kind, bank, row, column) for bank, row, column in columns]

    def _add_channel(self, bench: _Bench, queues: Queues, feed: Feed, refresh_phase: int | None) -> None:
        if queues.limits.scheduler in COMMAND_QUEUES:
            message = f"{self.spec.name}: whole devices in the reference engine have no {queues.limits.scheduler}"
            raise ConfigError(message)
        channel = Controller(bench.env, self._table, queues, feed)
        if refresh_phase is not None:
            channel.refresh_before_start(refresh_phase)
        bench.channels.append(channel)

    def _run(self, bench: _Bench, process: Generator[simpy.Event, Any, None]) -> None:
        try:
            bench.env.run(until=bench.env.process(process))
        except RuntimeError as error:
            raise SimulationStalled(f"{self.spec.name}: work is left that can never finish") from error

    def _serve_host(self, bench: _Bench, host: Host) -> Generator[simpy.Event, Any, None]:
        """A program: it ends with its last answer, and without END not before its last completion."""
        running = [bench.env.process(channel.run()) for channel in bench.channels]
        answered = yield bench.env.process(host.run())
        if host.ends:
            bench.end_tick = answered
        else:
            yield bench.env.all_of([channel.drained for channel in bench.channels])
            bench.end_tick = max([answered, *(channel.end_tick for channel in bench.channels)])
        yield from self._stop(bench, running, close=not host.ends)

    def _serve(self, bench: _Bench, *, close: bool) -> Generator[simpy.Event, Any, None]:
        """Requests: they end with their last completion, up to which channels that close their rows go on."""
        running = [bench.env.process(channel.run()) for channel in bench.channels]
        yield bench.env.all_of([channel.drained for channel in bench.channels])
        bench.end_tick = max((channel.end_tick for channel in bench.channels), default=0)
        if close:
            yield from self._stop(bench, running, close=True)
        bench.idle_tick = max(bench.idle_tick, bench.end_tick)

    def _stop(
        self, bench: _Bench, running: Sequence[simpy.Process], *, close: bool
    ) -> Generator[simpy.Event, Any, None]:
        """Let all channels work up to the end, and close their rows."""
        for channel in bench.channels:
            channel.stop_after(bench.end_tick)
        yield bench.env.all_of(running)
        closing = [bench.env.process(channel.close(bench.end_tick)) for channel in bench.channels if close]
        idle = yield bench.env.all_of(closing)
        bench.idle_tick = max([bench.end_tick, *idle.values()])

    def _result(
        self,
        bench: _Bench,
        classes: Classes,
        *,
        log: bool,
        dropped: Sequence[int],
        completions: npt.NDArray[np.int64] = NO_TIMES,
    ) -> DeviceRun:
        table, channels = self._table, bench.channels
        runs = [channel_run(table, *pair, bench.idle_tick) for pair in zip(channels, dropped, strict=True)]
        return device_run(
            self.spec,
            runs,
            classes,
            end_tick=bench.end_tick,
            idle_tick=bench.idle_tick,
            ranks=prod(table.counts[: table.rank_depth]),
            issued=issued(table, self._names, [channel.log for channel in channels]) if log else None,
            completions=completions,
        )
