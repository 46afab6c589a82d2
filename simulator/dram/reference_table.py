"""The reference engine's reading of a standard: commands with their effects, gaps by the command that starts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from simulator.config.dram_schema import Dram
from simulator.config.timing import resolve_dram

Node = tuple[int, ...]
"""A node's address: one index for each level from below the channel down to the node's own; ``()`` is the channel."""


@dataclass(frozen=True)
class ReferenceCommand:
    """A command with times in ticks; ``depth`` is the length of the node addresses that it takes.

    ``across``: the places in its addresses that it leaves open (-1), for it reaches all nodes there alike.
    """

    name: str
    depth: int
    row: Literal["open", "closed", "any"]
    opens: bool
    closes: bool
    opener: str | None
    closer: str | None
    bus: str
    bus_ticks: int
    align: int
    latency: int
    activations: int
    mode: Literal["memory", "register", "any"]
    data: Literal["none", "read", "write"] = "none"
    row_buffers: tuple[int, ...] = (0,)
    across: tuple[int, ...] = ()
    completed_by: str | None = None
    complete_within: int = 0
    completes: bool = False
    sync: str | None = None
    sync_holds: int = 0


SYNC = "SYNC"
"""A host's barrier in the near-bank queue: takes a turn of the first bus, but no command goes out."""

_BARRIER = ReferenceCommand(
    name=SYNC, depth=0, row="any", opens=False, closes=False, opener=None, closer=None, bus="", bus_ticks=0, align=1,
    latency=0, activations=0, mode="any",
)  # fmt: skip


@dataclass(frozen=True)
class Gap:
    """``after`` waits ``ticks`` on the node at ``depth`` that holds the earlier command, or on that node's siblings."""

    after: str
    depth: int
    ticks: int
    sibling: bool


@dataclass(frozen=True)
class Window:
    """At most ``window`` activations on a node at ``depth`` within a gap that depends on the first one's command."""

    row: int
    depth: int
    window: int
    gaps: Mapping[str, int]


class ReferenceTable:
    """A standard, ready for look-ups by command."""

    def __init__(self, spec: Dram) -> None:
        resolved = resolve_dram(spec)
        split = spec.controller.command_buses == "split"
        self.counts = tuple(spec.organization.levels.values())
        self.row_buffers = resolved.row_buffers
        self.near_bank_slack = resolved.near_bank_slack if resolved.near_bank == "concurrent" else None
        """Ticks before a near-bank command in which no memory request is served; None: none while any waits."""
        self.buses = ("column", "row") if split else ("command",)
        self.mode_switch = spec.controller.mode_switch
        self.refresh_interval = resolved.refresh_interval
        self.commands = {
            name: ReferenceCommand(
                name=name,
                depth=resolved.commands[name].scope,
                row=row.row,
                opens=row.opens,
                closes=row.closes,
                opener=row.opener,
                closer=row.closer,
                bus=row.bus if split else "command",
                bus_ticks=resolved.commands[name].bus_ticks,
                align=row.align,
                latency=resolved.commands[name].latency,
                activations=max(1, resolved.commands[name].activations),
                mode=row.mode,
                data=row.data,
                across=tuple(list(spec.organization.levels).index(level) for level in row.across),
                row_buffers=resolved.commands[name].row_buffers,
                completed_by=row.completed_by,
                complete_within=resolved.commands[name].complete_within,
                completes=any(other.completed_by == name for other in spec.commands.values()),
                sync=row.sync,
                sync_holds=resolved.commands[name].sync_holds,
            )
            for name, row in spec.commands.items()
        }
        self.barrier = replace(_BARRIER, bus=self.buses[0])
        self.commands[SYNC] = self.barrier
        self.two_steps = any(command.completed_by for command in self.commands.values())
        self.refresh = None if spec.controller.refresh == "none" else spec.controller.refresh
        """The command of the refresh policy."""
        self.age_limit = resolved.age_limit
        self.page_timeout = resolved.page_timeout
        self.rank_depth = resolved.rank_level
        """Length of the addresses of ranks: the nodes that refresh, and are precharged, as a whole."""
        self.twins = {row.auto_precharge_of: name for name, row in spec.commands.items() if row.auto_precharge_of}
        self._gaps: defaultdict[str, list[Gap]] = defaultdict(list)
        self._windows_to: defaultdict[str, list[Window]] = defaultdict(list)
        self._windows_from: defaultdict[str, list[Window]] = defaultdict(list)
        for number, row in enumerate(resolved.constraints):
            for after in row.to:
                gaps = {before: row.gap(before, after) for before in row.from_}
                if row.window > 1:
                    self._windows_to[after].append(Window(number, row.level, row.window, gaps))
                    continue
                for before, ticks in gaps.items():
                    self._gaps[before].append(Gap(after, row.level, ticks, row.sibling))
            if row.window > 1:
                for before in row.from_:
                    self._windows_from[before].append(Window(number, row.level, row.window, {}))

    @property
    def precharge_all(self) -> ReferenceCommand:
        """The command that closes all banks of a rank."""
        return next(
            c
            for c in self.commands.values()
            if c.closes
            and not c.opens
            and c.depth == self.rank_depth
            and c.row == "any"
            and len(c.row_buffers) == self.row_buffers
        )

    def rest_ticks(self) -> int:
        """From closing all banks of a rank until a row of it may be opened."""
        gaps = self.gaps_from(self.precharge_all)
        return max((gap.ticks for gap in gaps if self.commands[gap.after].opens), default=0)

    def node_of(self, command: ReferenceCommand, bank: Node) -> Node:
        """The address of a command that is to reach ``bank``."""
        node = bank[: command.depth]
        return tuple(-1 if at in command.across else index for at, index in enumerate(node)) if command.across else node

    def members(self, command: ReferenceCommand, node: Node) -> list[Node]:
        """The nodes that a command to ``node`` reaches."""
        if not command.across:
            return [node]
        counts = self.counts[: command.depth]
        return list(product(*(range(n) if at in command.across else (node[at],) for at, n in enumerate(counts))))

    def banks_of(self, command: ReferenceCommand, node: Node) -> list[Node]:
        """The banks that a command to ``node`` reaches, in order."""
        rest = list(product(*map(range, self.counts[command.depth :])))
        return [member + below for member in self.members(command, node) for below in rest]

    def gaps_from(self, command: ReferenceCommand) -> list[Gap]:
        """What must wait for ``command``."""
        return self._gaps[command.name]

    def windows_to(self, command: ReferenceCommand) -> list[Window]:
        """The activation windows that may hold ``command`` back."""
        return self._windows_to[command.name]

    def windows_from(self, command: ReferenceCommand) -> list[Window]:
        """The activation windows in which ``command`` counts."""
        return self._windows_from[command.name]
