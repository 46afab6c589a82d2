"""Checker rules about single commands and state: addresses, buses, rows, register mode, refresh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from simulator.dram.checker_table import Rules
from simulator.dram.log import LoggedCommand

Node = tuple[int, ...]


@dataclass(frozen=True)
class Violation:
    """A broken rule: the tick, what is wrong, the command that broke it, and the earlier one that it clashes with."""

    tick: int
    rule: str
    command: LoggedCommand | None
    earlier: LoggedCommand | None = None

    def __str__(self) -> str:
        """One line for people."""
        return f"tick {self.tick}: {self.rule}"


class AddressRule:
    """Known commands, addressed to a node of their scope, in order of time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._last_tick = 1

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Faults of ``entry`` that make it useless to the other rules."""
        if entry.tick < self._last_tick:
            yield Violation(entry.tick, f"order: tick {entry.tick} after tick {self._last_tick}", entry)
        self._last_tick = max(self._last_tick, entry.tick)
        if entry.command not in self._rules.commands:
            yield Violation(entry.tick, f"unknown command {entry.command}", entry)
        elif not self._addressed(entry):
            scope = self._rules.commands[entry.command].scope
            yield Violation(entry.tick, f"address: {entry.command} to {entry.address} is no {scope}", entry)

    def _addressed(self, entry: LoggedCommand) -> bool:
        depth = self._rules.depth[entry.command]
        counts = self._rules.counts
        across = self._rules.across[entry.command]
        inside = all(
            index == -1 if place in across else 0 <= index < count
            for place, (index, count) in enumerate(zip(entry.address[:depth], counts, strict=False))
        )
        return len(entry.address) == len(counts) and inside and set(entry.address[depth:]) <= {-1}


class BusRule:
    """One command at a time on each command bus, begun only on its own phase of the clock."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._last: dict[str, LoggedCommand] = {}

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Overlap with the last command on the bus, or a wrong phase."""
        command = self._rules.commands[entry.command]
        bus = command.bus if self._rules.split_buses else "command"
        earlier = self._last.get(bus)
        if earlier and entry.tick < earlier.tick + self._rules.bus_ticks[earlier.command]:
            text = f"bus: {entry.command} while the {bus} bus carries {earlier.command}"
            yield Violation(entry.tick, text, entry, earlier)
        if (entry.tick - 1) % command.align:
            text = f"align: {entry.command} at a tick t with (t - 1) % {command.align} != 0"
            yield Violation(entry.tick, text, entry)
        self._last[bus] = entry

    def finish(self) -> Iterator[Violation]:
        """Nothing."""
        yield from ()


class RowRule:
    """Which row each bank has open, and whether a command may find it so."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._opened_by: dict[tuple[Node, str], LoggedCommand] = {}
        self._half_open: dict[Node, LoggedCommand] = {}

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """The first bank in scope whose row is not what ``entry`` needs, and openings that are broken into."""
        yield from self._between_two_steps(entry)
        command = self._rules.commands[entry.command]
        banks = self._banks(entry)
        if command.opens and entry.row < 0:
            yield Violation(entry.tick, f"row: {entry.command} opens no row", entry)
        places = list(product(banks, self._rules.row_buffers[entry.command]))
        for bank, buffer in places:
            opener = self._opened_by.get((bank, buffer))
            fault = None
            if command.row == "open" and opener is None:
                fault = f"row: {entry.command} to closed bank {bank}"
            elif opener and command.row == "closed":
                fault = f"row: {entry.command} while bank {bank} is open"
            elif opener and (command.row == "open" or command.opens) and opener.row != entry.row:
                fault = f"row: {entry.command} for row {entry.row} while bank {bank} has row {opener.row} open"
            if fault:
                yield Violation(entry.tick, fault, entry, opener)
                break
        for place in places:
            if command.opens:
                self._opened_by[place] = entry
            if command.closes:
                self._opened_by.pop(place, None)

    def finish(self) -> Iterator[Violation]:
        """Nothing: rows may stay open."""
        yield from ()

    def _between_two_steps(self, entry: LoggedCommand) -> Iterator[Violation]:
        """An opening is completed in time, by its second step, and no opener or refresh comes between on its rank."""
        command = self._rules.commands[entry.command]
        opener = self._rules.completes.get(entry.command)
        for bank in self._banks(entry) if self._half_open or opener else ():
            first = self._half_open.get(bank)
            if opener is not None:
                yield from self._second_step(entry, opener, first)
                self._half_open.pop(bank, None)
            elif first is not None:
                yield Violation(
                    entry.tick, f"opening: {entry.command} before {first.command} is completed", entry, first
                )
                self._half_open.pop(bank, None)
        if command.opens or command.refreshes:
            for first in self._half_open.values():
                if self._one_rank(first, entry):
                    text = f"opening: {entry.command} between the steps of another opening, {first.command}"
                    yield Violation(entry.tick, text, entry, first)
        if entry.command in self._rules.within:
            self._half_open[entry.address] = entry

    def _second_step(self, entry: LoggedCommand, opener: str, first: LoggedCommand | None) -> Iterator[Violation]:
        if first is None:
            yield Violation(entry.tick, f"opening: {entry.command} without {opener}", entry)
            return
        since, within = entry.tick - first.tick, self._rules.within[opener]
        if since > within:
            yield Violation(
                entry.tick, f"opening: {entry.command} {since} ticks after {opener}, not {within}", entry, first
            )

    def _one_rank(self, one: LoggedCommand, other: LoggedCommand) -> bool:
        """Whether two commands go to one rank (the outermost level, if it is called so; else the channel)."""
        return self._rules.levels[0] != "rank" or one.address[0] == other.address[0]

    def _banks(self, entry: LoggedCommand) -> list[Node]:
        depth = self._rules.depth[entry.command]
        across, counts = self._rules.across[entry.command], self._rules.counts
        own = [range(counts[at]) if at in across else (index,) for at, index in enumerate(entry.address[:depth])]
        return list(product(*own, *map(range, counts[depth:])))


class ModeRule:
    """Memory commands in memory mode, register commands in register mode."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._mode = "memory"
        self._switched_by: LoggedCommand | None = None

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """A command of the other mode."""
        needed = self._rules.commands[entry.command].mode
        if needed not in ("any", self._mode):
            yield Violation(entry.tick, f"mode: {entry.command} in {self._mode} mode", entry, self._switched_by)
        if entry.command == self._rules.mode_switch:
            self._mode = "register" if self._mode == "memory" else "memory"
            self._switched_by = entry

    def finish(self) -> Iterator[Violation]:
        """Nothing."""
        yield from ()


class SyncRule:
    """The data clock runs when data moves: since a command that it serves, or the command that synchronises it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._runs_until = 0
        self._synchronised: LoggedCommand | None = None

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Data without a clock."""
        holds = self._rules.sync_holds.get(entry.command)
        if holds is None:
            if any(row.sync == entry.command for row in self._rules.commands.values()):
                self._synchronised = entry
            return
        sync = self._rules.commands[entry.command].sync
        if entry.tick >= self._runs_until and (self._synchronised is None or self._synchronised.command != sync):
            yield Violation(entry.tick, f"sync: {entry.command} without {sync}: the data clock has lapsed", entry)
        self._synchronised = None
        self._runs_until = max(self._runs_until, entry.tick + holds)

    def finish(self) -> Iterator[Violation]:
        """Nothing."""
        yield from ()


class RefreshRule:
    """Every node refreshed in time, and as often as intervals have gone by, but for what the standard lets wait."""

    def __init__(self, rules: Rules) -> None:
        self._command = rules.refresh_command
        self._interval = rules.refresh_ticks
        self._times: defaultdict[Node, list[LoggedCommand]] = defaultdict(list)
        self._depth = rules.depth[self._command] if self._command else 0
        self._max_postponed = rules.max_postponed
        across = rules.across.get(self._command or "", ())
        counts = rules.counts[: self._depth]
        places = [[-1] if place in across else range(count) for place, count in enumerate(counts)]
        self._nodes: list[Node] = list(product(*places))
        self._last: LoggedCommand | None = None

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """A refresh that comes too late."""
        self._last = entry
        if self._command and entry.command == self._command:
            times = self._times[entry.address[: self._depth]]
            yield from self._late(times[-1] if times else None, entry)
            times.append(entry)

    def finish(self) -> Iterator[Violation]:
        """Nodes left without refresh at the end of the log, or refreshed too often or too seldom."""
        if self._command is None or self._last is None:
            return
        due = self._last.tick // self._interval
        for node in self._nodes:
            times = self._times[node]
            yield from self._late(times[-1] if times else None, self._last)
            if abs(len(times) - due) > self._max_postponed:
                text = f"refresh: {len(times)} {self._command} on {node or 'the channel'}, {due} due"
                yield Violation(self._last.tick, text, None)

    def _late(self, earlier: LoggedCommand | None, entry: LoggedCommand) -> Iterator[Violation]:
        since = entry.tick - (earlier.tick if earlier else 0)
        most = self._max_postponed + 1
        if since > most * self._interval:
            text = f"refresh: {since} ticks without {self._command}, more than {most} x {self._interval}"
            yield Violation(entry.tick, text, entry, earlier)
