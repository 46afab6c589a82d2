"""Sequences that get several tokens a step, or lose tokens of their cache: still none is lost or counted twice."""

from __future__ import annotations

from itertools import accumulate
from operator import mul
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_serving_properties import streams, ways
from toy import request, served, serving

from simulator.errors import ConservationError
from simulator.system.serving.check import check_stream
from simulator.system.serving.decode_rules import DecodeRules
from simulator.workload.optimizations.speculative import Speculative
from simulator.workload.traffic.request import Request

PAGES = 33


def rules(*acceptance: float, width: tuple[int, ...] = (), seed: int = 0) -> DecodeRules:
    block = Speculative(drafter="eagle", depth=len(acceptance), acceptance=acceptance, width=width)
    return DecodeRules(block.queries, block.draw_tokens, seed=seed)


ACCEPTANCES = st.lists(st.floats(0, 1), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(streams(), ways(), st.integers(1, 3), st.integers(0, 2), ACCEPTANCES, st.integers(0, 3))
def test_drafts_are_kept_or_rejected_and_every_token_is_counted(
    requests: tuple[Request, ...], way: dict[str, Any], copies: int, apart: int, acceptance: list[float], seed: int
) -> None:
    found = rules(*acceptance, seed=seed)
    way |= {"token_budget": way["token_budget"] + found.queries}
    spec = serving(**way, prefill_copies=min(apart, copies - 1))
    stream, costs = served(requests, spec, pages=PAGES, copies=copies, rules=found)
    check_stream(stream, requests)
    schedulers = [copy.scheduler for copy in stream.copies]
    decodes = sum(step.decodes for step in costs.steps)
    assert sum(s.decoded_tokens + s.rejected_tokens for s in schedulers) == decodes * found.queries
    assert all(copy.scheduler.pool.peak <= PAGES for copy in stream.copies)
    if spec.chunked_prefill:
        assert all(step.tokens <= spec.token_budget for step in costs.steps)


@settings(max_examples=60, deadline=None)
@given(streams(), ways(), st.integers(1, 40))
def test_tokens_that_leave_a_window_give_their_pages_back(
    requests: tuple[Request, ...], way: dict[str, Any], window: int
) -> None:
    pages = -(-window // way["page_tokens"]) * 2
    way |= {"prefix_cache": False}
    stream, _ = served(requests, serving(**way), pages=pages, rules=DecodeRules(kept=lambda n: min(n, window)))
    check_stream(stream, requests)
    assert stream.copies[0].scheduler.pool.peak <= pages


@pytest.mark.parametrize("acceptance", [(0.0,), (0.7, 0.5), (1.0, 1.0, 1.0), (0.9, 0.2, 0.6)])
def test_the_mean_of_the_draws_is_the_expected_number_of_tokens(acceptance: tuple[float, ...]) -> None:
    stream, _ = served([request(i, 0, 10, 401) for i in range(20)], pages=3000, rules=rules(*acceptance))
    copy = stream.copies[0]
    expected = 1 + sum(accumulate(acceptance, mul))
    assert copy.scheduler.decoded_tokens / copy.decoded == pytest.approx(expected, rel=0.02)


def test_nodes_of_a_tree_cost_tokens_but_yield_what_their_level_accepts() -> None:
    chain, tree = (served([request(output=61)], rules=rules(1.0, 1.0, width=w))[1] for w in ((), (4, 2)))
    assert [step.tokens for step in chain.steps[1:]] == [3] * 20
    assert [step.tokens for step in tree.steps[1:]] == [7] * 20


def test_what_a_sequence_keeps_does_not_depend_on_whom_it_runs_with() -> None:
    alone, _ = served([request(3, output=100)], rules=rules(0.6, 0.6))
    spec = serving(token_budget=200)
    together, costs = served([request(i, output=100) for i in range(8)], spec, pages=1000, rules=rules(0.6, 0.6))
    assert alone.copies[0].decoded < 99
    # All begin together, so each is there in as many steps as it needs.
    steps = [sum(1 for step in costs.steps[1:] if step.decodes >= n) for n in range(1, 9)]
    assert alone.copies[0].decoded in steps
    assert sum(steps) == together.copies[0].decoded


def test_a_budget_too_small_for_all_drafts_serves_those_admitted_first() -> None:
    spec = serving(token_budget=8, max_sequences=8)
    stream, costs = served([request(i, output=9) for i in range(6)], spec, rules=rules(0.5, 0.5, 0.5))
    assert max(step.decodes for step in costs.steps) == 2
    answered = [sequence.request.index for sequence in stream.answered]
    assert answered[0] in (0, 1)
    assert answered[-1] in (4, 5)


def test_a_rejected_token_that_is_not_counted_is_found() -> None:
    requests = (request(0),)
    stream, _ = served(requests, rules=rules(0.0))
    stream.copies[0].scheduler.rejected_tokens -= 1
    with pytest.raises(ConservationError, match=r"\d rejected"):
        check_stream(stream, requests)
