"""Replaying request traces (`*.req`) on one channel of a standard.

One request a line: ``R 0xADDR``, ``W 0xADDR`` or ``R ch,<levels>,row,column`` (the address by field, one channel: ch
is 0), with an optional leading cycle: its arrival in clocks, none: as fast as accepted. ``#`` begins a comment; `.gz`
is unpacked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.config.energy import resolve_energy
from simulator.dram.address import AddressMapping
from simulator.dram.energy import background_pj, command_pj
from simulator.dram.engines import EngineName, device_engine
from simulator.dram.idle_gaps import has_idle_policy, run_with_idle_states
from simulator.dram.log import LoggedCommand
from simulator.dram.runs import DeviceRun, Issued, RequestList
from simulator.dram.trace_lines import read_lines, split_words
from simulator.errors import TraceError

MAX_ARRIVAL_CLOCKS = 2**32
"""Latest arrival: two seconds at 2 GHz. Up to it, every refresh of an idle channel is simulated."""


@dataclass(frozen=True)
class ReplayRun:
    """What a replayed trace did, summed over channels; ``cycles`` are clocks, rounded up, ``log`` is one channel's."""

    cycles: int
    time_ps: int
    commands: dict[str, int]
    energy_j: float
    row_hit_rate: float
    wall_s: float
    log: tuple[LoggedCommand, ...]
    dropped: int = 0
    per_channel: tuple[dict[str, int], ...] = ()


def replay_run(spec: Dram, run: DeviceRun, started: float, saved_pj: float = 0.0) -> ReplayRun:
    """A device run as a replay's result; the log is that of the first channel that issued anything.

    ``saved_pj``: what states of low power saved against standing by.
    """
    channel = next((c for c, found in enumerate(run.class_of) if run.by_class[found]), 0)
    energy = resolve_energy(spec)
    energy_pj = sum(command_pj(energy, run.commands).values()) + background_pj(
        energy,
        spec.tCK_ps / spec.ticks_per_clock,
        rank_ticks=run.rank_ticks,
        active_ticks=run.active_ticks,
        bank_ticks=run.bank_ticks,
    )
    served = run.row_hits + run.row_misses
    return ReplayRun(
        cycles=-(-run.end_tick // spec.ticks_per_clock),
        time_ps=-(-run.end_tick * spec.tCK_ps // spec.ticks_per_clock),
        commands=run.commands,
        energy_j=(energy_pj - saved_pj) * 1e-12,
        row_hit_rate=run.row_hits / served if served else 0.0,
        wall_s=time.perf_counter() - started,
        log=tuple(logged(spec, run.issued, run.class_of[channel])) if run.issued else (),
        dropped=run.dropped,
        per_channel=tuple(run.by_class[c] for c in run.class_of),
    )


def logged(spec: Dram, issued: Issued, channel_class: int) -> Sequence[LoggedCommand]:
    """The commands of one channel class as log entries: levels that a command does not address are -1."""
    names = list(spec.commands)
    levels = list(spec.organization.levels)
    counts = list(spec.organization.levels.values())
    depth = {name: (levels.index(c.scope) + 1 if c.scope in levels else 0) for name, c in spec.commands.items()}
    addresses: dict[tuple[int, int], tuple[int, ...]] = {}
    for name, addressed in depth.items():
        for node in range(prod(counts[:addressed])):
            digits, rest = [], node
            for level, count in reversed(list(zip(levels, counts, strict=True))[:addressed]):
                if level in spec.commands[name].across:
                    digits.append(-1)
                    continue
                rest, digit = divmod(rest, count)
                digits.append(digit)
            addresses[names.index(name), node] = (*reversed(digits), *([-1] * (len(levels) - addressed)))
    chosen = issued.channel_class == channel_class
    columns = (issued.tick, issued.command, issued.node, issued.row, issued.column)
    rows = zip(*(column[chosen].tolist() for column in columns), strict=True)
    has_row = [row.opens or row.row == "open" for row in spec.commands.values()]
    return [
        LoggedCommand(tick, names[c], addresses[c, node], row if has_row[c] else -1, column)
        for tick, c, node, row, column in rows
    ]


def replay_requests(spec: Dram, path: Path, *, log: bool = False, engine: EngineName = "compiled") -> ReplayRun:
    """Replay a request trace. Raises TraceError with file:line:column for a line that is no request."""
    started = time.perf_counter()
    device, requests = device_engine(spec, engine), read_requests(spec, path)
    if has_idle_policy(spec):
        idle = run_with_idle_states(device, requests)
        run = idle.run if log else replace(idle.run, issued=None)
        return replay_run(spec, run, started, idle.saved_pj)
    return replay_run(spec, device.run_requests(requests, log=log), started)


def read_requests(spec: Dram, path: Path) -> RequestList:
    """The requests of a trace. Raises TraceError with its place for a line that is no request, or if there is none."""
    reader = _RequestReader(spec, path)
    number = 0
    for number, text in read_lines(path):
        reader.line(number, text)
    if not number:
        raise TraceError("the trace has no request", file=str(path), line=1, column=1)
    return reader.requests()


class _RequestReader:
    """Collects requests given by address or by field."""

    def __init__(self, spec: Dram, path: Path) -> None:
        self._path = path
        self._mapping = AddressMapping(spec)
        self._ticks_per_clock = spec.ticks_per_clock
        organization = spec.organization
        columns = organization.row_bytes // organization.burst_bytes
        self._fields = {"ch": 1, **organization.levels, "row": organization.rows, "column": columns}
        self._writes: list[bool] = []
        self._arrival: list[int] = []
        self._addresses: list[int] = []
        self._places: dict[int, tuple[int, int, int]] = {}

    def _fail(self, number: int, column: int, message: str) -> TraceError:
        return TraceError(message, file=str(self._path), line=number, column=column)

    def line(self, number: int, text: str) -> None:
        """Take one request."""
        words = list(split_words(text))
        arrival = 0
        if words[0][1] not in ("R", "W"):
            arrival = self._number(number, *words[0], "an arrival cycle or R or W")
            if arrival < 0:
                raise self._fail(number, words[0][0], f"an arrival of {arrival} is before the start")
            if arrival > MAX_ARRIVAL_CLOCKS:
                limits = f"allowed: 0..{MAX_ARRIVAL_CLOCKS} clocks"
                raise self._fail(number, words[0][0], f"an arrival of {arrival} is out of range ({limits})")
            words = words[1:]
        if self._arrival and arrival * self._ticks_per_clock < self._arrival[-1] and arrival:
            raise self._fail(number, 1, f"arrives at {arrival}, before the request above it")
        if len(words) != 2 or words[0][1] not in ("R", "W"):
            raise self._fail(
                number,
                words[0][0] if words else 1,
                "a request is 'R ADDRESS' or 'W ADDRESS', with its arrival before it or none",
            )
        self._arrival.append(max(arrival * self._ticks_per_clock, self._arrival[-1] if self._arrival else 0))
        self._writes.append(words[0][1] == "W")
        column, place = words[1]
        if "," in place:
            self._places[len(self._addresses)] = self._place(number, column, place)
            self._addresses.append(0)
            return
        address = self._number(number, column, place, "an address")
        if not 0 <= address < self._mapping.capacity_bytes:
            raise self._fail(
                number, column, f"address {place} lies outside the channel's {self._mapping.capacity_bytes} bytes"
            )
        self._addresses.append(address)

    def _number(self, number: int, column: int, word: str, what: str) -> int:
        try:
            return int(word, 0)
        except ValueError:
            raise self._fail(number, column, f"'{word}' is not {what}") from None

    def _place(self, number: int, column: int, place: str) -> tuple[int, int, int]:
        """(bank, row, column) of an address given by field."""
        words = place.split(",")
        if len(words) != len(self._fields):
            raise self._fail(
                number,
                column,
                f"an address by field is {','.join(self._fields)}: {len(self._fields)} numbers, found {len(words)}",
            )
        digits = []
        for word, (name, count) in zip(words, self._fields.items(), strict=True):
            digit = self._number(number, column, word, f"a {name} number")
            if not 0 <= digit < count:
                raise self._fail(number, column, f"{name} {digit} is out of range (allowed: 0..{count - 1})")
            digits.append((digit, count))
        bank = 0
        for digit, count in digits[1:-2]:
            bank = bank * count + digit
        return bank, digits[-2][0], digits[-1][0]

    def requests(self) -> RequestList:
        """All requests so far."""
        location = self._mapping.decode(np.array(self._addresses, dtype=np.int64))
        bank, row, column = (
            np.array(values, dtype=np.int64) for values in (location.bank, location.row, location.column)
        )
        for index, place in self._places.items():
            bank[index], row[index], column[index] = place
        arrival = np.array(self._arrival, dtype=np.int64)
        return RequestList(np.array(self._writes, dtype=np.bool_), bank, row, column, arrival)
