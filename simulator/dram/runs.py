"""What engines of whole devices take and give: requests, streams, and the result of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram

NO_TIMES = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Issued:
    """Commands in order of issue: parallel arrays; ``node`` is of the command's scope, ``command`` an index."""

    tick: npt.NDArray[np.int64]
    command: npt.NDArray[np.int64]
    node: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    channel_class: npt.NDArray[np.int64]


@dataclass(frozen=True)
class RequestList:
    """Memory requests of one channel in order: equally long arrays; ``bank`` counts over the channel's levels.

    ``arrival``: ticks, not decreasing, or empty for "as fast as accepted".
    """

    writes: npt.NDArray[np.bool_]
    bank: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    arrival: npt.NDArray[np.int64] = field(default_factory=lambda: NO_TIMES)


@dataclass(frozen=True)
class Stream:
    """Sequential bursts from the channel-local ``first_burst`` on, the same for each of ``n_channels`` channels."""

    kind: Literal["R", "W"]
    first_burst: int
    n_bursts: int
    n_channels: int


@dataclass(frozen=True)
class DeviceRun:
    """What a run did, summed over all channels; ticks count from the run's first tick.

    ``active_ticks``: rank-ticks with any bank open, ``bank_ticks``: bank-ticks open; ``rank_ticks``: all rank-ticks up
    to ``idle_tick`` (the rest is precharged). ``by_class``: commands of one channel of each class of equal channels,
    and ``class_of`` the class of each channel.
    """

    end_tick: int
    idle_tick: int
    commands: dict[str, int]
    active_ticks: int
    bank_ticks: int
    rank_ticks: int
    read_bytes: int
    write_bytes: int
    internal_bytes: int
    row_hits: int
    row_misses: int
    refreshes: int
    dropped: int
    by_class: tuple[dict[str, int], ...]
    class_of: tuple[int, ...]
    issued: Issued | None = None
    completions: npt.NDArray[np.int64] = field(default_factory=lambda: NO_TIMES)


class Classes:
    """Channels of a device sorted into classes that do the same: ``sizes`` of the classes, ``of`` each channel."""

    def __init__(self, sizes: Sequence[int], of: Sequence[int]) -> None:
        self.sizes = tuple(int(size) for size in sizes)
        self.of = tuple(int(number) for number in of)

    @classmethod
    def of_program(cls, program: HostProgram) -> tuple[Classes, npt.NDArray[np.bool_]]:
        """The classes of a program's channels, and its masks [masks, classes] over them."""
        masks, of, sizes = program.channel_classes
        return cls(sizes.tolist(), of.tolist()), masks

    @classmethod
    def of_streams(cls, segments: Sequence[Stream]) -> Classes:
        """One class a stream."""
        of = [number for number, segment in enumerate(segments) for _ in range(segment.n_channels)]
        return cls([segment.n_channels for segment in segments], of)


@dataclass(frozen=True)
class ChannelRun:
    """What one channel did: commands by name, none with a count of 0, rank-ticks with any bank open, and so on."""

    commands: Mapping[str, int]
    active_ticks: int
    bank_ticks: int
    row_hits: int
    row_misses: int
    refreshes: int
    dropped: int


def device_run(  # noqa: PLR0913 -- what a device's run is made of
    spec: Dram,
    runs: Sequence[ChannelRun],
    classes: Classes,
    *,
    end_tick: int,
    idle_tick: int,
    ranks: int,
    issued: Issued | None = None,
    completions: npt.NDArray[np.int64] = NO_TIMES,
) -> DeviceRun:
    """Channel runs, one a class, summed over the channels of each class."""
    sized = list(zip(classes.sizes, runs, strict=True))
    issued_by_any = [name for name in spec.commands if any(name in run.commands for run in runs)]
    total = {name: sum(size * run.commands.get(name, 0) for size, run in sized) for name in issued_by_any}
    rows, burst = [(spec.commands[name], count) for name, count in total.items()], spec.organization.burst_bytes
    return DeviceRun(
        end_tick=end_tick,
        idle_tick=idle_tick,
        commands=total,
        active_ticks=sum(size * run.active_ticks for size, run in sized),
        bank_ticks=sum(size * run.bank_ticks for size, run in sized),
        rank_ticks=sum(classes.sizes) * idle_tick * ranks,
        read_bytes=burst * sum(count for row, count in rows if row.data == "read"),
        write_bytes=burst * sum(count for row, count in rows if row.data == "write"),
        internal_bytes=sum(row.internal_bytes * count for row, count in rows),
        row_hits=sum(size * run.row_hits for size, run in sized),
        row_misses=sum(size * run.row_misses for size, run in sized),
        refreshes=sum(size * run.refreshes for size, run in sized),
        dropped=sum(size * run.dropped for size, run in sized),
        by_class=tuple({name: run.commands[name] for name in total if name in run.commands} for run in runs),
        class_of=classes.of,
        issued=issued,
        completions=completions,
    )
