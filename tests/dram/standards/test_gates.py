"""Each constraint of each standard: shut one tick before its gap has gone by, open at the gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
import simpy
from shipped_standards import SHIPPED
from strategies import bank_count, standard

from simulator.config.dram_schema import Dram
from simulator.dram.checker_table import Gap, Rules, read_rules
from simulator.dram.checker_timing import GapRule, WindowRule
from simulator.dram.log import LoggedCommand
from simulator.dram.reference_state import Channel
from simulator.dram.reference_table import Node, ReferenceTable


def pairs(rules: Rules) -> Iterator[tuple[str, str, Node, Node, int]]:
    """Every pair of commands on nodes that share their path down to each depth: the nodes, and the gap due.

    Nodes that differ in a place that one of the commands leaves open are no pair of their own: it reaches both.
    """
    for before, after in product(rules.commands, repeat=2):
        shallow = min(rules.depth[before], rules.depth[after])
        left_open = {*rules.across[before], *rules.across[after]}
        for shared in range(shallow + 1):
            first = (0,) * rules.depth[before]
            second = (0,) * shared + (1,) * (rules.depth[after] > shared < shallow) + (0,) * rules.depth[after]
            if shared < shallow and (rules.counts[shared] == 1 or shared in left_open):
                continue
            gaps = [gap.ticks for gap in rules.gaps_to[after] if gap.before == before and holds(gap, shared, shallow)]
            yield before, after, first, second[: rules.depth[after]], max(gaps, default=0)


def holds(gap: Gap, shared: int, shallow: int) -> bool:
    """Whether a gap binds nodes that share ``shared`` steps of their paths."""
    return gap.depth == shared + 1 <= shallow if gap.sibling else gap.depth <= shared


def windows_filled_by_one(rules: Rules, before: str, after: str, first: Node, second: Node) -> list[int]:
    """Gaps of the windows that a single ``before`` fills as far as ``after`` is concerned (gang activations)."""
    return [
        gap.ticks
        for gap in rules.windows_to[after]
        if gap.before == before
        and first[: gap.depth] == second[: gap.depth]
        and rules.activations[before] + rules.activations[after] > gap.window
    ]


def logged(rules: Rules, tick: int, command: str, node: Node) -> LoggedCommand:
    return LoggedCommand(tick, command, node + (-1,) * (len(rules.counts) - len(node)), 0, -1)


def after_issuing(spec: Dram, *commands: tuple[int, str, Node]) -> Channel:
    """A channel of the reference engine after commands at given ticks."""
    env = simpy.Environment(initial_time=1)
    channel = Channel(env, ReferenceTable(spec))
    for tick, name, node in commands:
        if tick > env.now:
            env.run(until=tick)
        channel.issue(channel.table.commands[name], node, 0)
    return channel


@pytest.mark.parametrize("name", SHIPPED)
def test_every_pair_of_commands_is_held_apart_by_exactly_its_gap(name: str) -> None:
    spec = standard(name)
    rules = read_rules(spec)
    tested = 0
    for before, after, first, second, gap in pairs(rules):
        channel = after_issuing(spec, (1, before, first))
        command = channel.table.commands[after]
        same_bus = command.bus == channel.table.commands[before].bus
        bus = 1 + rules.bus_ticks[before] if same_bus else 0
        due = [1 + ticks for ticks in (gap, *windows_filled_by_one(rules, before, after, first, second)) if ticks > 0]
        assert channel.free_from(command, second) == max([0, bus, *due]), (before, after, second)
        for tick, legal in ((gap, False), (gap + 1, True)):
            if gap > 0:
                rule = GapRule(rules)
                assert not list(rule.judge(logged(rules, 1, before, first)))
                assert (not list(rule.judge(logged(rules, tick, after, second)))) == legal, (before, after, tick)
                tested += 1
    assert tested > (100 if bank_count(spec) > 1 else 50)


WITHOUT_WINDOW = ("gddr6_aim_ref", "gddr6_aim_cent", "gddr7_", "upmem_mram")
"""The published AiM simulator leaves tFAW out; GDDR7 has none; a bank alone needs none."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if not name.startswith(WITHOUT_WINDOW)])
def test_every_activation_window_opens_exactly_at_its_gap(name: str) -> None:
    spec = standard(name)
    rules = read_rules(spec)
    windows = [gap for group in rules.windows_to.values() for gap in group]
    assert windows
    for gap in windows:
        first = (0,) * rules.depth[gap.before]
        needed = gap.window - rules.activations[gap.after] + 1
        issues = -(-needed // rules.activations[gap.before])
        second = (0,) * rules.depth[gap.after]
        channel = after_issuing(spec, *[(1, gap.before, first)] * issues)
        window_ready = channel._window_ready(channel.table.commands[gap.after], second)
        assert window_ready == 1 + gap.ticks, gap
        for tick, legal in ((gap.ticks, False), (gap.ticks + 1, True)):
            rule = WindowRule(rules)
            for _ in range(issues):
                assert not list(rule.judge(logged(rules, 1, gap.before, first)))
            assert (not list(rule.judge(logged(rules, tick, gap.after, second)))) == legal, gap
