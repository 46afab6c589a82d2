"""Scales: from figures to pixels, and the ticks between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """Equal steps are equally long. ``low`` lies at the pixel ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    kind: str = "linear"

    def __call__(self, value: float) -> float:
        """The pixel of ``value``."""
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values, about so many."""
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        step = 10 ** math.floor(math.log10(span / about))
        step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= about)
        first = math.ceil(self.low / step - 1e-9)
        return [round(n * step, 12) for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Log:
    """Equal ratios are equally long; all values are above 0."""

    low: float
    high: float
    start: float
    end: float
    kind: str = "log"

    def __call__(self, value: float) -> float:
        """The pixel of ``value``."""
        span = math.log(self.high / self.low) or 1.0
        return self.start + math.log(value / self.low) / span * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Powers of ten, with their double and fivefold where that gives too few; every second or third if too many."""
        low, high = math.floor(math.log10(self.low) + 1e-9), math.ceil(math.log10(self.high) - 1e-9)
        decades = max(1, high - low)
        factors = (1,) if decades >= about / 1.5 else (1, 2, 5)
        every = max(1, math.ceil(decades / (2 * about)))
        values = (float(f"{factor}e{power}") for power in range(low, high + 1, every) for factor in factors)
        return [value for value in values if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]


Scale = Linear | Log


def around(values: Iterable[float], *, room: float = 0.08) -> tuple[float, float]:
    """Limits of a linear axis from 0 that leave ``room`` above the largest of ``values``."""
    largest = max(values, default=0.0)
    return 0.0, (largest or 1.0) * (1 + room)


def log_around(values: Sequence[float], *, room: float = 1.25) -> tuple[float, float]:
    """Limits of a logarithmic axis that leave the factor ``room`` at both ends; values of 0 or less do not count."""
    positive = [value for value in values if value > 0]
    if not positive:
        return 0.1, 10.0
    return min(positive) / room, max(positive) * room
