"""From a description of traffic to its requests."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.config.traffic_schema import Lengths, Prefixes, Traffic
from simulator.errors import WorkloadError
from simulator.workload.traffic.draw import arrival_times_ps, drawn_rows, lengths, stream
from simulator.workload.traffic.request import PS_PER_S, Request
from simulator.workload.traffic.trace_file import TraceRow


def make_requests(traffic: Traffic, rows: Sequence[TraceRow], seed: int, positions: int) -> tuple[Request, ...]:
    """The requests of ``traffic`` in order of arrival; ``rows``: its trace. The same for the same ``seed``.

    Drawn requests are cut to the ``positions`` of the model, prompt first; one of a trace that is too long is a
    WorkloadError.
    """
    if traffic.arrivals == "trace":
        return _of_trace(rows[: traffic.requests], positions)
    assert traffic.requests is not None
    count = traffic.requests
    drawn = drawn_rows(rows, count, seed)
    prompts = _lengths(
        traffic.prompt_tokens, count, seed, "prompts", [row.prompt_tokens for row in drawn], positions - 1
    )
    outputs = _lengths(
        traffic.output_tokens, count, seed, "outputs", [row.output_tokens for row in drawn], positions - 1
    )
    prefixes = _prefixes(traffic.prefixes, count, seed)
    times = arrival_times_ps(traffic, count, seed)
    found = []
    for index, (arrival_ps, prompt, wanted, prefix) in enumerate(zip(times, prompts, outputs, prefixes, strict=True)):
        output = min(wanted, positions - prompt)
        shared = min(traffic.prefixes.tokens, prompt - 1) if traffic.prefixes and prefix else 0
        found.append(Request(index, arrival_ps, prompt, output, prefix if shared else None, shared))
    return tuple(found)


def _lengths(  # noqa: PLR0913 - a distribution, and what it is drawn with
    spec: Lengths | None, count: int, seed: int, name: str, traced: Sequence[int], most: int
) -> list[int]:
    assert spec is not None
    return lengths(spec, count, stream(seed, name), traced, most)


def _prefixes(spec: Prefixes | None, count: int, seed: int) -> list[str | None]:
    if spec is None:
        return [None] * count
    random = stream(seed, "prefixes")
    return [f"prefix{random.randrange(spec.count)}" if random.random() < spec.share else None for _ in range(count)]


def _of_trace(rows: Sequence[TraceRow], positions: int) -> tuple[Request, ...]:
    found = []
    for index, row in enumerate(rows):
        if row.prompt_tokens + row.output_tokens > positions:
            raise WorkloadError(
                f"request {index + 1} of the trace has {row.prompt_tokens} prompt + {row.output_tokens} output tokens, "
                f"the model {positions} positions",
                key="traffic.trace",
            )
        arrival_ps = round(row.arrival_s * PS_PER_S)
        found.append(Request(index, arrival_ps, row.prompt_tokens, row.output_tokens, row.prefix, row.prefix_tokens))
    return tuple(found)
