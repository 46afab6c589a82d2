"""Whatever requests come and however they are served, none is lost and nothing is counted twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import copies_of, request, served, serving

from simulator.errors import CapacityError, ConservationError
from simulator.system.serving.check import check_stream
from simulator.system.serving.scheduler import Scheduler
from simulator.system.serving.sequence import Sequence
from simulator.workload.traffic.request import Request

PAGES, PAGE = 30, 4


@st.composite
def streams(draw: st.DrawFn) -> tuple[Request, ...]:
    """Requests that each fit the cache of `PAGES` pages, some of which share prefixes."""
    times = sorted(draw(st.lists(st.integers(0, 10**8), min_size=1, max_size=25)))
    found = []
    for index, arrival_ps in enumerate(times):
        prompt, output = draw(st.integers(1, 60)), draw(st.integers(1, 60))
        prefix = draw(st.sampled_from([None, "a", "b", "c"]))
        shared = draw(st.integers(0, prompt - 1)) if prefix else 0
        found.append(Request(index, arrival_ps, prompt, output, prefix, shared))
    return tuple(found)


@st.composite
def ways(draw: st.DrawFn) -> dict[str, Any]:
    """Every way to serve."""
    most = draw(st.integers(1, 8))
    return {
        "policy": draw(st.sampled_from(["decode_first", "prefill_first"])),
        "token_budget": draw(st.integers(most, 80)),
        "max_sequences": most,
        "page_tokens": PAGE,
        "chunked_prefill": draw(st.booleans()),
        "preemption": draw(st.sampled_from(["recompute", "swap"])),
        "prefix_cache": draw(st.booleans()),
    }


@settings(max_examples=150, deadline=None)
@given(streams(), ways(), st.integers(1, 3), st.integers(0, 2), st.none() | st.integers(1, 6))
def test_every_request_is_answered_and_every_token_counted(
    requests: tuple[Request, ...], way: dict[str, Any], copies: int, apart: int, concurrency: int | None
) -> None:
    spec = serving(**way, prefill_copies=min(apart, copies - 1))
    stream, costs = served(requests, spec, pages=PAGES, copies=copies, concurrency=concurrency)
    check_stream(stream, requests)
    for copy in stream.copies:
        assert copy.scheduler.pool.peak <= PAGES
        assert not copy.scheduler.running
        assert not copy.scheduler.waiting
    assert sum(step.tokens for step in costs.steps) == sum(copy.tokens for copy in stream.copies)
    assert all(step.decodes <= spec.max_sequences for step in costs.steps)
    if spec.chunked_prefill:
        assert all(step.tokens <= spec.token_budget for step in costs.steps)


@settings(max_examples=60, deadline=None)
@given(streams(), ways())
def test_first_come_first_admitted(requests: tuple[Request, ...], way: dict[str, Any]) -> None:
    stream, _ = served(requests, serving(**way), pages=PAGES)
    in_order = sorted(stream.answered, key=lambda sequence: sequence.request.index)
    admitted = [sequence.admitted_ps for sequence in in_order]
    assert admitted == sorted(admitted)


@settings(max_examples=60, deadline=None)
@given(streams(), ways(), st.integers(1, 8))
def test_the_cache_is_never_overdrawn_while_a_stream_is_served(
    requests: tuple[Request, ...], way: dict[str, Any], most: int
) -> None:
    spec = serving(**(way | {"max_sequences": min(most, way["token_budget"])}))
    scheduler = Scheduler(spec, PAGES)
    for each in requests:
        scheduler.submit(Sequence(each, 0, each.prompt_tokens))
    answered = 0
    while answered < len(requests):
        plan = scheduler.plan()
        assert not plan.empty
        scheduler.pool.check([*scheduler.running, *scheduler.waiting])
        for sequence in scheduler.running:
            held = (sequence.pages + sequence.shared_pages) * PAGE
            asked = next((n for chunk, n in plan.chunks if chunk is sequence), sequence in plan.decodes)
            assert sequence.cached + int(asked) <= held
        answered += len(scheduler.finish(plan, 1))


def test_a_chunked_prompt_takes_the_pieces_that_the_budget_allows() -> None:
    _, costs = served([request(prompt=150, output=2)], serving(token_budget=64))
    assert [[(c.tokens, c.position) for c in step.chunks] for step in costs.steps] == [
        [(64, 0)], [(64, 64)], [(22, 128)], [],
    ]  # fmt: skip
    assert [step.sampled for step in costs.steps] == [0, 0, 1, 1]
    assert costs.steps[-1].contexts == 150


def test_without_chunks_a_prompt_runs_in_one_step() -> None:
    _, costs = served([request(prompt=150, output=1)], serving(token_budget=64, chunked_prefill=False))
    assert [step.tokens for step in costs.steps] == [150]


def test_decode_first_mixes_and_prefill_first_does_not() -> None:
    requests = [request(0, 0, 30, 20), request(1, 1, 30, 20)]
    _, mixed = served(requests, serving(policy="decode_first", token_budget=16, max_sequences=4))
    _, apart = served(requests, serving(policy="prefill_first", token_budget=16, max_sequences=4))
    assert any(step.decodes and step.chunks for step in mixed.steps)
    assert not any(step.decodes and step.chunks for step in apart.steps)


@pytest.mark.parametrize("preemption", ["recompute", "swap"])
def test_a_sequence_without_a_page_preempts_the_one_admitted_last(preemption: str) -> None:
    requests = [request(0, 0, 8, 40), request(1, 1, 8, 40)]
    stream, costs = served(requests, serving(preemption=preemption), pages=15)
    first, last = stream.answered
    assert (first.request.index, first.preemptions) == (0, 0)
    assert last.preemptions >= 1
    recomputed = stream.copies[0].scheduler.recomputed_tokens
    assert (recomputed == 0) == (preemption == "swap")
    assert sum(step.tokens for step in costs.steps) == 2 * 47 + recomputed
    assert (stream.copies[0].swapped_tokens > 0) == (preemption == "swap")


def test_a_shared_prefix_is_computed_once_and_found_in_whole_pages() -> None:
    requests = [request(i, i * 10**9, 20, 2, prefix="p", prefix_tokens=11) for i in range(3)]
    stream, costs = served(requests, serving(prefix_cache=True))
    pool = stream.copies[0].scheduler.pool
    assert (pool.lookups, pool.hits, pool.hit_tokens) == (3, 2, 16)
    assert [step.chunks[0].tokens for step in costs.steps if step.chunks] == [20, 12, 12]
    assert pool.used == 2  # The prefix stays.


def test_the_prefix_used_last_goes_last() -> None:
    names = ["a", "b", "a", "c", "a", "b"]
    requests = [request(i, i * 10**9, 9, 1, prefix=name, prefix_tokens=8) for i, name in enumerate(names)]
    _, costs = served(requests, serving(prefix_cache=True), pages=5)
    # Room for two prefixes beside a running request: "c" drives "b" out, which has to be computed anew.
    assert [step.chunks[0].tokens for step in costs.steps] == [9, 9, 1, 9, 1, 9]


def test_a_cache_moves_to_the_copy_that_decodes() -> None:
    spec = serving(prefill_copies=1)
    stream, _ = served([request(0, 0, 20, 3), request(1, 0, 20, 1)], spec, copies=2)
    prefills, decodes = stream.copies
    assert prefills.decoded == 0
    assert decodes.decoded == 2
    assert (stream.transfers, stream.transferred_tokens) == (1, 20)


def test_a_closed_loop_keeps_as_many_in_the_system_as_it_has_clients() -> None:
    stream, _ = served([request(i) for i in range(20)], concurrency=3)
    arrivals = sorted(sequence.arrival_ps for sequence in stream.answered)
    ends = sorted(sequence.done_ps for sequence in stream.answered)
    assert arrivals == sorted([0, 0, 0, *ends[:17]])


def test_a_request_that_can_never_fit_is_refused() -> None:
    with pytest.raises(CapacityError, match=r"request 1 needs 26 pages of 4 tokens, the KV cache has 25"):
        served([request(prompt=100, output=2)], pages=25)


def test_a_lost_request_is_found() -> None:
    requests = (request(0), request(1))
    stream, _ = served(requests)
    stream.answered.pop()
    with pytest.raises(ConservationError, match="2 requests came, 1 of them were answered"):
        check_stream(stream, requests)


def test_a_wrong_census_breaks_littles_law() -> None:
    stream, _ = served([request()])
    stream.census.area_ps += 1
    with pytest.raises(ConservationError, match="Little's law"):
        check_stream(stream, (request(),))


def test_copies_share_the_requests_evenly() -> None:
    stream, _ = served([request(i, i) for i in range(12)], copies=3)
    assert copies_of(serving(), 9, 3)[2].index == 2
    assert {copy.tokens for copy in stream.copies} == {4 * 14}
