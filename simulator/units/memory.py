"""Memory: the channels of a DRAM standard behind one controller, shared by all that reads, writes or computes in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.dram_schema import Dram
from simulator.config.energy import resolve_energy
from simulator.dram.activation_limit import ActivationLimit, StandardWindows, assumption, limited
from simulator.errors import ConfigError
from simulator.hooks import CommandsWithin
from simulator.mapping.chain import Chain
from simulator.mapping.layout import Store
from simulator.units import hops
from simulator.units.base import NonNegative, PartSpec, PositiveInt, Process, Surroundings, unit_type
from simulator.units.command_times import chain_commands, stream_commands
from simulator.units.dram_engine import DramEngine
from simulator.units.dram_stream import PHASES, SHORT_BURSTS, StreamShape, StreamWork, streams_for
from simulator.units.dram_work import Work
from simulator.units.idle_memory import IdleStates, IdleStretch
from simulator.units.side_by_side import SideBySide, measure
from simulator.units.storage import Booking, Storage
from simulator.workload.ops import Op

ROW_OPEN = "row_open_tick"
"""Action: one rank with a row open for one tick, over what it takes with all banks closed."""

POWER_DOWN, SELF_REFRESH = "power_down_tick", "self_refresh_tick"
"""Actions: one channel in that state for one tick, under what it takes with all banks closed."""

BANK_OPEN = "bank_open_tick"
"""Action: one bank open for one tick, over what its rank takes with a row open."""


MOST_CHANNELS = 4096

PROGRAM_PHASES = 16
"""Places in the refresh interval from which programs beside streams start, unless the run is exact."""

NO_OP = "static"
"""Op kind under which refreshes of an idle memory are filed: they happen whether or not an op runs."""


class MemorySpec(PartSpec):
    """``channels`` channels of ``dram``; consecutive ``interleave_bytes`` go to consecutive channels.

    ``controller_pj_per_command``: controller and PHY for each DRAM command. ``controller_static_w``: of all
    controllers together. ``activation_limit``: a policy in place of the standard's windows on opening rows.
    """

    kind: Literal["dram"]
    dram: Dram
    channels: Annotated[int, Field(ge=1, le=MOST_CHANNELS)]
    interleave_bytes: PositiveInt
    controller_pj_per_command: NonNegative
    controller_static_w: NonNegative
    activation_limit: ActivationLimit = StandardWindows(policy="standard")


@unit_type("dram", MemorySpec)
class Memory(Storage):
    """All channels of one memory; work is served one after the other in the order of the calls.

    Where banks have a row buffer of their own for near-bank commands, programs run beside streams (`side_by_side`).
    Each piece of work starts on precharged banks. Background power with all banks closed flows always and counts as
    ``static``, as does what open rows add to it; activations, transfers and refreshes count as the standard's table
    splits them.
    """

    spec: MemorySpec
    engine: DramEngine

    def __init__(self, name: str, spec: MemorySpec, around: Surroundings) -> None:
        dram = limited(spec.dram, spec.activation_limit, f"components.{name}.activation_limit")
        spec = spec.model_copy(update={"dram": dram})
        super().__init__(name, spec, around)
        self.streams = streams_for(spec.dram, around.engine)
        self.engine = self.streams.engine
        self.clock_ps = spec.dram.tCK_ps
        self.energy = resolve_energy(spec.dram)
        self._idle = IdleStates(spec.dram, self.engine.refreshes_due, self.engine.refresh_ticks)
        self._beside = SideBySide() if spec.dram.controller.near_bank == "concurrent" else None
        self._free_tick = 0
        self._rest = IdleStretch()
        """What has been told of the present idle stretch."""
        self._refreshed = 0
        """Refreshes told so far, of all channels and ranks."""
        if spec.interleave_bytes % spec.dram.organization.burst_bytes:
            raise ConfigError(
                f"{spec.interleave_bytes} is no multiple of the burst of {spec.dram.organization.burst_bytes} bytes",
                key=f"components.{name}.interleave_bytes",
            )

    @property
    def banks(self) -> int:
        """Banks of one channel."""
        return math.prod(self.spec.dram.organization.levels.values())

    @property
    def store(self) -> Store:
        """This memory as the layout sees it."""
        organization = self.spec.dram.organization
        rows, row_bytes = organization.rows, organization.row_bytes
        return Store(self.name, self.spec.channels, self.banks, rows, row_bytes, most=MOST_CHANNELS)

    @property
    def pin_bytes_per_s(self) -> float:
        """Peak rate of the data pins of all channels."""
        organization = self.spec.dram.organization
        return self.spec.channels * organization.data_pins * organization.data_rate_mbps * 1e6 / 8

    @property
    def burst_ps(self) -> float:
        """Time of one burst on the pins of a channel."""
        organization = self.spec.dram.organization
        return organization.burst_bytes * 8 * 1e6 / (organization.data_pins * organization.data_rate_mbps)

    @property
    def round_bytes(self) -> int:
        """Bytes that give each channel one part."""
        return self.spec.channels * self.spec.interleave_bytes

    def until_refresh_ps(self) -> int:
        """Time from now until the memory is free and the next refresh falls due; 0 without refresh."""
        engine = self.engine
        if not engine.interval:
            return 0
        start = self._start()
        wait = -engine.phase(start) % engine.interval
        return engine.to_ps(start + wait) - self.around.env.now_ps

    def tell_waiting(self, start_ps: int, end_ps: int) -> None:
        """Tell what a device without work does between two times: refreshes, and states of low power entered anew."""
        engine, channels = self.engine, self.spec.channels
        start, end = engine.to_ticks(start_ps), engine.to_ticks(end_ps)
        stretch = self._idle.stretch(start, end)
        for action, ticks in ((POWER_DOWN, stretch.powered_down), (SELF_REFRESH, stretch.self_refresh)):
            if ticks:
                self.around.hooks.activity(self.name, action, ticks * channels, NO_OP)
        awake_until = stretch.self_refresh_from if stretch.self_refresh else end
        due = engine.refreshes_due(awake_until) - engine.refreshes_due(start)
        self._tell_refreshes(due * engine.ranks * channels)

    def _tell_refreshes(self, refreshes: int) -> None:
        if refreshes > 0:
            self.around.hooks.commands(self.name, {self.engine.refresh_command: refreshes})
            self.around.hooks.activity(self.name, self.engine.refresh_command, refreshes, NO_OP)

    def run(self, chain: Chain, op: Op) -> Booking:
        """Near-bank programs for ``op``, as soon as the memory is free."""
        if self._beside is not None:
            return self._run_beside(self._beside, chain, op)
        start = self._start()
        work = self.engine.chain(chain, start)
        booking = self._book(start, work, work.ticks, op)
        self._issued(start, work.ticks, chain_commands(self.engine, chain, start))
        return booking

    def _run_beside(self, beside: SideBySide, chain: Chain, op: Op) -> Booking:
        """Programs beside streams. Refreshes go on for both; those that fell due are told with the streams."""
        engine = self.engine
        start = max(beside.programs.until, engine.to_ticks(self.around.env.now_ps))
        step = 1 if self.around.exact else max(1, engine.interval // PROGRAM_PHASES)
        work = engine.chain(chain, start - engine.phase(start) % step)
        end = beside.add_program(start, work.ticks, measure(engine, chain.parts[0][0]))
        self._free_tick = max(self._free_tick, beside.streams.until)
        told = {name: count for name, count in work.commands.items() if name != engine.refresh_command}
        work = replace(work, commands=told)
        booking = Booking(engine.to_ps(start), engine.to_ps(end - work.ticks + work.end_ticks), work)
        self._report(booking, engine.to_ps(end), op)
        self._issued(start, work.ticks, chain_commands(engine, chain, start))
        return booking

    def delays_ps(self, *, programs: bool = False) -> int:
        """All time that streams (or programs) got late by what came beside them after their ends had been told."""
        if self._beside is None:
            return 0
        lane = self._beside.programs if programs else self._beside.streams
        return self.engine.to_ps(lane.delay_ticks)

    def catch_up(self, seen_ps: int, *, programs: bool = False) -> Process:
        """Wait as long as streams (or programs) got later than was told when `delays_ps` was ``seen_ps``."""
        while (late_ps := self.delays_ps(programs=programs)) > seen_ps:
            yield self.around.env.timeout(late_ps - seen_ps)
            seen_ps = late_ps

    def stream(self, n_bytes: int, op: Op, *, write: bool = False) -> Booking:
        """A plain stream for ``op``, as soon as the memory is free."""
        start, stream = self.look_up(n_bytes, write=write)
        return self._book_stream(start, stream, stream.work.ticks, op)

    def look_up(self, n_bytes: int, *, write: bool = False) -> tuple[int, StreamWork]:
        """(first tick, stream) that `stream` would book; for a unit that paces the stream itself."""
        return self.look_up_shape(StreamShape(n_bytes, self.spec.channels, self.spec.interleave_bytes, write))

    def look_up_shape(self, shape: StreamShape) -> tuple[int, StreamWork]:
        """As `look_up`, for a stream of any shape."""
        start = self._start()
        return start, self.streams.run(shape, start, exact=self.around.exact)

    def book(self, start: int, stream: StreamWork, end_ps: int, op: Op) -> Booking:
        """Book a stream got from `look_up` in the same instant; its reader takes the last data at ``end_ps``."""
        ticks = max(stream.work.ticks, self.engine.to_ticks(end_ps) - start)
        return self._book_stream(start, stream, ticks, op)

    def _book_stream(self, start: int, stream: StreamWork, ticks: int, op: Op) -> Booking:
        booking = self._book(start, stream.work, ticks, op)
        self._issued(start, ticks, stream_commands(self.engine, stream, start))
        return booking

    def _issued(self, start: int, ticks: int, commands: CommandsWithin) -> None:
        to_ps = self.engine.to_ps
        self.around.hooks.issued(self.name, to_ps(start), to_ps(start + ticks), commands)

    def _start(self) -> int:
        now = self.engine.to_ticks(self.around.env.now_ps)
        return max(self._free_tick, now) + self._idle.wake_ticks(now - self._free_tick)

    def _book(self, start: int, work: Work, ticks: int, op: Op) -> Booking:
        engine = self.engine
        self._rest_until(self._idle.arrival(self._free_tick, start))
        self._rest = IdleStretch()
        self._refresh_until(start)
        self._refreshed += work.commands.get(engine.refresh_command, 0)
        if self._beside is not None:
            ticks = self._beside.add_stream(start, ticks, work.ticks / ticks) - start
        self._free_tick = start + ticks
        booking = Booking(engine.to_ps(start), engine.to_ps(start + ticks - work.ticks + work.end_ticks), work)
        self._report(booking, engine.to_ps(start + ticks), op)
        return booking

    def settle(self) -> None:
        """Tell the refreshes and the rest since the last access."""
        self._rest_until(self.engine.to_ticks(self.around.env.now_ps))

    def _rest_until(self, tick: int) -> None:
        """Tell what an idle memory did since its last work, up to ``tick``: states of low power, and refreshes.

        The refreshes that the devices make themselves in self-refresh are not told.
        """
        stretch, told = self._idle.stretch(self._free_tick, tick), self._rest
        self._rest = stretch
        channels, engine = self.spec.channels, self.engine
        for action, ticks in (
            (POWER_DOWN, stretch.powered_down - told.powered_down),
            (SELF_REFRESH, stretch.self_refresh - told.self_refresh),
        ):
            if ticks:
                self.around.hooks.activity(self.name, action, ticks * channels, NO_OP)
        if stretch.self_refresh:
            self._refresh_until(stretch.self_refresh_from)
            asleep = [engine.refreshes_due(stretch.self_refresh_from + s.self_refresh) for s in (stretch, told)]
            self._refreshed += (asleep[0] - asleep[1]) * engine.ranks * channels
        self._refresh_until(tick)

    def _refresh_until(self, tick: int) -> None:
        """Tell the refreshes that fell due before ``tick`` on channels without work."""
        engine = self.engine
        missed = engine.refreshes_due(tick) * engine.ranks * self.spec.channels - self._refreshed
        if missed > 0:
            self._refreshed += missed
            self._tell_refreshes(missed)

    def _report(self, booking: Booking, free_ps: int, op: Op) -> None:
        hooks, work, name = self.around.hooks, booking.work, self.name
        start_ps, end_ps = booking.start_ps, booking.end_ps
        hooks.busy(name, start_ps, free_ps, op.name)
        hooks.commands(name, work.commands)
        for command, count in work.commands.items():
            hooks.activity(name, command, count, op.kind)
        if work.open_ticks:
            hooks.activity(name, ROW_OPEN, work.open_ticks, op.kind)
            hooks.activity(name, BANK_OPEN, work.bank_ticks, op.kind)
        for hop, n_bytes in (
            (hops.CELLS_TO_IO, work.array_bytes),
            (hops.IO_TO_MAC, work.internal_bytes),
            (hops.PINS_TO_CONTROLLER, work.read_bytes),
            (hops.CONTROLLER_TO_PINS, work.write_bytes),
        ):
            if n_bytes:
                hooks.transfer(start_ps, end_ps, hop, n_bytes, name)

    def held_ps(self, work: Work) -> dict[str, int]:
        """What held the memory during ``work``, in ps."""
        return {resource: self.engine.to_ps(ticks) for resource, ticks in work.held.items()}

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Each DRAM command by the standard's split, and open rows."""
        energy = self.energy
        table: dict[str, Mapping[str, float]] = {}
        for name in self.spec.dram.commands:
            prices = {"dram_io": self.spec.controller_pj_per_command}
            row = energy.commands.get(name)
            if row is not None:
                prices = {
                    "dram_array": row.array_pj,
                    "dram_io": row.io_pj + self.spec.controller_pj_per_command,
                    "compute": row.compute_pj,
                    "sram": row.sram_pj,
                }
            table[name] = {energy_class: pj for energy_class, pj in prices.items() if pj}
        tick_ps = self.spec.dram.tCK_ps / self.spec.dram.ticks_per_clock
        table[ROW_OPEN] = {"static": energy.rank_open_mw * 1e-3 * tick_ps}
        table[BANK_OPEN] = {"static": energy.bank_open_mw * 1e-3 * tick_ps}
        for action, mw in ((POWER_DOWN, energy.power_down_precharged_mw), (SELF_REFRESH, energy.self_refresh_mw)):
            if mw is not None:
                table[action] = {"static": (mw - energy.precharged_mw) * 1e-3 * tick_ps}
        return table

    def static_power_w(self) -> Mapping[str, float]:
        """Background power of all channels with their banks closed, and of the controllers."""
        background_w = self.spec.channels * self.energy.precharged_mw * 1e-3
        return {"static": background_w + self.spec.controller_static_w}

    def burst_bytes(self, n_bytes: int) -> int:
        """Bytes of the whole bursts that ``n_bytes`` take."""
        burst = self.spec.dram.organization.burst_bytes
        return -(-n_bytes // burst) * burst

    def ceilings(self) -> tuple[tuple[tuple[str, ...], float], ...]:
        """Data pins, and near-bank units at one command after the other of the kind that moves most."""
        pins = (
            (hops.PINS_TO_CONTROLLER, hops.CONTROLLER_TO_PINS),
            max(self.pin_bytes_per_s, self._burst_bytes_per_s()),
        )
        commands = self.spec.dram.commands
        gaps = self.engine.attribution.near_bank_gaps
        rates = [commands[name].internal_bytes / self.engine.to_ps(gap) for name, gap in gaps.items() if gap]
        if not rates:
            return (pins,)
        return (pins, ((hops.IO_TO_MAC,), self.spec.channels * max(rates) * 1e12))

    def _burst_bytes_per_s(self) -> float:
        """Rate of one burst after the other in whole clocks, which rounding can put a little above that of the pins."""
        organization, clocks = self.spec.dram.organization, self.spec.dram.timings.get("nBL", 0)
        buses = self.spec.channels * organization.levels.get("pseudochannel", 1)
        return buses * organization.burst_bytes / (clocks * self.spec.dram.tCK_ps) * 1e12 if clocks else 0.0

    def assumptions(self) -> tuple[str, ...]:
        """The standard's own, and how this run shortens streams."""
        limit = assumption(self.spec.activation_limit)
        standard = (
            *(f"{self.spec.dram.name}: {text}" for text in self.spec.dram.assumptions),
            *([f"{self.name}: {limit}"] if limit else []),
        )
        if self.around.exact:
            return standard
        streams = (
            f"{self.name}: plain streams of over {SHORT_BURSTS} bursts a channel follow one simulated stream, from one "
            f"of {PHASES} places in the refresh interval; within 0.3 % of a decode step of Llama-2-7B (--exact: off)"
        )
        return (*standard, streams)
