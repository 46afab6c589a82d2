"""Judges a finished command log by the pairwise rules of a standard; shares no code with the engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from simulator.config.dram_schema import Dram, RefreshPolicy
from simulator.dram.checker_rules import AddressRule, BusRule, ModeRule, RefreshRule, RowRule, SyncRule, Violation
from simulator.dram.checker_table import read_rules
from simulator.dram.checker_timing import GapRule, WindowRule
from simulator.dram.log import HEADER, LoggedCommand, read_log
from simulator.errors import TraceError

__all__ = ["Violation", "check_log", "check_log_file"]


class Rule(Protocol):
    """Watches a log command by command and names what is wrong."""

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Violations by ``entry`` given what came before; remembers it."""

    def finish(self) -> Iterator[Violation]:
        """Violations that only the end of the log shows."""


def check_log(spec: Dram, log: Iterable[LoggedCommand], *, refresh: RefreshPolicy | None = None) -> list[Violation]:
    """All violations in ``log``, which lists one channel's commands in order of issue; empty when it is legal.

    ``refresh`` replaces the controller's refresh policy. A command that is unknown or badly addressed is reported and
    then ignored by the other rules.
    """
    rules = read_rules(spec, refresh)
    address = AddressRule(rules)
    others: tuple[Rule, ...] = (
        GapRule(rules),
        WindowRule(rules),
        BusRule(rules),
        RowRule(rules),
        ModeRule(rules),
        SyncRule(rules),
        RefreshRule(rules),
    )
    found: list[Violation] = []
    for entry in log:
        faults = list(address.judge(entry))
        found += faults
        if not faults:
            found += [violation for rule in others for violation in rule.judge(entry)]
    return found + [violation for rule in others for violation in rule.finish()]


def check_log_file(spec: Dram, path: Path) -> list[Violation]:
    """All violations in a log file; raises TraceError where the file is malformed or is not of ``spec``.

    A log that names no standard, as another program writes it, is judged if its levels are those of ``spec``.
    """
    log = read_log(path)
    if log.standard and log.standard.lower() not in (spec.name.lower(), spec.standard.lower()):
        message = f"a log of '{log.standard}', not of {spec.name}; its first line says which standard judges it"
        raise TraceError(message, file=str(path), line=1, column=len(HEADER) + 1)
    levels = tuple(spec.organization.levels)
    if log.levels != levels:
        message = f"the levels are {','.join(log.levels)}; {spec.name} has {','.join(levels)}"
        raise TraceError(message, file=str(path), line=2, column=1)
    return check_log(spec, log.commands)
