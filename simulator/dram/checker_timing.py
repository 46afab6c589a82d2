"""Checker rules about time between commands: gaps between pairs, and activation windows."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from simulator.dram.checker_rules import Violation
from simulator.dram.checker_table import Gap, Rules
from simulator.dram.log import LoggedCommand

Node = tuple[int, ...]


class GapRule:
    """For each command, every earlier command within a gap of it on the same node, or a sibling."""

    def __init__(self, rules: Rules) -> None:
        self._gaps_to = rules.gaps_to
        gaps = [gap for group in rules.gaps_to.values() for gap in group]
        self._horizon = {name: max((g.ticks for g in gaps if g.before == name), default=0) for name in rules.commands}
        self._recent: defaultdict[str, deque[LoggedCommand]] = defaultdict(deque)

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Pairs that ``entry`` completes too early."""
        for gap in self._gaps_to[entry.command]:
            for earlier in reversed(self._recent[gap.before]):
                if entry.tick - earlier.tick >= gap.ticks:
                    break
                if _related(gap, earlier.address, entry.address):
                    yield _too_early(gap, earlier, entry)
                    break
        recent = self._recent[entry.command]
        recent.append(entry)
        while entry.tick - recent[0].tick >= self._horizon[entry.command] > 0:
            recent.popleft()
        if self._horizon[entry.command] == 0:
            recent.clear()

    def finish(self) -> Iterator[Violation]:
        """Nothing: a gap needs a later command."""
        yield from ()


class WindowRule:
    """Counts activations: any ``window`` + 1 of a constraint row's activations on a node span at least its gap."""

    def __init__(self, rules: Rules) -> None:
        self._windows_to = rules.windows_to
        self._activations = rules.activations
        rows: dict[int, tuple[int, int]] = {}
        self._rows_from: defaultdict[str, set[int]] = defaultdict(set)
        for group in rules.windows_to.values():
            for gap in group:
                rows[gap.row] = (gap.depth, gap.window)
                self._rows_from[gap.before].add(gap.row)
        self._rows = rows
        self._past: dict[tuple[int, Node], deque[LoggedCommand]] = {}

    def judge(self, entry: LoggedCommand) -> Iterator[Violation]:
        """Windows that ``entry`` overfills."""
        count = self._activations[entry.command]
        for gap in self._windows_to[entry.command]:
            past = self._past.get((gap.row, entry.address[: gap.depth]), ())
            needed = gap.window - count + 1
            if not 1 <= needed <= len(past):
                continue
            earlier = past[-needed]
            if earlier.command == gap.before and entry.tick - earlier.tick < gap.ticks:
                yield _window_overfull(gap, earlier, entry)
        for row in self._rows_from[entry.command]:
            depth, window = self._rows[row]
            past = self._past.setdefault((row, entry.address[:depth]), deque(maxlen=window))
            past.extend([entry] * count)

    def finish(self) -> Iterator[Violation]:
        """Nothing: a window needs a later command."""
        yield from ()


def _related(gap: Gap, earlier: Node, later: Node) -> bool:
    """Whether two commands meet on a node of the gap's level, or on siblings if the gap is between siblings."""
    if gap.sibling:
        return meet(earlier[: gap.depth - 1], later[: gap.depth - 1]) and earlier[gap.depth - 1] != later[gap.depth - 1]
    return meet(earlier[: gap.depth], later[: gap.depth])


def meet(one: Node, other: Node) -> bool:
    """Whether two addresses name a common node; -1 stands for all."""
    return one == other or all(a == b or -1 in (a, b) for a, b in zip(one, other, strict=True))


def _too_early(gap: Gap, earlier: LoggedCommand, later: LoggedCommand) -> Violation:
    where = f"sibling {gap.level}" if gap.sibling else f"same {gap.level}"
    since = later.tick - earlier.tick
    text = f"{gap.name}: {later.command} {since} ticks after {earlier.command}, not {gap.ticks} ({where})"
    return Violation(later.tick, text, later, earlier)


def _window_overfull(gap: Gap, earlier: LoggedCommand, later: LoggedCommand) -> Violation:
    text = (
        f"{gap.name}: activation {gap.window + 1} by {later.command} at {later.tick}, "
        f"{later.tick - earlier.tick} ticks after the first, not {gap.ticks} (same {gap.level})"
    )
    return Violation(later.tick, text, later, earlier)
