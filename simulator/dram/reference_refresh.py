"""When refreshes fall due in the reference engine, and on which banks."""

from __future__ import annotations

from itertools import product

from simulator.config.dram_schema import Controller
from simulator.dram.reference_table import Node, ReferenceTable


class RefreshClock:
    """At each multiple of the interval refreshes fall due: of the nodes in turn one a rank, or one at all."""

    def __init__(self, table: ReferenceTable, policy: Controller) -> None:
        self.turns: list[Node] = []
        """A bank of each node that is refreshed, in the order in which they fall due."""
        self._interval = table.refresh_interval
        self._offset = 0
        self._turn = 0
        if table.refresh is None:
            return
        command, depth = table.commands[table.refresh], table.rank_depth
        ranks = list(product(*map(range, table.counts[:depth])))
        places = sorted({table.node_of(command, bank)[depth:] for bank in product(*map(range, table.counts))})
        self.turns = [table.banks_of(command, rank + place)[0] for place in places for rank in ranks]
        self._at_once = len(ranks) if policy.refresh_order == "together" else 1

    def fall_due(self, tick: int) -> int:
        """How many refreshes fall due in this tick."""
        return self._at_once if self.turns and tick and self.next_due(tick - 1) == tick else 0

    def next_bank(self) -> Node:
        """A bank of the node whose turn it is."""
        bank = self.turns[self._turn]
        self._turn = (self._turn + 1) % len(self.turns)
        return bank

    def next_due(self, tick: int) -> int | None:
        """The first due time after ``tick``."""
        return tick + self._interval - (tick + self._offset) % self._interval if self.turns else None

    def served_before_start(self, phase: int) -> list[Node]:
        """Let refresh have fallen due ``phase`` ticks before tick 1; banks of the nodes that were refreshed then."""
        phase %= self._interval
        self._offset = phase - 1
        return self.turns[-self._at_once :] if phase else []
