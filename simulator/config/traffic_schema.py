"""What the YAML of a request stream may say: arrivals, lengths, the service objective, and how requests are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.faults import Fault, semantic_check
from simulator.config.optimization_schema import Optimizations
from simulator.config.workload_schema import Precision

Tokens = Annotated[int, Field(ge=1, le=2**24)]
Rate = Annotated[float, Field(gt=0, le=1e9)]
Seconds = Annotated[float, Field(gt=0, le=1e9)]

ArrivalName = Literal["poisson", "gamma", "fixed", "at_once", "closed_loop", "trace"]
NEEDS_RATE = ("poisson", "gamma", "fixed")

PARAMETERS: dict[str, tuple[str, ...]] = {
    "fixed": ("tokens",),
    "uniform": ("low", "high"),
    "lognormal": ("median", "sigma"),
    "trace": (),
}
"""Distribution -> the keys that it needs."""


class Lengths(Spec):
    """How many tokens the prompt, or the output, of a request has.

    ``fixed``: ``tokens``. ``uniform``: whole numbers from ``low`` to ``high``. ``lognormal``: by ``median`` and
    ``sigma``, the standard deviation of the logarithm, rounded. ``trace``: those of a request drawn from the trace.
    What comes out above ``most`` is cut to it.
    """

    distribution: Literal["fixed", "uniform", "lognormal", "trace"]
    tokens: Tokens | None = None
    low: Tokens | None = None
    high: Tokens | None = None
    median: Annotated[float, Field(ge=1, le=2**24)] | None = None
    sigma: Annotated[float, Field(ge=0, le=10)] | None = None
    most: Tokens | None = None


class Prefixes(Spec):
    """A ``share`` of the prompts begin with one of ``count`` texts of ``tokens`` tokens, each as likely as the others.

    A prompt that is not longer than that begins with as much of it as leaves one token of its own.
    """

    share: Annotated[float, Field(ge=0, le=1)]
    count: Annotated[int, Field(ge=1, le=10**6)]
    tokens: Tokens


class Objective(Spec):
    """The service objective of each request: time to the first token, and time per token after it."""

    ttft_s: Seconds
    tpot_s: Seconds


class Serving(Spec):
    """How requests share the platform.

    ``policy``: what a step does first (a registered name). ``token_budget``: most tokens of a step, those of prompts
    and one for each sequence that decodes. ``chunked_prefill``: prompts may be cut to fit it. ``max_sequences``: most
    that run together on a copy of the model. The KV cache is handed out in pages of ``page_tokens`` tokens,
    ``kv_pages`` of them, or as many as the memory holds beside the weights. ``preemption``: a sequence that has to give
    up its pages is computed anew, or they go to the host and come back. ``prefix_cache``: pages of shared prefixes
    stay, the least recently used go first. ``prefill_copies``: copies of the model that run prompts only; the others
    only decode.
    """

    policy: str = "decode_first"
    token_budget: Annotated[int, Field(ge=1, le=2**20)] = 512
    chunked_prefill: bool = True
    max_sequences: Annotated[int, Field(ge=1, le=65536)] = 256
    page_tokens: Annotated[int, Field(ge=1, le=65536)] = 16
    kv_pages: Annotated[int, Field(ge=1, le=2**40)] | None = None
    preemption: Literal["recompute", "swap"] = "recompute"
    prefix_cache: bool = False
    prefill_copies: Annotated[int, Field(ge=0, le=65536)] = 0


class Traffic(Spec):
    """A stream of ``requests`` requests.

    ``arrivals``: ``poisson``, ``gamma`` (intervals with ``variation``, their standard deviation over their mean) or
    ``fixed`` at ``rate_per_s``; ``at_once``: all at time 0; ``closed_loop``: ``concurrency`` clients, each of which
    asks again when its answer is complete; ``trace``: the times in the file ``trace``.
    """

    requests: Annotated[int, Field(ge=1, le=10**7)] | None = None
    arrivals: ArrivalName
    rate_per_s: Rate | None = None
    variation: Annotated[float, Field(gt=0, le=100)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=65536)] | None = None
    trace: str | None = None
    prompt_tokens: Lengths | None = None
    output_tokens: Lengths | None = None
    prefixes: Prefixes | None = None
    slo: Objective | None = None
    serving: Serving = Field(default_factory=Serving)


@semantic_check(Serving)
def _check_serving(serving: Serving) -> Iterator[Fault]:
    """Every sequence that runs may decode in one step."""
    if serving.token_budget < serving.max_sequences:
        message = f"{serving.token_budget} tokens of a step are fewer than max_sequences, {serving.max_sequences}"
        yield Fault(("token_budget",), message)


@semantic_check(Lengths)
def _check_lengths(lengths: Lengths) -> Iterator[Fault]:
    """The keys of the distribution, and no others."""
    wanted = PARAMETERS[lengths.distribution]
    for key in ("tokens", "low", "high", "median", "sigma"):
        given = getattr(lengths, key) is not None
        if given and key not in wanted:
            allowed = ", ".join((*wanted, "most"))
            yield Fault((key,), f"is no parameter of the distribution '{lengths.distribution}' (allowed: {allowed})")
        if key in wanted and not given:
            yield Fault(("distribution",), f"'{lengths.distribution}' needs the key '{key}'")
    if lengths.low is not None and lengths.high is not None and lengths.low > lengths.high:
        yield Fault(("high",), f"{lengths.high} is below low, {lengths.low}")


@semantic_check(Traffic)
def _check_traffic(traffic: Traffic) -> Iterator[Fault]:
    """Each kind of arrival has its keys, and what is drawn from a trace has one."""
    yield from _check_arrivals(traffic)
    if traffic.arrivals == "trace":
        if traffic.trace is None:
            yield Fault(("arrivals",), "'trace' needs the key 'trace', a file of requests")
        for key in ("prompt_tokens", "output_tokens", "prefixes"):
            if getattr(traffic, key) is not None:
                yield Fault((key,), "comes from the trace when arrivals do (allowed: none)")
        return
    if traffic.requests is None:
        yield Fault(("arrivals",), f"'{traffic.arrivals}' needs the key 'requests', how many there are")
    for key in ("prompt_tokens", "output_tokens"):
        lengths = getattr(traffic, key)
        if lengths is None:
            yield Fault(("arrivals",), f"'{traffic.arrivals}' needs the key '{key}', a distribution of lengths")
        elif lengths.distribution == "trace" and traffic.trace is None:
            yield Fault((key, "distribution"), "'trace' needs the key 'trace', a file of requests")


def _check_arrivals(traffic: Traffic) -> Iterator[Fault]:
    needed = {
        "rate_per_s": traffic.arrivals in NEEDS_RATE,
        "variation": traffic.arrivals == "gamma",
        "concurrency": traffic.arrivals == "closed_loop",
    }
    for key, is_needed in needed.items():
        given = getattr(traffic, key) is not None
        if given and not is_needed:
            yield Fault((key,), f"is of no use to the arrivals '{traffic.arrivals}'")
        if is_needed and not given:
            yield Fault(("arrivals",), f"'{traffic.arrivals}' needs the key '{key}'")


class TrafficScenario(Spec):
    """A workload whose ``traffic`` block, a stream of requests, stands in place of a batch of equal requests.

    ``plugins``: modules that register further optimisations.
    """

    kind: Literal["workload"] = "workload"
    name: str | None = None
    description: str = ""
    source: str | None = None
    model: str
    precision: Precision
    traffic: Traffic
    optimizations: Optimizations = Field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
