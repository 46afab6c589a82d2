"""The checker's own reading of a standard: expressions evaluated, gaps in ticks."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from simulator.config.dram_schema import Command, Constraint, Dram, Expression, RefreshPolicy

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_FUNCTIONS: dict[str, Callable[..., int]] = {"max": max, "min": min}


@dataclass(frozen=True)
class Gap:
    """``after`` may not follow ``before`` on a node of level ``depth`` (0: channel) within ``ticks``.

    ``window`` activations are free if it is more than one; ``sibling``: between different nodes under one parent.
    ``row``: the constraint row's number.
    """

    name: str
    level: str
    depth: int
    before: str
    after: str
    ticks: int
    window: int
    sibling: bool
    row: int


@dataclass(frozen=True)
class Rules:
    """Everything that the checker needs of a standard, in ticks.

    ``across``: the places that a command's address leaves open. ``within``: ticks in which an opening has to be
    completed; ``completes``: the command that does it -> the opener. ``sync_holds``: ticks for which the data clock
    runs on after a command that needs it. ``refresh_ticks``: how often each node is refreshed. ``row_buffers``: the
    names of those of a bank that a command is about; where a bank has only one, all commands are about that.
    """

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    commands: Mapping[str, Command]
    depth: Mapping[str, int]
    bus_ticks: Mapping[str, int]
    activations: Mapping[str, int]
    gaps_to: Mapping[str, tuple[Gap, ...]]
    windows_to: Mapping[str, tuple[Gap, ...]]
    across: Mapping[str, tuple[int, ...]]
    row_buffers: Mapping[str, tuple[str, ...]]
    within: Mapping[str, int]
    completes: Mapping[str, str]
    sync_holds: Mapping[str, int]
    split_buses: bool
    mode_switch: str | None
    refresh_command: str | None
    refresh_ticks: int
    max_postponed: int


def evaluate(expression: Expression, names: Mapping[str, int]) -> int:
    """An expression's value in clocks; raises ValueError for anything but integers, names, + - * // max min."""

    def value(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                return _OPERATORS[type(sign)](value(left), value(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
                return _FUNCTIONS[name](*[value(argument) for argument in arguments])
        raise ValueError(f"cannot evaluate {ast.unparse(node)!r} in {expression!r}")

    return value(ast.parse(str(expression), mode="eval").body)


def clocks(spec: Dram) -> dict[str, int]:
    """The standard's timings in clocks; a ``tX_ps`` is rounded up and called ``nX``."""
    result = {}
    for name, value in spec.timings.items():
        if name.startswith("t") and name.endswith("_ps"):
            result["n" + name[1:-3]] = -(-value // spec.tCK_ps)
        else:
            result[name] = value
    return result


def read_rules(spec: Dram, refresh: RefreshPolicy | None = None) -> Rules:
    """The rules of ``spec``; ``refresh`` replaces the controller's refresh policy."""
    levels = tuple(spec.organization.levels)
    counts = tuple(spec.organization.levels.values())
    depth = {name: 0 if row.scope == "channel" else levels.index(row.scope) + 1 for name, row in spec.commands.items()}
    names = clocks(spec)
    policy = refresh or spec.controller.refresh
    buffers = spec.organization.row_buffers
    holding = [row for row in spec.constraints if row.row_buffers is None or row.row_buffers == buffers]
    gaps = [gap for number, row in enumerate(holding) for gap in _gaps(spec, number, row, names)]
    return Rules(
        levels=levels,
        counts=counts,
        commands=spec.commands,
        depth=depth,
        bus_ticks={name: _bus_ticks(spec, name) for name in spec.commands},
        activations={
            name: row.activations or (prod(counts[depth[name] :]) if row.opens else 1)
            for name, row in spec.commands.items()
        },
        gaps_to={name: tuple(g for g in gaps if g.after == name and g.window == 1) for name in spec.commands},
        windows_to={name: tuple(g for g in gaps if g.after == name and g.window > 1) for name in spec.commands},
        across={name: tuple(map(levels.index, row.across)) for name, row in spec.commands.items()},
        row_buffers={name: _row_buffers(spec, row) for name, row in spec.commands.items()},
        within={
            name: evaluate(row.complete_within or 0, names) * spec.ticks_per_clock
            for name, row in spec.commands.items()
            if row.completed_by
        },
        completes={row.completed_by: name for name, row in spec.commands.items() if row.completed_by},
        sync_holds={
            name: evaluate(row.sync_holds, names) * spec.ticks_per_clock
            for name, row in spec.commands.items()
            if row.sync
        },
        split_buses=spec.controller.command_buses == "split",
        mode_switch=spec.controller.mode_switch,
        refresh_command=None if policy == "none" else policy,
        refresh_ticks=_refresh_ticks(spec, policy, names),
        max_postponed=spec.max_postponed_refreshes,
    )


def _row_buffers(spec: Dram, row: Command) -> tuple[str, ...]:
    """The row buffers of its banks that a command needs or changes."""
    if spec.organization.row_buffers == 1:
        return ("memory",)
    return ("memory", "pim") if row.row_buffer == "both" else (row.row_buffer,)


def _refresh_ticks(spec: Dram, policy: str, names: Mapping[str, int]) -> int:
    """From one refresh of a node to the next: nREFI, or so many of the policy's own interval as a rank has nodes."""
    own = names.get(f"nREFI{policy.removeprefix('REF')}")
    if own is None or policy not in spec.commands:
        return names.get("nREFI", 0) * spec.ticks_per_clock
    levels = list(spec.organization.levels)
    row = spec.commands[policy]
    whole = next((c.scope for c in spec.commands.values() if c.refreshes and c.scope != levels[-1]), "channel")
    below = levels[levels.index(whole) + 1 :] if whole in levels else levels
    nodes = prod(spec.organization.levels[level] for level in below if level not in row.across)
    return own * nodes * spec.ticks_per_clock


def _bus_ticks(spec: Dram, command: str) -> int:
    """Ticks for which a command holds its bus."""
    return spec.commands[command].bus_ticks or spec.ticks_per_clock


def _gaps(spec: Dram, number: int, row: Constraint, names: Mapping[str, int]) -> list[Gap]:
    """One constraint row as pairs of commands; gaps run from last tick to last tick where the standard says so."""
    depth = 0 if row.level == "channel" else list(spec.organization.levels).index(row.level) + 1
    ticks = evaluate(row.gap, names) * spec.ticks_per_clock
    gaps = []
    for before in row.from_:
        for after in row.to:
            shift = _bus_ticks(spec, before) - _bus_ticks(spec, after) if spec.gaps_from_last_tick else 0
            gap = Gap(str(row.gap), row.level, depth, before, after, ticks + shift, row.window, row.sibling, number)
            gaps.append(gap)
    return gaps
