"""What a DRAM standard's YAML may say. The meaning of each field is docs/dram-engine.md."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from simulator.config.base_schema import Spec
from simulator.config.idd_schema import DramEnergy
from simulator.config.idle_schema import IdlePolicy
from simulator.quantities import parse_bytes, parse_time_ps

Expression = int | str
"""An integer number of clocks, or an expression over the standard's timings such as ``nCWL + nBL + nWR``."""

PositiveInt = Annotated[int, Field(ge=1, le=2**24)]
QueueEntries = Annotated[int, Field(ge=1, le=4096)]
Ticks = Annotated[int, Field(ge=1, le=1024)]
PositiveBytes = Annotated[PositiveInt, BeforeValidator(parse_bytes)]
PositiveTime = Annotated[PositiveInt, BeforeValidator(parse_time_ps)]
RowBuffers = Literal[1, 2]


class Package(Spec):
    """What holds the channel: a module of two DDR5 sub-channels, a stack, a device, a die.

    It has ``channels`` equal channels with command buses of their own and ``dies`` dies of ``die_gbit`` Gb (2**30 bits)
    for data, without those for ECC.
    """

    kind: Literal["module", "stack", "device", "die"]
    channels: PositiveInt
    dies: PositiveInt
    die_gbit: PositiveInt


class Organization(Spec):
    """Geometry of one channel.

    ``levels`` maps each level below the channel, from the outside in, to its count; the last is ``bank``.
    A row holds ``row_bytes`` bytes, a burst ``burst_bytes``; ``data_pins`` is the channel's width in bits
    (of all pseudo-channels together). ``row_buffers``: rows that a bank can have open at once; with two, one is for
    reads and writes and one for near-bank commands.
    """

    levels: dict[str, PositiveInt]
    rows: PositiveInt
    row_bytes: PositiveBytes
    burst_bytes: PositiveBytes
    data_pins: PositiveInt
    data_rate_mbps: PositiveInt
    row_buffers: RowBuffers = 1
    package: Package | None = None


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Command(Spec):
    """One row of the command table. ``across``: neighbouring levels whose nodes the command reaches alike.

    ``row_buffer``: which of a bank's rows it needs, opens or closes, where a bank has two.
    """

    scope: str
    across: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    row: Literal["open", "closed", "any"] = "any"
    opens: bool = False
    closes: bool = False
    opener: str | None = None
    closer: str | None = None
    row_buffer: Literal["memory", "pim", "both"] = "memory"
    bus: Literal["row", "column"] = "row"
    bus_ticks: Ticks | None = None
    align: Ticks = 1
    data: Literal["read", "write", "none"] = "none"
    internal_bytes: Annotated[int, Field(ge=0, le=2**24)] = 0
    registers: bool = False
    latency: Expression = 0
    activations: PositiveInt | None = None
    mode: Literal["memory", "register", "any"] = "memory"
    refreshes: bool = False
    completed_by: str | None = None
    complete_within: Expression | None = None
    sync: str | None = None
    sync_holds: Expression = 0
    auto_precharge_of: str | None = None
    alias: str | None = None


class Constraint(Spec):
    """After a ``from`` on a node of ``level``, no ``to`` there before ``gap`` clocks have gone by.

    ``row_buffers``: the row holds only for banks with so many row buffers.
    """

    level: str
    from_: Annotated[tuple[str, ...], Field(alias="from", min_length=1)]
    to: Annotated[tuple[str, ...], Field(min_length=1)]
    gap: Expression
    window: Ticks = 1
    sibling: bool = False
    row_buffers: RowBuffers | None = None
    source: str | None = None


class WriteDrain(Spec):
    """Fractions of the write queue at which write mode ends (``low``) and begins (``high``)."""

    low: Annotated[float, Field(ge=0, le=1)]
    high: Annotated[float, Field(ge=0, le=1)]


Quirk = Literal["forward_any_read", "sync_ignores_active_buffer"]


Scheduler = Literal["FRFCFS", "FCFS", "IN_ORDER", "BANK_QUEUES", "RANK_QUEUES"]
PagePolicy = Literal["open", "closed", "timeout"]
RefreshPolicy = Literal["none", "REFab", "REFpb", "REFsb"]


class Controller(Spec):
    """Policies of the channel's memory controller.

    ``near_bank: concurrent``: memory requests are served between near-bank commands, which go first; none within
    ``near_bank_slack`` clocks of the next near-bank command.
    """

    scheduler: Scheduler = "FRFCFS"
    row_hit_cap: PositiveInt | None = None
    age_limit: PositiveInt | None = None
    command_queue: QueueEntries = 8
    forwarding: bool = False
    page_policy: PagePolicy = "open"
    page_timeout: PositiveInt | None = None
    read_queue: QueueEntries
    write_queue: QueueEntries
    near_bank_queue: QueueEntries = 32
    near_bank: Literal["exclusive", "concurrent"] = "exclusive"
    near_bank_slack: Annotated[int, Field(ge=0, le=1024)] = 0
    write_drain: WriteDrain
    refresh: RefreshPolicy
    refresh_order: Literal["together", "staggered"] = "together"
    refresh_postpone: Annotated[int, Field(ge=0)] = 0
    refresh_pull_in: Annotated[int, Field(ge=0)] = 0
    command_buses: Literal["single", "split"] = "single"
    address_mapping: str
    bank_hash: Literal["none", "xor"] = "none"
    channel_interleave_bytes: PositiveBytes | None = None
    contention: Literal["cancel", "skip"] = "skip"
    mode_switch: str | None = None
    idle: IdlePolicy = IdlePolicy()
    quirks: tuple[Quirk, ...] = ()


class Dram(Spec):
    """A DRAM standard at one speed and density: the one table that engine, reference and checker read.

    ``max_postponed_refreshes``: how many refresh intervals the standard lets a rank be behind or ahead.
    """

    kind: Literal["dram"]
    name: str
    standard: str
    description: str
    source: str
    assumptions: tuple[str, ...] = ()
    organization: Organization
    tCK_ps: PositiveTime
    ticks_per_clock: Ticks = 1
    gaps_from_last_tick: bool = False
    timings: dict[str, int]
    commands: dict[str, Command]
    constraints: tuple[Constraint, ...]
    max_postponed_refreshes: Annotated[int, Field(ge=0)] = 8
    controller: Controller
    energy: DramEnergy
