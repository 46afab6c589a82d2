"""Checker rules about single commands and state: addresses, buses, rows, register mode, refresh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from simulator.dram.checker_table import Rules
from simulator.dram.log import LoggedCommand

Node = tuple[int, ...]

MAX_POSTPONED = 8
"""Refreshes that may be postponed or pulled in (JEDEC: at most nine refresh intervals between two refreshes)."""


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
        inside = all(0 <= index < count for index, count in zip(entry.address[:depth], counts, strict=False))
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
        self._opened_by: dict[Node, LoggedCommand] = {}

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """The first bank in scope whose row is not what ``entry`` needs."""
        command = self._rules.commands[entry.command]
        banks = self._banks(entry)
        if command.opens and entry.row < 0:
            yield Violation(entry.tick, f"row: {entry.command} opens no row", entry)
        for bank in banks:
            opener = self._opened_by.get(bank)
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
        for bank in banks:
            if command.opens:
                self._opened_by[bank] = entry
            if command.closes:
                self._opened_by.pop(bank, None)

    def finish(self) -> Iterator[Violation]:
        """Nothing: rows may stay open."""
        yield from ()

    def _banks(self, entry: LoggedCommand) -> list[Node]:
        depth = self._rules.depth[entry.command]
        return [entry.address[:depth] + rest for rest in product(*map(range, self._rules.counts[depth:]))]


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


class RefreshRule:
    """Every node refreshed at most nine intervals apart, and as often as intervals have gone by, give or take eight."""

    def __init__(self, rules: Rules) -> None:
        self._command = rules.refresh_command
        self._interval = rules.refresh_ticks
        self._times: defaultdict[Node, list[LoggedCommand]] = defaultdict(list)
        self._depth = rules.depth[self._command] if self._command else 0
        counts = rules.counts[: self._depth]
        self._nodes: list[Node] = list(product(*map(range, counts)))
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
            if abs(len(times) - due) > MAX_POSTPONED:
                text = f"refresh: {len(times)} {self._command} on {node or 'the channel'}, {due} due"
                yield Violation(self._last.tick, text, None)

    def _late(self, earlier: LoggedCommand | None, entry: LoggedCommand) -> Iterator[Violation]:
        since = entry.tick - (earlier.tick if earlier else 0)
        if since > (MAX_POSTPONED + 1) * self._interval:
            text = f"refresh: {since} ticks without {self._command}, more than {MAX_POSTPONED + 1} x {self._interval}"
            yield Violation(entry.tick, text, entry, earlier)
