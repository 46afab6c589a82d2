"""Request streams: arrivals and lengths as their distributions say, traces as they stand, faults where they are."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.traffic_schema import Lengths, Prefixes, Traffic
from simulator.errors import ConfigError, SimulatorError, TraceError, WorkloadError
from simulator.workload.scenario import Workload, load_workload
from simulator.workload.traffic.request import PS_PER_S, Request
from simulator.workload.traffic.requests import make_requests
from simulator.workload.traffic.trace_file import read_trace

FIXED = Lengths(distribution="fixed", tokens=100)
COUNT = 20_000


def made(count: int = COUNT, seed: int = 0, positions: int = 8192, **changes: Any) -> tuple[Request, ...]:
    values = {"arrivals": "poisson", "rate_per_s": 5.0, "prompt_tokens": FIXED, "output_tokens": FIXED} | changes
    return make_requests(Traffic(requests=count, **values), (), seed, positions)


def gaps_s(requests: tuple[Request, ...]) -> list[float]:
    times = [0, *(request.arrival_ps for request in requests)]
    return [(after - before) / PS_PER_S for before, after in pairwise(times)]


@pytest.mark.parametrize("variation", [0.5, 1.0, 3.0])
def test_intervals_have_the_mean_and_the_variation_asked_for(variation: float) -> None:
    poisson = variation == 1.0
    gaps = gaps_s(made(**({} if poisson else {"arrivals": "gamma", "variation": variation})))
    assert statistics.fmean(gaps) == pytest.approx(0.2, rel=5 * variation / math.sqrt(COUNT))
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(variation, rel=0.1)


def test_fixed_intervals_and_all_at_once() -> None:
    assert set(gaps_s(made(5, arrivals="fixed"))) == {0.2}
    assert {r.arrival_ps for r in made(5, arrivals="at_once", rate_per_s=None)} == {0}


def test_lognormal_lengths_have_their_median_and_sigma() -> None:
    spec = Lengths(distribution="lognormal", median=300, sigma=0.7)
    logs = [math.log(r.prompt_tokens) for r in made(prompt_tokens=spec, positions=10**6)]
    assert statistics.fmean(logs) == pytest.approx(math.log(300), abs=0.03)
    assert statistics.stdev(logs) == pytest.approx(0.7, rel=0.03)


def test_uniform_lengths_reach_both_ends_and_most_cuts() -> None:
    requests = made(2000, output_tokens=Lengths(distribution="uniform", low=3, high=9, most=7))
    assert {r.output_tokens for r in requests} == set(range(3, 8))


def test_a_share_of_the_prompts_has_one_of_the_prefixes() -> None:
    requests = made(prefixes=Prefixes(share=0.25, count=4, tokens=60))
    shared = [r for r in requests if r.prefix]
    assert len(shared) / COUNT == pytest.approx(0.25, abs=0.02)
    assert {r.prefix for r in shared} == {f"prefix{n}" for n in range(4)}
    assert {r.prefix_tokens for r in shared} == {60}


def test_another_rate_leaves_the_lengths_as_they_are() -> None:
    spec = Lengths(distribution="lognormal", median=300, sigma=1)
    slow, fast = (made(50, rate_per_s=rate, prompt_tokens=spec, output_tokens=spec) for rate in (1.0, 9.0))
    assert [(r.prompt_tokens, r.output_tokens) for r in slow] == [(r.prompt_tokens, r.output_tokens) for r in fast]
    assert [r.arrival_ps for r in slow] != [r.arrival_ps for r in fast]


@given(st.integers(0, 2**62), st.integers(2, 3000), st.floats(1, 4000), st.floats(0, 3))
def test_no_request_exceeds_the_positions_of_the_model(seed: int, positions: int, median: float, sigma: float) -> None:
    spec = Lengths(distribution="lognormal", median=median, sigma=sigma)
    requests = made(20, seed=seed, positions=positions, prompt_tokens=spec, output_tokens=spec)
    assert all(r.tokens <= positions for r in requests)
    assert requests == made(20, seed=seed, positions=positions, prompt_tokens=spec, output_tokens=spec)


def test_the_requests_are_the_same_in_every_process() -> None:
    code = (
        "from simulator import load_workload as load; w = load('conversation_traffic', ['traffic.requests=50']);"
        "print(w.content_hash, [(r.arrival_ps, r.prompt_tokens) for r in w.traffic.requests(w.seed, 8192)])"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(outs) == 1


def shipped(*overrides: str) -> Workload:
    return load_workload("conversation_traffic", overrides)


def test_the_shipped_trace_is_replayed_as_it_stands() -> None:
    workload = load_workload("conversation_trace")
    assert workload.traffic is not None
    requests = workload.traffic.requests(0, workload.model.max_position)
    assert len(requests) == 128
    assert [(r.arrival_ps, r.prompt_tokens, r.output_tokens) for r in requests[:2]] == [
        (0, 374, 44), (4_314_600_000_000, 396, 109),
    ]  # fmt: skip
    assert (workload.prompt_tokens, workload.output_tokens) == max(
        ((r.prompt_tokens, r.output_tokens) for r in requests), key=sum
    )


def test_lengths_drawn_from_a_trace_keep_prompt_and_output_together() -> None:
    drawn, trace = shipped().traffic, load_workload("conversation_trace").traffic
    assert drawn is not None
    assert trace is not None
    pairs = {(r.prompt_tokens, r.output_tokens) for r in trace.requests(0, 8192)}
    assert {(r.prompt_tokens, r.output_tokens) for r in drawn.requests(0, 8192)} <= pairs


GOOD_CSV = "# a comment\narrival_s,prompt_tokens,output_tokens,prefix,prefix_tokens\n0,10,2,,\n1.5,20,3,chat,8\n"


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD_CSV)
    (tmp_path / "a.jsonl").write_text(
        '{"arrival_s": 0, "prompt_tokens": 10, "output_tokens": 2}\n\n'
        '{"arrival_s": 1.5, "prompt_tokens": 20, "output_tokens": 3, "prefix": "chat", "prefix_tokens": 8}\n'
    )
    rows = read_trace(tmp_path / "a.csv", "a.csv")
    assert rows == read_trace(tmp_path / "a.jsonl", "a.jsonl")
    assert (rows[1].prefix, rows[1].prefix_tokens) == ("chat", 8)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "a.csv: holds no request"),
        ("a.csv", "arrival_s,prompt,output_tokens\n", "a.csv:1: unknown column 'prompt'"),
        ("a.csv", "arrival_s,prompt_tokens\n", "a.csv:1: the column 'output_tokens' is missing"),
        ("a.csv", GOOD_CSV.replace("0,10,2", "0,10"), "a.csv:3: 4 values, the header has 5"),
        ("a.csv", GOOD_CSV.replace("0,10,2", "0,ten,2"), "a.csv:3: prompt_tokens: 'ten' is not a number of tokens"),
        ("a.csv", GOOD_CSV.replace("0,10,2", "0,10,0"), "a.csv:3: output_tokens: '0' is not a number of tokens"),
        ("a.csv", GOOD_CSV.replace("0,10,2", "nan,10,2"), "a.csv:3: arrival_s: 'nan' is not a time in seconds"),
        ("a.csv", GOOD_CSV.replace("0,10,2", "9,10,2"), "a.csv: arrival_s: a request at 1.5 s stands after one at 9"),
        (
            "a.csv",
            GOOD_CSV.replace("chat,8", "chat,20"),
            "a.csv:4: prefix_tokens: 20 leave no token of the prompt's 20",
        ),
        ("a.jsonl", "[1]\n", "a.jsonl:1: is not a JSON object"),
        ("a.jsonl", "{\n", "a.jsonl:1: is not a JSON object"),
    ],
)
def test_a_fault_in_a_trace_has_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TraceError) as caught:
        read_trace(tmp_path / name, name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("traffic.arrivals=poison", "traffic.arrivals: 'poison' is not one of the values allowed"),
        ("traffic.rate_per_s=0", "traffic.rate_per_s: 0 is out of range (allowed: more than 0 and at most"),
        ("traffic.rate_per_s=null", "traffic.arrivals: 'poisson' needs the key 'rate_per_s'"),
        ("traffic.arrivals=at_once", "traffic.rate_per_s: is of no use to the arrivals 'at_once'"),
        ("traffic.concurrency=4", "traffic.concurrency: is of no use to the arrivals 'poisson'"),
        ("traffic.requests=null", "traffic.arrivals: 'poisson' needs the key 'requests'"),
        ("traffic.trace=none.csv", "traffic.trace: there is no such file: none.csv"),
        ("traffic.trace=null", "traffic.prompt_tokens.distribution: 'trace' needs the key 'trace'"),
        ("traffic.prompt_tokens={distribution: fixed}", "'fixed' needs the key 'tokens'"),
        (
            "traffic.prompt_tokens={distribution: uniform, low: 9, high: 3}",
            "traffic.prompt_tokens.high: 3 is below low",
        ),
        ("traffic.output_tokens={distribution: fixed, tokens: 3, sigma: 1}", "is no parameter of the distribution"),
        ("traffic.serving.token_budget=8", "traffic.serving.token_budget: 8 tokens of a step are fewer than max_"),
        ("traffic.serving.preemption=drop", "traffic.serving.preemption: 'drop' is not one of the values allowed"),
        ("traffic.rate=3", "traffic.rate: unknown key 'rate'"),
        ("batch=3", "batch: unknown key 'batch'"),
    ],
)
def test_a_fault_in_the_traffic_has_its_place(override: str, message: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        shipped(override)
    assert isinstance(caught.value, ConfigError | WorkloadError)
    assert message in str(caught.value)


def test_more_requests_than_the_trace_has_are_refused() -> None:
    with pytest.raises(WorkloadError, match=r"129 are more than the 128 requests of the trace"):
        load_workload("conversation_trace", ["traffic.requests=129"])


def test_what_changes_the_requests_changes_the_hash() -> None:
    hashes = [shipped(*o).content_hash for o in ((), ("seed=1",), ("traffic.rate_per_s=5",))]
    assert len(set(hashes)) == 3
