"""How experts that a step hits are dealt out to devices: what the busiest device gets, and the others.

All sets of so many experts are taken to be hit alike. How many of them lie on each device is then drawn without
replacement (multivariate hypergeometric), and so is how many tokens they have.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from statistics import NormalDist

from simulator.workload.routing import Loads, rounded_sum


def experts_of(count: int, devices: int) -> list[int]:
    """Experts that lie on each device: as equal as can be, the fullest first."""
    share, rest = divmod(count, devices)
    return [share + (device < rest) for device in range(devices)]


@lru_cache(maxsize=4096)
def expected_most(count: int, devices: int, hit: int) -> float:
    """The mean, over all sets of ``hit`` of ``count`` experts, of how many lie on the device that has most of them."""
    if hit == count:
        return float(experts_of(count, devices)[0])
    sizes = Counter(experts_of(count, devices))
    # Binomial numbers that add up to `hit` are distributed like that; their probabilities stay within range.
    draws = {size: _binomial(size, hit / count) for size in sizes}
    at_most = [
        _sum_is(hit, [(draws[size][: most + 1], n) for size, n in sizes.items()]) for most in range(max(sizes) + 1)
    ]
    return math.fsum(1 - chance / at_most[-1] for chance in at_most)


def _binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _sum_is(total: int, draws: list[tuple[list[float], int]]) -> float:
    """The chance that independent draws, each so many times, add up to ``total``."""
    chances = [1.0]
    for distribution, times in draws:
        for _ in range(times):
            chances = _added(chances, distribution, total)
    return chances[total] if total < len(chances) else 0.0


def _added(chances: list[float], more: list[float], most: int) -> list[float]:
    found = [0.0] * min(most + 1, len(chances) + len(more) - 1)
    for at, chance in enumerate(chances):
        for step, other in enumerate(more[: len(found) - at]):
            found[at + step] += chance * other
    return found


def busiest_hits(count: int, devices: int, hit: int, layer: int) -> int:
    """Whole experts that are hit on the busiest device in ``layer``: of all layers up to it they add up to the mean."""
    mean = expected_most(count, devices, hit)
    found = rounded_sum(mean, layer + 1) - rounded_sum(mean, layer)
    return min(hit, experts_of(count, devices)[0], max(found, -(-hit // devices)))


@lru_cache(maxsize=1024)
def dealt_out(loads: Loads, count: int, devices: int, layer: int) -> tuple[Loads, ...]:
    """The loads of each device, the busiest first; together they are ``loads``, of ``count`` experts that there are.

    The busiest has as many experts hit as can be expected, with the tokens that the busiest of ``devices`` such sums of
    loads has; the rest is dealt out to the others one by one, there and back.
    """
    each = [tokens for tokens, experts in loads for _ in range(experts)]
    most = busiest_hits(count, devices, len(each), layer)
    first = _picked(each, most, devices)
    rest = [tokens for at, tokens in enumerate(each) if at not in first]
    others: list[list[int]] = [[] for _ in range(devices - 1)]
    able = min(devices, count) - 1
    for at, tokens in enumerate(rest):
        turn, place = divmod(at, able)
        others[place if turn % 2 == 0 else able - 1 - place].append(tokens)
    return tuple(_as_loads(part) for part in ([each[at] for at in sorted(first)], *others))


def _as_loads(tokens: list[int]) -> Loads:
    return tuple(sorted(Counter(tokens).items(), reverse=True))


def _picked(each: list[int], most: int, devices: int) -> set[int]:
    """Which ``most`` of the loads, from the busiest on, the busiest device has."""
    mean = math.fsum(each) / len(each)
    spread = math.sqrt(math.fsum((tokens - mean) ** 2 for tokens in each) / len(each))
    wanted = most * mean + spread * math.sqrt(most) * _largest_normal(devices)
    picks = [(2 * at + 1) * len(each) // (2 * most) for at in range(most)]
    while sum(each[at] for at in picks) < wanted:
        movable = [n for n, at in enumerate(picks) if at and at - 1 not in picks]
        if not movable:
            break
        # The one whose step up adds least: loads stay as mixed as they were.
        step = min(movable, key=lambda n: (each[picks[n] - 1] - each[picks[n]], n))
        picks[step] -= 1
    return set(picks)


def _largest_normal(n: int) -> float:
    """About the mean of the largest of ``n`` standard normal numbers (Blom, 1958)."""
    return NormalDist().inv_cdf((n - 0.375) / (n + 0.25))
