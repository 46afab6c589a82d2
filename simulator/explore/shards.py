"""Shards: the points of a sweep shared out among processes that do not talk to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import ConfigError
from simulator.explore.points import Point

BLOCKS = 8
"""Most blocks of neighbouring points in each shard. Neighbours share caches; several blocks even out what they cost."""


@dataclass(frozen=True)
class Shard:
    """Shard ``index`` (from 1) of ``count``."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"shard-{self.index:05d}-of-{self.count:05d}"

    def of(self, points: Sequence[Point]) -> list[Point]:
        """The points of this shard: every ``count``-th block of about equal expected cost."""
        numbers = shard_numbers(points, self.count)
        return [point for point, number in zip(points, numbers, strict=True) if number == self.index]


def shard_numbers(points: Sequence[Point], count: int) -> list[int]:
    """Which of ``count`` shards each point is in, from 1."""
    total = sum(point.cost for point in points)
    blocks = count * max(1, min(BLOCKS, len(points) // count))
    numbers, before = [], 0
    for point in points:
        middle = before + point.cost / 2
        numbers.append(int(middle * blocks / total) % count + 1)
        before += point.cost
    return numbers


def shard(text: str) -> Shard:
    """``3/16``. Raises ConfigError."""
    index, slash, count = text.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return Shard(int(index), int(count))
    raise ConfigError(f"'{text}' is not a shard (allowed: I/N with I from 1 to N, such as 3/16)", key="--shard")
