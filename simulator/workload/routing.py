"""Which experts a step's tokens are sent to: how many are hit, and how many tokens each of them gets.

Each token chooses ``chosen`` different experts, independently of the others; expert e is among them with probability
``p_e`` (its popularity), which sum up to ``chosen``. Of E experts, T tokens then hit sum(1 - (1 - p_e)^T) on average,
or E (1 - (1 - k/E)^T) where all are equally popular.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Loads = tuple[tuple[int, int], ...]
"""(tokens, experts that get so many), the busiest first."""

SPREAD = 10.0
"""Standard deviations around its mean within which an expert's load is taken to lie."""


@dataclass(frozen=True, slots=True)
class Routing:
    """``skew`` 0: all experts are equally popular; else the n-th is as popular as 1 / n^skew (Zipf's law)."""

    kind: Literal["routing"] = "routing"
    skew: float = 0.0

    def hit(self, count: int, chosen: int, tokens: int, layer: int) -> int:
        """Whole experts that ``tokens`` tokens hit in ``layer``: those of all layers up to it add up to their mean."""
        mean = expected_hit(popularity(count, chosen, self.skew), tokens)
        return rounded_sum(mean, layer + 1) - rounded_sum(mean, layer)

    def loads(self, count: int, chosen: int, tokens: int, hit: int) -> Loads:
        """Tokens that each of ``hit`` experts gets."""
        return loads(popularity(count, chosen, self.skew), tokens, hit)


def rounded_sum(mean: float, n: int) -> int:
    """``n`` times ``mean``, to the nearest whole number."""
    return math.floor(round(n * mean, 9) + 0.5)


@lru_cache(maxsize=256)
def popularity(count: int, chosen: int, skew: float) -> tuple[float, ...]:
    """The probability of each expert to be among a token's ``chosen``, the most popular first; at most 1 each."""
    left = [1 / (rank + 1) ** skew for rank in range(count)]
    certain = 0
    while certain < chosen and left[0] * (chosen - certain) > sum(left):
        certain += 1
        left = left[1:]
    scale = (chosen - certain) / sum(left) if left else 0.0
    return (*[1.0] * certain, *(share * scale for share in left))


@lru_cache(maxsize=4096)
def expected_hit(popular: tuple[float, ...], tokens: int) -> float:
    """The mean number of different experts that ``tokens`` tokens choose."""
    return math.fsum(1 - (1 - p) ** tokens for p in popular)


@lru_cache(maxsize=4096)
def loads(popular: tuple[float, ...], tokens: int, hit: int) -> Loads:
    """``hit`` loads of 1 to ``tokens`` that add up to all choices, spread like those of experts that are hit.

    They are quantiles of the distribution of one such expert's load, a mixture of binomial ones.
    """
    total = round(math.fsum(popular)) * tokens
    mass = _load_mass(popular, tokens)
    whole = math.fsum(mass.values())
    found: list[int] = []
    below = 0.0
    for load in sorted(mass):
        below += mass[load] / whole
        while len(found) < hit and below > (len(found) + 0.5) / hit:
            found.append(load)
    found += [max(mass)] * (hit - len(found))
    _settle(found, total, tokens)
    return tuple(sorted(Counter(found).items(), reverse=True))


def _load_mass(popular: tuple[float, ...], tokens: int) -> dict[int, float]:
    """Load above 0 -> its expected number of experts."""
    mass: defaultdict[int, float] = defaultdict(float)
    for p, experts in Counter(popular).items():
        if p >= 1:
            mass[tokens] += experts
            continue
        mean, spread = tokens * p, SPREAD * math.sqrt(tokens * p * (1 - p)) + 1
        for load in range(max(1, math.floor(mean - spread)), min(tokens, math.ceil(mean + spread)) + 1):
            mass[load] += experts * _binomial(tokens, load, p)
    return dict(mass)


def _binomial(n: int, k: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p))


def _settle(found: list[int], total: int, most: int) -> None:
    """Change loads by as little as makes them add up to ``total``, one at each in turn, from the busiest."""
    at = len(found) - 1
    while missing := total - sum(found):
        step = 1 if missing > 0 else -1
        if 1 <= found[at] + step <= most:
            found[at] += step
        at = at - 1 if at else len(found) - 1
