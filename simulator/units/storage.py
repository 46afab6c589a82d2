"""Storage: what weights and cache lie in, whatever its cells are, as the units see it that stream from and to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.mapping.layout import Store
from simulator.units.base import Component, Process
from simulator.units.dram_stream import StreamWork
from simulator.units.dram_work import Work
from simulator.workload.ops import Op


class Clock(Protocol):
    """The clock of a storage: ticks to ps, rounded up, and back."""

    def to_ps(self, ticks: int) -> int:
        """Time of ``ticks`` in ps."""

    def all_to_ps(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """As `to_ps`, of each."""


@dataclass(frozen=True)
class Booking:
    """A stretch of the storage's time: ``end_ps`` when the last data is there."""

    start_ps: int
    end_ps: int
    work: Work


class Storage(Component, ABC):
    """Serves streams one after the other in the order of the calls."""

    role = "memory"
    engine: Clock
    """What its ticks are."""

    @property
    @abstractmethod
    def store(self) -> Store:
        """This storage as the layout sees it."""

    @property
    @abstractmethod
    def pin_bytes_per_s(self) -> float:
        """Peak rate at which it can be read or written from outside."""

    @property
    @abstractmethod
    def burst_ps(self) -> float:
        """Time of one burst of the busiest of what works side by side, at the peak rate."""

    @property
    @abstractmethod
    def round_bytes(self) -> int:
        """Bytes that spread evenly over all that works side by side."""

    @abstractmethod
    def burst_bytes(self, n_bytes: int) -> int:
        """Bytes of the whole bursts that ``n_bytes`` take."""

    @abstractmethod
    def look_up(self, n_bytes: int, *, write: bool = False) -> tuple[int, StreamWork]:
        """(first tick, stream) that `stream` would book; for a unit that paces the stream itself."""

    @abstractmethod
    def book(self, start: int, stream: StreamWork, end_ps: int, op: Op) -> Booking:
        """Book a stream got from `look_up` in the same instant; its reader takes the last data at ``end_ps``."""

    @abstractmethod
    def stream(self, n_bytes: int, op: Op, *, write: bool = False) -> Booking:
        """A plain stream for ``op``, as soon as the storage is free."""

    @abstractmethod
    def held_ps(self, work: Work) -> Mapping[str, int]:
        """What held the storage during ``work``, in ps."""

    def delays_ps(self, *, programs: bool = False) -> int:
        """How much later streams (or programs) have ended so far than was told, for what came beside them; here 0."""
        del programs
        return 0

    def catch_up(self, seen_ps: int, *, programs: bool = False) -> Process:
        """Wait as long as streams (or programs) got later than was told when `delays_ps` was ``seen_ps``; here not."""
        del seen_ps, programs
        yield from ()
