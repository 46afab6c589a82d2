"""A DRAM standard in ticks: everything the engines need, as plain integers.

The rules are docs/dram-engine.md sections 1 and 2: timings given as times are rounded up to whole clocks, expressions
are in clocks, and ``ticks_per_clock`` turns clocks into the ticks that the engines count in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from simulator.config.dram_schema import Constraint, Dram
from simulator.config.expressions import evaluate
from simulator.quantities import ps_to_clocks

CHANNEL = "channel"
BANK = "bank"
REFRESH_INTERVAL = "nREFI"
ROW_BUFFERS = {"memory": (0,), "pim": (1,), "both": (0, 1)}
_PS = "_ps"


@dataclass(frozen=True)
class ResolvedCommand:
    """A command. ``scope`` is an index into the levels; ``bus_ticks``, ``align`` and ``latency`` are in ticks.

    It reaches ``banks`` banks, ``spacing`` apart: neighbours in a node of its scope; with ``across`` (indices into the
    levels) the banks with one place in all nodes of those levels under one parent. ``row_buffers``: those of a
    bank that it needs or changes, 0 for reads and writes, 1 for near-bank commands where these have one of their own.
    """

    name: str
    scope: int
    across: tuple[int, ...]
    banks: int
    spacing: int
    row: str
    opens: bool
    closes: bool
    opener: str | None
    closer: str | None
    row_buffers: tuple[int, ...]
    bus: str
    bus_ticks: int
    align: int
    data: str
    internal_bytes: int
    latency: int
    activations: int
    mode: str
    refreshes: bool
    completed_by: str | None
    complete_within: int
    sync: str | None
    sync_holds: int
    auto_precharge_of: str | None


@dataclass(frozen=True)
class ResolvedConstraint:
    """A constraint row. ``level`` is an index into the levels; gaps are in ticks.

    ``base_gap``: the gap as the standard counts it. ``shifts``: by command, how far its last tick lies after its first,
    where the standard counts from last ticks; empty where it does not.
    """

    level: int
    from_: tuple[str, ...]
    to: tuple[str, ...]
    base_gap: int
    window: int
    sibling: bool
    shifts: Mapping[str, int]

    def gap(self, from_: str, to: str) -> int:
        """Ticks from the first tick of ``from_`` to the earliest first tick of ``to``."""
        return self.base_gap + self.shifts.get(from_, 0) - self.shifts.get(to, 0)


@dataclass(frozen=True)
class ResolvedDram:
    """A standard. ``levels[0]`` is the channel and the last is the bank.

    ``level_counts``: nodes of each level in one node of the level above it (1 for the channel); ``node_counts``: in the
    channel. One tick lasts ``tCK_ps / ticks_per_clock`` ps, kept as those two integers. ``refresh_interval``: ticks
    from one due time of refreshes to the next, 0 without refresh. ``rank_level``: the level of REFab, whose nodes are
    called ranks here.
    """

    name: str
    levels: tuple[str, ...]
    level_counts: tuple[int, ...]
    node_counts: tuple[int, ...]
    rows: int
    row_buffers: int
    burst_bytes: int
    tCK_ps: int
    ticks_per_clock: int
    gaps_from_last_tick: bool
    timings: Mapping[str, int]
    commands: Mapping[str, ResolvedCommand]
    constraints: tuple[ResolvedConstraint, ...]
    scheduler: str
    row_hit_cap: int | None
    age_limit: int | None
    command_queue: int
    forwarding: bool
    page_policy: str
    page_timeout: int | None
    read_queue: int
    write_queue: int
    near_bank_queue: int
    near_bank: str
    near_bank_slack: int
    write_drain_low: float
    write_drain_high: float
    refresh: str
    refresh_order: str
    refresh_postpone: int
    refresh_pull_in: int
    refresh_interval: int
    rank_level: int
    command_buses: str
    address_mapping: str
    mode_switch: str | None
    contention: str
    quirks: tuple[str, ...]


def clocks(spec: Dram) -> dict[str, int]:
    """All timings in whole clocks: ``tREFI_ps`` is known as ``nREFI``. Raises ValueError for another kind of name."""
    return {clock_name(name): clock_value(name, value, spec.tCK_ps) for name, value in spec.timings.items()}


def clock_name(name: str) -> str:
    """What expressions call a timing. Raises ValueError for a name that is neither ``n...`` nor ``t..._ps``."""
    if name.startswith("n") and len(name) > 1:
        return name
    if name.startswith("t") and name.endswith(_PS) and len(name) > len("t" + _PS):
        return f"n{name[1 : -len(_PS)]}"
    raise ValueError(f"a timing is called n... (in clocks) or t..._ps (a time), not '{name}'")


def clock_value(name: str, value: int, tCK_ps: int) -> int:
    """The value of a timing in whole clocks."""
    return ps_to_clocks(value, tCK_ps) if name.startswith("t") else value


def resolve_dram(spec: Dram) -> ResolvedDram:
    """The standard in ticks. ``spec`` has passed `dram_checks`; else names that are not there raise ValueError."""
    timings = clocks(spec)
    controller = spec.controller
    levels = (CHANNEL, *spec.organization.levels)
    level_counts = (1, *spec.organization.levels.values())
    node_counts = tuple(accumulate(level_counts, mul))
    commands = {name: _command(name, spec, levels, node_counts, timings) for name in spec.commands}
    bank = len(levels) - 1
    rank_level = next((c.scope for c in commands.values() if c.refreshes and c.scope < bank), 0)
    return ResolvedDram(
        name=spec.name,
        levels=levels,
        level_counts=level_counts,
        node_counts=node_counts,
        rows=spec.organization.rows,
        row_buffers=spec.organization.row_buffers,
        burst_bytes=spec.organization.burst_bytes,
        tCK_ps=spec.tCK_ps,
        ticks_per_clock=spec.ticks_per_clock,
        gaps_from_last_tick=spec.gaps_from_last_tick,
        timings=timings,
        commands=commands,
        constraints=tuple(
            _constraint(row, spec, levels, commands, timings)
            for row in spec.constraints
            if row.row_buffers in (None, spec.organization.row_buffers)
        ),
        scheduler=controller.scheduler,
        row_hit_cap=controller.row_hit_cap,
        age_limit=controller.age_limit and controller.age_limit * spec.ticks_per_clock,
        command_queue=controller.command_queue,
        forwarding=controller.forwarding,
        page_policy=controller.page_policy,
        page_timeout=controller.page_timeout and controller.page_timeout * spec.ticks_per_clock,
        read_queue=controller.read_queue,
        write_queue=controller.write_queue,
        near_bank_queue=controller.near_bank_queue,
        near_bank=controller.near_bank,
        near_bank_slack=controller.near_bank_slack * spec.ticks_per_clock,
        write_drain_low=controller.write_drain.low,
        write_drain_high=controller.write_drain.high,
        refresh=controller.refresh,
        refresh_order=controller.refresh_order,
        refresh_postpone=controller.refresh_postpone,
        refresh_pull_in=controller.refresh_pull_in,
        rank_level=rank_level,
        command_buses=controller.command_buses,
        address_mapping=controller.address_mapping,
        mode_switch=controller.mode_switch,
        contention=controller.contention,
        quirks=controller.quirks,
        refresh_interval=_refresh_interval(spec, commands, rank_level, node_counts, timings),
    )


def _refresh_interval(
    spec: Dram,
    commands: Mapping[str, ResolvedCommand],
    rank_level: int,
    node_counts: tuple[int, ...],
    timings: Mapping[str, int],
) -> int:
    """Ticks between due times: a rank's banks share nREFI out, or ``nREFIpb`` and the like say it."""
    policy = spec.controller.refresh
    if policy == "none":
        return 0
    parts = node_counts[-1] // node_counts[rank_level] // commands[policy].banks
    own = REFRESH_INTERVAL + policy.removeprefix("REF")
    clocks = timings.get(own, timings[REFRESH_INTERVAL] // parts) if parts > 1 else timings[REFRESH_INTERVAL]
    ticks = clocks * spec.ticks_per_clock
    return ticks // node_counts[rank_level] if spec.controller.refresh_order == "staggered" else ticks


def _command(
    name: str, spec: Dram, levels: tuple[str, ...], node_counts: tuple[int, ...], timings: Mapping[str, int]
) -> ResolvedCommand:
    row = spec.commands[name]
    scope = levels.index(row.scope)
    banks = node_counts[-1] // node_counts[scope]
    spacing = 1
    across = tuple(levels.index(level) for level in row.across)
    if across:
        banks = node_counts[across[-1]] // node_counts[across[0] - 1]
        spacing = node_counts[-1] // node_counts[across[-1]]
    return ResolvedCommand(
        name=name,
        scope=scope,
        across=across,
        banks=banks,
        spacing=spacing,
        row=row.row,
        opens=row.opens,
        closes=row.closes,
        opener=row.opener,
        closer=row.closer,
        row_buffers=ROW_BUFFERS[row.row_buffer] if spec.organization.row_buffers > 1 else (0,),
        bus=row.bus,
        bus_ticks=row.bus_ticks if row.bus_ticks is not None else spec.ticks_per_clock,
        align=row.align,
        data=row.data,
        internal_bytes=row.internal_bytes,
        latency=evaluate(row.latency, timings) * spec.ticks_per_clock,
        activations=row.activations if row.activations is not None else banks * row.opens,
        mode=row.mode,
        refreshes=row.refreshes,
        completed_by=row.completed_by,
        complete_within=evaluate(row.complete_within or 0, timings) * spec.ticks_per_clock,
        sync=row.sync,
        sync_holds=evaluate(row.sync_holds, timings) * spec.ticks_per_clock,
        auto_precharge_of=row.auto_precharge_of,
    )


def _constraint(
    row: Constraint,
    spec: Dram,
    levels: tuple[str, ...],
    commands: Mapping[str, ResolvedCommand],
    timings: Mapping[str, int],
) -> ResolvedConstraint:
    counted = {*row.from_, *row.to} if spec.gaps_from_last_tick else set()
    return ResolvedConstraint(
        level=levels.index(row.level),
        from_=row.from_,
        to=row.to,
        base_gap=evaluate(row.gap, timings) * spec.ticks_per_clock,
        window=row.window,
        sibling=row.sibling,
        shifts={name: commands[name].bus_ticks - 1 for name in sorted(counted)},
    )
