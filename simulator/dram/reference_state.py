"""State of the reference engine's channel: banks, earliest ticks, buses, register mode."""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial
from itertools import product

import simpy

from simulator.dram.reference_table import Node, ReferenceCommand, ReferenceTable


class Bank:
    """One bank: the row in each of its row buffers, if any, and the tick by which an opening has to be completed."""

    def __init__(self, row_buffers: int) -> None:
        self.rows: list[int | None] = [None] * row_buffers
        self.due: int | None = None

    @property
    def open_row(self) -> int | None:
        """The row that is open for reads and writes."""
        return self.rows[0]

    def take(self, command: ReferenceCommand, row: int, event: simpy.Event) -> None:
        """React to a command's event."""
        for buffer in command.row_buffers if command.opens or command.closes else ():
            self.rows[buffer] = row if command.opens else None
        if command.opens:
            self.due = int(event.env.now) + command.complete_within if command.completed_by else None
        if command.completes:
            self.due = None


class Channel:
    """What the commands issued so far allow: readiness of each command at each node, open rows, the mode."""

    def __init__(self, env: simpy.Environment, table: ReferenceTable) -> None:
        self.table = table
        self.mode = "memory"
        self._env = env
        self.banks: dict[Node, Bank] = {node: Bank(table.row_buffers) for node in product(*map(range, table.counts))}
        self._nodes_banks: defaultdict[Node, list[tuple[Node, Bank]]] = defaultdict(list)
        for node, bank in self.banks.items():
            for depth in range(len(node) + 1):
                self._nodes_banks[node[:depth]].append((node, bank))
        self._earliest: defaultdict[tuple[str, Node], int] = defaultdict(int)
        self._activations: dict[tuple[int, Node], deque[tuple[int, str]]] = {}
        self.bus_free: defaultdict[str, int] = defaultdict(int)

    def banks_of(self, command: ReferenceCommand, node: Node) -> list[tuple[Node, Bank]]:
        """The banks that a command to ``node`` reaches, with their addresses, in bank order."""
        return [bank for member in self.table.members(command, node) for bank in self._nodes_banks[member]]

    def free_from(self, command: ReferenceCommand, node: Node) -> int:
        """The tick from which gaps, windows and the bus let ``command`` issue to ``node``; may be in the past."""
        return max(self.allowed_from(command, node), self.bus_free[command.bus])

    def allowed_from(self, command: ReferenceCommand, node: Node) -> int:
        """The same, the bus left aside."""
        members = self.table.members(command, node)
        above = {member[:depth] for member in members for depth in range(len(member) + 1)}
        by_gaps = max(self._earliest[command.name, place] for place in above)
        return max(by_gaps, self._window_ready(command, members[0]))

    def _window_ready(self, command: ReferenceCommand, node: Node) -> int:
        """The first tick at which no activation window is overfull by ``command``."""
        tick = 0
        for window in self.table.windows_to(command):
            past = self._activations.get((window.row, node[: window.depth]), ())
            needed = window.window - command.activations + 1
            if len(past) >= needed:
                issued, earlier = past[-needed]
                tick = max(tick, issued + window.gaps.get(earlier, 0))
        return tick

    def issue(self, command: ReferenceCommand, node: Node, row: int) -> simpy.Event:
        """Put a command on its bus now. Its event has reached the banks when the caller has waited for it."""
        self.hold_back(command, node, int(self._env.now))
        if command.name == self.table.mode_switch:
            self.mode = "register" if self.mode == "memory" else "memory"
        event = self._env.event()
        event.callbacks.extend(partial(bank.take, command, row) for _, bank in self.banks_of(command, node))
        return event.succeed()

    def hold_back(self, command: ReferenceCommand, node: Node, tick: int) -> None:
        """Let everything else wait for a command issued at ``tick`` as its gaps, windows and bus demand."""
        self.bus_free[command.bus] = tick + command.bus_ticks
        members = self.table.members(command, node)
        for gap, member in product(self.table.gaps_from(command), members):
            for target in self._targets(member[: gap.depth], sibling=gap.sibling):
                self._earliest[gap.after, target] = max(self._earliest[gap.after, target], tick + gap.ticks)
        for window in self.table.windows_from(command):
            key = (window.row, members[0][: window.depth])
            past = self._activations.setdefault(key, deque(maxlen=window.window))
            past.extend([(tick, command.name)] * command.activations)

    def _targets(self, node: Node, *, sibling: bool) -> list[Node]:
        """The node itself, or the other children of its parent."""
        if not sibling:
            return [node]
        count = self.table.counts[len(node) - 1]
        return [(*node[:-1], index) for index in range(count) if index != node[-1]]


def pad(node: Node, levels: int) -> Node:
    """A node's address by all levels, -1 where it does not go deeper."""
    return node + (-1,) * (levels - len(node))


def rows_of(command: ReferenceCommand, bank: Bank) -> list[int | None]:
    """What a bank holds in the row buffers that a command is about."""
    return [bank.rows[buffer] for buffer in command.row_buffers]


def first_open_on_another_row(
    command: ReferenceCommand, banks: list[tuple[Node, Bank]], row: int | None
) -> Node | None:
    """The first bank with a row open, in a buffer that ``command`` is about, that is not ``row``."""
    return next((node for node, bank in banks if any(r not in (None, row) for r in rows_of(command, bank))), None)


def first_closed(command: ReferenceCommand, banks: list[tuple[Node, Bank]]) -> Node | None:
    """The first bank with a buffer that ``command`` is about closed."""
    return next((node for node, bank in banks if None in rows_of(command, bank)), None)
