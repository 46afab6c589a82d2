"""The ``traffic`` block of a result: what clients of a request stream saw, and what serving it took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen part of the block in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Percentiles(Record):
    """Of all requests (that have it): mean, 50th, 90th and 99th percentile by the nearest rank, and the largest."""

    mean: float
    p50: float
    p90: float
    p99: float
    largest: float


class Objective(Record):
    """``met_share`` of the requests kept both limits; ``goodput_per_s`` of them a second were answered."""

    ttft_s: float
    tpot_s: float
    met_share: float
    goodput_per_s: float


class KvCache(Record):
    """Pages of the KV cache on all copies of the model: how many, most in use at once, mean share in use in steps."""

    page_tokens: int
    pages: int
    peak_pages: int
    mean_occupancy: float


class PrefixCache(Record):
    """Prompts with a prefix that were looked up, those that found it, and the tokens they did not have to compute."""

    lookups: int
    hits: int
    hit_tokens: int


class Speculation(Record):
    """Steps of sequences with drafted tokens, the tokens that one gave on average, and tokens computed in vain."""

    sequence_steps: int
    tokens_per_step: float
    rejected_tokens: int


class Littles(Record):
    """Little's law: requests in the system on average = their rate x their mean time in it; checked in whole ps."""

    mean_in_system: float
    rate_per_s: float
    mean_time_s: float


class Series(Record):
    """The state at about equal distances: requests that wait and run, pages of the KV cache in use."""

    time_s: list[float]
    waiting: list[int]
    running: list[int]
    kv_pages: list[int]


class Accuracy(Record):
    """How far interpolated steps are from simulated ones: of ``steps_checked`` that occurred, drawn at random.

    ``simulations``: pieces of work that were simulated, from which all ``steps`` were put together.
    """

    simulations: int
    steps_checked: int
    max_time_error_pct: float
    mean_time_error_pct: float
    max_energy_error_pct: float


class Traffic(Record):
    """A request stream; each field is defined in docs/traffic.md."""

    requests: int
    copies: int
    duration_s: float
    offered_per_s: float | None
    answered_per_s: float
    prompt_tokens: int
    output_tokens: int
    total_tokens_per_s: float
    ttft_s: Percentiles
    tpot_s: Percentiles | None
    e2e_s: Percentiles
    queue_s: Percentiles
    slo: Objective | None
    steps: int
    mean_decodes: float
    busy_share: float
    preemptions: int
    recomputed_tokens: int
    swapped_tokens: int
    transferred_tokens: int
    kv_cache: KvCache
    prefix_cache: PrefixCache
    speculation: Speculation | None
    littles_law: Littles
    series: Series
    accuracy: Accuracy | None


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Of ``values``; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Percentiles(
        mean=math.fsum(ordered) / len(ordered),
        p50=nearest_rank(ordered, 50),
        p90=nearest_rank(ordered, 90),
        p99=nearest_rank(ordered, 99),
        largest=ordered[-1],
    )


def nearest_rank(ordered: Sequence[Any], percent: int) -> Any:
    """The smallest value that at least ``percent`` of ``ordered`` do not exceed."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
