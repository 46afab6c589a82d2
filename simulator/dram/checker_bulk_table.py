"""A log as arrays: which nodes of each level a command reaches, and what came last on a node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.checker_table import Rules
from simulator.dram.runs import Issued

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Events:
    """Commands on the nodes of one level, node by node in order of the log: entry of the log, and node, of each."""

    entry: Ints
    node: Ints

    @cached_property
    def first(self) -> Ints:
        """For each event the position of the first on its node."""
        starts = np.ones(len(self.node), dtype=np.bool_)
        starts[1:] = self.node[1:] != self.node[:-1]
        return np.maximum.accumulate(np.where(starts, np.arange(len(self.node)), 0))

    def last(self, chosen: Bools) -> Ints:
        """For each event the position of the last ``chosen`` one before it on its node; -1: none."""
        place = np.maximum.accumulate(np.where(chosen, np.arange(len(chosen)), -1))
        before = np.concatenate((np.full(min(1, len(place)), -1), place[:-1]))
        return np.where(before >= self.first, before, -1)


class Log:
    """One channel's log of a standard."""

    def __init__(self, spec: Dram, rules: Rules, issued: Issued) -> None:
        self.tick, self.command, self.row = issued.tick, issued.command, issued.row
        self.code = {name: number for number, name in enumerate(spec.commands)}
        self.counts = rules.counts
        self._rules = rules
        self.node = issued.node
        names = list(spec.commands)
        self.present = {names[number] for number in np.unique(issued.command)}
        self._events: dict[int, Events] = {}
        self._banks: Events | None = None

    def is_command(self, events: Events, name: str) -> Bools:
        """Which events are of one command."""
        found: Bools = self.command[events.entry] == self.code[name]
        return found

    def of(self, values: dict[str, int], default: int = 0) -> Ints:
        """A value of each log entry's command."""
        return np.array([values.get(name, default) for name in self.code], dtype=np.int64)[self.command]

    def events(self, depth: int) -> Events:
        """The commands on the nodes ``depth`` levels below the channel; of scopes above them there are none."""
        if depth not in self._events:
            self._events[depth] = self._collect(depth, banks=False)
        return self._events[depth]

    @property
    def banks(self) -> Events:
        """All commands on each bank that they reach."""
        if self._banks is None:
            self._banks = self._collect(len(self.counts), banks=True)
        return self._banks

    def _collect(self, depth: int, *, banks: bool) -> Events:
        entries, nodes = [], []
        for name in self.present:
            scope = self._rules.depth[name]
            if scope < depth and not banks:
                continue
            entry = np.flatnonzero(self.command == self.code[name])
            reached = self._reached(name, entry, depth)
            entries.append(np.repeat(entry, reached.shape[1]))
            nodes.append(reached.reshape(-1))
        entry, node = np.concatenate(entries), np.concatenate(nodes)
        order = np.lexsort((entry, node))
        return Events(entry[order], node[order])

    def _reached(self, name: str, entry: Ints, depth: int) -> Ints:
        """Nodes [entry, n] at ``depth`` that hold a bank of a command's."""
        scope, across = self._rules.depth[name], self._rules.across[name]
        node = self.node[entry][:, np.newaxis]
        if across:
            below = prod(self.counts[across[-1] + 1 : scope])
            members = prod(self.counts[across[0] : across[-1] + 1])
            node = (node // below * members + np.arange(members)) * below + node % below
        if scope < depth:
            below = prod(self.counts[scope:depth])
            return (node[:, :, np.newaxis] * below + np.arange(below)).reshape(len(entry), -1)
        node = node // prod(self.counts[depth:scope])
        # Members that a node at this depth has in common stand side by side; each node counts once.
        alike = prod(self.counts[max(depth, across[0]) : across[-1] + 1]) if across else 1
        return node[:, ::alike]
