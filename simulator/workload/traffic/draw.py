"""Random draws of a request stream: intervals between arrivals, and lengths.

Each quantity has a random stream of its own, named after it, so that a changed rate leaves the lengths as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random

from simulator.config.traffic_schema import Lengths, Traffic
from simulator.workload.traffic.request import PS_PER_S
from simulator.workload.traffic.trace_file import TraceRow


def stream(seed: int, name: str) -> Random:
    """The random stream ``name`` of ``seed``; the same on every machine and in every process."""
    return Random(f"{seed}/{name}")  # noqa: S311 - no secret hangs on it


def arrival_times_ps(traffic: Traffic, count: int, seed: int) -> Iterator[int]:
    """When each of ``count`` requests arrives; all at 0 for a stream without a clock of its own."""
    interval_s = _intervals(traffic, stream(seed, "arrivals"))
    now_s = 0.0
    for _ in range(count):
        now_s += interval_s()
        yield round(now_s * PS_PER_S)


def _intervals(traffic: Traffic, random: Random) -> Callable[[], float]:
    """Draws the time from one arrival to the next, in seconds."""
    if traffic.rate_per_s is None:
        return lambda: 0.0
    mean_s = 1 / traffic.rate_per_s
    if traffic.arrivals == "fixed":
        return lambda: mean_s
    variation = traffic.variation or 1.0
    shape = variation**-2
    return lambda: random.gammavariate(shape, mean_s / shape)


def lengths(spec: Lengths, count: int, random: Random, traced: Sequence[int], most: int) -> list[int]:
    """``count`` lengths of ``spec``, none above ``most``; ``traced``: as many drawn from the trace."""
    limit = min(most, spec.most or most)
    return [max(1, min(limit, _length(spec, random, traced, at))) for at in range(count)]


def _length(spec: Lengths, random: Random, traced: Sequence[int], at: int) -> int:
    if spec.distribution == "fixed":
        assert spec.tokens is not None
        return spec.tokens
    if spec.distribution == "uniform":
        assert spec.low is not None
        assert spec.high is not None
        return random.randint(spec.low, spec.high)
    if spec.distribution == "lognormal":
        assert spec.median is not None
        assert spec.sigma is not None
        return round(random.lognormvariate(math.log(spec.median), spec.sigma))
    return traced[at]


def drawn_rows(rows: Sequence[TraceRow], count: int, seed: int) -> list[TraceRow]:
    """``count`` rows of a trace, each as likely as the others: a prompt's length keeps its output's."""
    random = stream(seed, "rows")
    return [random.choice(rows) for _ in range(count)] if rows else []
