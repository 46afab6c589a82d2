"""Banks of SRAM: how many cycles a set of accesses takes when banks have few ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd

import numpy as np

from simulator.config.base_schema import Spec
from simulator.units.base import Positive, PositiveInt


@dataclass(frozen=True)
class Access:
    """``words`` words, each ``stride`` words after the one before, the first in bank ``first``."""

    words: int
    stride: int = 1
    first: int = 0


class Banks(Spec):
    """``banks`` banks at ``clock_mhz``; a bank reads or writes ``ports`` words of ``word_bytes`` a cycle.

    Consecutive words lie in consecutive banks.
    """

    banks: PositiveInt
    ports: PositiveInt
    word_bytes: PositiveInt
    clock_mhz: Positive

    @property
    def words_per_cycle(self) -> int:
        """Of all banks together, without conflicts."""
        return self.banks * self.ports

    @property
    def bytes_per_s(self) -> float:
        """Peak rate of all banks together."""
        return self.words_per_cycle * self.word_bytes * self.clock_mhz * 1e6

    def words(self, n_bytes: int) -> int:
        """Words that ``n_bytes`` take."""
        return -(-n_bytes // self.word_bytes)

    def cycles(self, accesses: Sequence[Access]) -> int:
        """Until the busiest bank has served its part of all ``accesses``, which go on side by side."""
        return ceil(_busiest(self.banks, tuple(accesses)) / self.ports)


@lru_cache(maxsize=4096)
def _busiest(banks: int, accesses: tuple[Access, ...]) -> int:
    """Words of the bank that most of them fall in. A stride meets every ``gcd(banks, stride)``-th bank in turn."""
    counts = np.zeros(banks, dtype=np.int64)
    for access in accesses:
        period = banks // gcd(banks, access.stride)
        turns, rest = divmod(access.words, period)
        order = np.arange(period)
        counts[(access.first + order * access.stride) % banks] += turns + (order < rest)
    return int(counts.max())
