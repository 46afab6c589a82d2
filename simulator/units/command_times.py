"""When a memory's first channel issues each command of a piece of work; found by running it again with a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.config.dram_schema import Dram
from simulator.dram.log import LoggedCommand
from simulator.dram.replay import logged
from simulator.hooks import ALL_BANKS, CommandsWithin, IssuedCommand
from simulator.mapping.chain import Chain
from simulator.units.dram_engine import DramEngine
from simulator.units.dram_stream import StreamWork

AHEAD_BURSTS = 256
"""Bursts beyond a window that a controller may look at before it ends."""


def chain_commands(engine: DramEngine, chain: Chain, start: int) -> CommandsWithin:
    """The commands of near-bank programs that start at tick ``start``."""

    def within(from_ps: int, until_ps: int) -> Iterator[IssuedCommand]:
        for program, first, ticks in engine.chain_parts(chain, start):
            if engine.to_ps(first) >= until_ps:
                return
            if engine.to_ps(first + ticks) > from_ps:
                run = engine.device.run_program(program, refresh_phase=engine.phase(first), log=True)
                assert run.issued is not None
                log = logged(engine.spec, run.issued, run.class_of[0])
                yield from issued_between(engine.spec, log, first, from_ps, until_ps)

    return within


def stream_commands(engine: DramEngine, stream: StreamWork, start: int) -> CommandsWithin:
    """The commands of a plain stream that starts at tick ``start``; exact, also where the run rounds the phase."""

    def within(from_ps: int, until_ps: int) -> Iterator[IssuedCommand]:
        organization = engine.spec.organization
        burst_ps = organization.burst_bytes * 8 * 1e6 / (organization.data_pins * organization.data_rate_mbps)
        shown = int((until_ps - engine.to_ps(start)) / burst_ps) + AHEAD_BURSTS
        bursts = engine.burst_list(min(stream.bursts, shown), write=stream.work.write_bytes > 0)
        run = engine.device.run_requests(bursts, refresh_phase=engine.phase(start), log=True)
        assert run.issued is not None
        yield from issued_between(engine.spec, logged(engine.spec, run.issued, 0), start, from_ps, until_ps)

    return within


def issued_between(
    spec: Dram, log: Sequence[LoggedCommand], start: int, from_ps: int, until_ps: int
) -> Iterator[IssuedCommand]:
    """The entries of ``log``, whose tick 0 is tick ``start``, that begin from ``from_ps`` to before ``until_ps``."""
    levels, tick_ps = list(spec.organization.levels), spec.tCK_ps / spec.ticks_per_clock
    for entry in log:
        time_ps = round((start + entry.tick) * tick_ps)
        if from_ps <= time_ps < until_ps:
            places = [f"{level} {n}" for level, n in zip(levels, entry.address, strict=True) if n >= 0]
            bank = ", ".join(places) or ALL_BANKS
            yield IssuedCommand(time_ps, round(spec.tCK_ps), entry.command, bank, entry.row, entry.column)
