"""A cost model of three lines, so that serving can be tested without a platform."""

from collections.abc import Sequence
from typing import Any

from simulator.config.traffic_schema import Serving
from simulator.system.serving.arrivals import Arrivals
from simulator.system.serving.composition import Composition
from simulator.system.serving.copies import Copy
from simulator.system.serving.decode_rules import DecodeRules
from simulator.system.serving.scheduler import Scheduler
from simulator.system.serving.stream import Stream
from simulator.workload.traffic.request import Request

STEP_PS, TOKEN_PS, CACHED_PS, MOVED_PS = 5_000_000, 20_000, 10, 100


class ToyCosts:
    """Time linear in tokens; keeps every step it was asked for."""

    def __init__(self) -> None:
        self.steps: list[Composition] = []

    def step_ps(self, step: Composition) -> int:
        self.steps.append(step)
        return STEP_PS + TOKEN_PS * step.tokens + CACHED_PS * step.contexts

    def swap_ps(self, tokens: int) -> int:
        return MOVED_PS * tokens

    def transfer_ps(self, tokens: int) -> int:
        return MOVED_PS * tokens


def serving(**changes: Any) -> Serving:
    return Serving(**({"token_budget": 64, "max_sequences": 8, "page_tokens": 4} | changes))


def copies_of(spec: Serving, pages: int, count: int = 1, rules: DecodeRules | None = None) -> list[Copy]:
    apart = spec.prefill_copies
    return [
        Copy(at, Scheduler(spec, pages, rules), prefills=not apart or at < apart, decodes=at >= apart)
        for at in range(count)
    ]


def request(index: int = 0, arrival_ps: int = 0, prompt: int = 10, output: int = 5, **prefix: Any) -> Request:
    return Request(index, arrival_ps, prompt, output, **prefix)


def served(
    requests: Sequence[Request],
    spec: Serving | None = None,
    *,
    pages: int = 100,
    copies: int = 1,
    concurrency: int | None = None,
    rules: DecodeRules | None = None,
) -> tuple[Stream, ToyCosts]:
    """The stream after its end."""
    costs = ToyCosts()
    stream = Stream(copies_of(spec or serving(), pages, copies, rules), costs, Arrivals(requests, concurrency))
    stream.run(len(requests))
    return stream, costs
