"""Optimisation methods in request streams: they cost what they cost without one, and the cache follows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache, partial
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_methods import METHODS, tiny_draft
from tiny import MODEL, arch, workload

from simulator.api import Arch, build_for, load_arch, simulate
from simulator.config.registry import optimization_blocks
from simulator.config.traffic_schema import Lengths, Serving, Traffic
from simulator.errors import ConfigError, MappingError
from simulator.hooks import Hooks
from simulator.metrics.result import Result
from simulator.system.serving.capacity import room_for
from simulator.workload.cached import cache_bytes
from simulator.workload.model_file import load_model
from simulator.workload.scenario import Workload
from simulator.workload.serving_graphs import Group, ServingGraphs
from simulator.workload.step import Step
from simulator.workload.traffic.stream import RequestStream

__all__ = ["tiny_draft"]
PROMPT, OUTPUT = 60, 7


def blocks(**named: Any) -> dict[str, Any]:
    return {key: optimization_blocks.get(key).model_validate(entry) for key, entry in named.items()}


def stream(requests: int, serving: dict[str, Any], **methods: Any) -> Workload:
    spec = Traffic(
        requests=requests, arrivals="at_once", serving=Serving(**({"token_budget": 80, "max_sequences": 8} | serving)),
        prompt_tokens=Lengths(distribution="fixed", tokens=PROMPT),
        output_tokens=Lengths(distribution="fixed", tokens=OUTPUT),
    )  # fmt: skip
    return workload(
        prompt_tokens=PROMPT, output_tokens=OUTPUT, optimizations=blocks(**methods), traffic=RequestStream(spec)
    )


TWO = ["devices.count=2", "parallelism.tensor=2"]


@cache
def part(name: str) -> Arch:
    """The platform ``name``; with ``x2`` behind it two devices that share every block."""
    return load_arch(name.removesuffix(" x2"), TWO) if name.endswith(" x2") else arch(name)


def run(
    platform: str, requests: int, *, exact: bool = False, serving: dict[str, Any] | None = None, **methods: Any
) -> Result:
    return simulate(part(platform), stream(requests, serving or {}, **methods), exact=exact)


ALL_ACCEPTED = {
    "draft": {"drafter": "model", "model": "tiny_draft", "depth": 2, "acceptance": 1.0},
    "draft_on_cpu": {"drafter": "model", "model": "tiny_draft", "depth": 2, "acceptance": 1.0, "on": "cpu"},
    "tree": {"drafter": "eagle", "depth": 2, "acceptance": 1.0, "width": (3, 2)},
    "medusa": {"drafter": "medusa", "depth": 2, "acceptance": 1.0},
}
ALONE = [
    ("h100_sxm", "w4a8"), ("h100_sxm", "contextual"), ("aim_1card", "kv4"), ("upmem_server", "w4"),
    ("xeon_8488c", "top_k"), ("hbm_pim_card", "window"), ("hbm3_npu", "skipping"), ("h100_sxm", "fused"),
    ("rtx4090_xeon", "offloaded"), ("rtx4090_xeon", "hot_cold"), ("aim_1card", "exit"),
    ("h100_sxm", "draft"), ("hbm3_npu", "tree"), ("aim_1card", "medusa"), ("cent_8dev", "window"),
    ("cent_8dev", "skipping"), ("h100_sxm x2", "draft"), ("h100_sxm x2", "exit"), ("h100_sxm x2", "gated"),
    ("rtx4090_xeon", "draft_on_cpu"),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "method"), ALONE)
def test_a_stream_of_one_request_takes_as_long_as_the_same_without_a_stream(platform: str, method: str) -> None:
    key, entry = METHODS.get(method, ("speculative", ALL_ACCEPTED.get(method)))
    methods = {key: ALL_ACCEPTED.get(method, entry)}
    served = run(platform, 1, exact=True, **methods)
    alone = simulate(part(platform), replace(stream(1, {}, **methods), traffic=None))
    assert served.latency.tpot_s == pytest.approx(alone.latency.tpot_s, rel=0.01)
    if platform != "cent_8dev":  # Whose rounds take the tokens of a prompt one by one.
        assert served.latency.ttft_s == pytest.approx(alone.latency.ttft_s, rel=0.01)
    assert sum(served.energy_by_op_kind_j["decode"].values()) == pytest.approx(
        sum(alone.energy_by_op_kind_j["decode"].values()), rel=0.02
    )


def test_latent_attention_is_served_as_prompts_and_as_answers_compute_it() -> None:
    """DeepSeek expands cached vectors in a prompt and absorbs matrices in decode; a mixed step has both ways."""
    model = replace(load_model("deepseek_v2_lite"), n_layers=2)
    job = replace(stream(1, {}), model=model)
    served, alone = simulate(arch("h100_sxm"), job, exact=True), simulate(arch("h100_sxm"), replace(job, traffic=None))
    assert served.latency.e2e_s == pytest.approx(alone.latency.e2e_s, rel=0.01)
    groups = [Group(Step(2, 1, 90)), Group(Step(1, 20, 0), prompt=True)]
    names = set(ServingGraphs(job).step(groups, 2))
    assert {"L00.key_up@0", "L00.key_expand@1"} <= names
    assert not {"L00.key_expand@0", "L00.key_up@1"} & names


@pytest.mark.parametrize(("platform", "method"), [("h100_sxm", "draft"), ("aim_1card", "contextual")])
def test_put_together_steps_are_close_to_simulated_ones(platform: str, method: str) -> None:
    key, entry = METHODS[method]
    quick, exact = (run(platform, 3, exact=exact, **{key: entry}) for exact in (False, True))
    assert quick.traffic is not None
    assert exact.traffic is not None
    assert quick.traffic.duration_s == pytest.approx(exact.traffic.duration_s, rel=0.02)
    assert quick.traffic.speculation == exact.traffic.speculation


@pytest.mark.parametrize("method", ["medusa", "exit"])
def test_steps_of_several_passes_are_refused_in_rounds_of_a_pipeline(method: str) -> None:
    key, entry = METHODS[method]
    with pytest.raises(MappingError, match=rf"optimizations\.{key}: rounds of a pipeline serve requests without it"):
        run("cent_8dev", 1, **{key: entry})


@pytest.mark.parametrize(
    ("serving", "method", "message"),
    [
        ({"prefix_cache": True}, "window", r"traffic\.serving\.prefix_cache: with a window"),
        ({"page_tokens": 8}, "paged", r"optimizations\.kv_paging\.page_tokens: 16 is not the page .* \(allowed: 8\)"),
        (
            {"token_budget": 4, "max_sequences": 1},
            "tree",
            r"traffic\.serving\.token_budget: 4 tokens .* fewer than the 6",
        ),
    ],
)
def test_what_does_not_go_together_is_said(serving: dict[str, Any], method: str, message: str) -> None:
    key, entry = METHODS[method]
    with pytest.raises(ConfigError, match=message):
        run("h100_sxm", 1, serving=serving, **{key: entry})


GROUPS = st.lists(
    st.builds(Group, st.builds(Step, st.just(1), st.integers(1, 20), st.integers(0, 90)), st.just(True)), max_size=2
)  # fmt: skip
MIXED = (
    "w4a8",
    "kv4",
    "unstructured",
    "window",
    "top_k",
    "block",
    "paged",
    "skipping",
    "fused",
    "unfused",
    "offloaded",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MIXED), st.integers(1, 5), st.integers(0, 90), GROUPS)
def test_a_mixed_step_reads_weights_once_and_caches_as_each_group_by_itself(
    method: str, batch: int, context: int, pieces: list[Group]
) -> None:
    key, entry = METHODS[method]
    graphs = ServingGraphs(workload(optimizations=blocks(**{key: entry})))
    groups = [Group(Step(batch, 1, context)), *pieces]
    mixed, *alone = (graphs.step(each, sum(g.step.batch for g in each)) for each in (groups, *([g] for g in groups)))
    assert nx.is_directed_acyclic_graph(mixed)
    for kind in ("attn_score", "attn_context", "kv_append", "page_table", "topk"):
        for what in ("kv_read_bytes", "kv_write_bytes", "flops"):
            assert total(mixed, kind, what) == sum(total(graph, kind, what) for graph in alone)
    weights, once = (
        Counter({op.weight: op.weight_bytes for op in ops(graph) if hasattr(op, "out_features")})
        for graph in (mixed, alone[0])
    )
    assert weights == once
    assert len(weights) == sum(hasattr(op, "out_features") for op in ops(mixed))


def ops(graph: nx.DiGraph[str]) -> list[Any]:
    return [node["op"] for _, node in graph.nodes.items()]


def total(graph: nx.DiGraph[str], kind: str, what: str) -> int:
    return sum(getattr(op, what) for op in ops(graph) if op.kind == kind)


def test_a_prompt_in_a_step_makes_all_of_its_tokens_use_all_neurons() -> None:
    graphs = ServingGraphs(workload(optimizations=blocks(activation_sparsity=METHODS["contextual"][1])))
    decodes, piece = Group(Step(1, 1, 50)), Group(Step(1, 9, 0), prompt=True)
    sparse, dense = (graphs.step(groups, 1) for groups in ([decodes], [decodes, piece]))
    widths = [{op.out_features for op in ops(graph) if op.name == "L00.ffn_up"} for graph in (sparse, dense)]
    assert widths == [{140}, {MODEL.d_ff}]


LAYERS, CACHED = 4, 4 * 2 * 8 * 128 * 2
"""Blocks of Llama-3-8B's shape, and bytes of a cached token of all of them."""


def room(**methods: Any) -> float:
    model = replace(load_model("llama3_8b"), n_layers=LAYERS)
    job = replace(stream(1, {}), model=model, prompt_tokens=1600, optimizations=blocks(**methods))
    system = build_for(arch("rtx4090_xeon"), Hooks([]), exact=False, engine="compiled")
    return room_for(system, job, Serving(), 1600).pages


def test_the_pages_of_the_cache_follow_what_the_methods_make_of_it() -> None:
    plain, near = room(), partial(pytest.approx, rel=0.02)
    assert room(quantization={"kv_cache": {"format": "int8", "scale_bits": 0}}) == near(2 * plain)
    assert room(quantization={"kv_cache": {"format": "int4", "group_size": 128}}) == near(plain * 16 / (4 + 16 / 128))
    assert room(offload={"engine": "copy", "cache": 0.5, "prefetch": 0}) == near(plain / (0.5 + 0.5 / LAYERS))
    layer_bytes, free = 2 * (4096 * (2 * 4096 + 2 * 1024) + 3 * 4096 * 14336), plain * 16 * CACHED
    assert room(layer_skipping={"layers": (2,)}) == near((free + layer_bytes) / (CACHED * 3 / 4) / 16)
    left = free - layer_bytes - 2 * 2 * 4096 * 4096
    assert room(speculative={"drafter": "eagle", "depth": 2, "acceptance": 0.5}) == near(left / (CACHED * 5 / 4) / 16)
    half = room(quantization={"weights": {"format": "int8", "scale_bits": 0}, "skip": ("lm_head",)})
    assert half == near((free + LAYERS * layer_bytes / 2) / CACHED / 16)


def test_a_moved_cache_has_the_bytes_that_its_methods_leave() -> None:
    def moved(**methods: Any) -> int:
        return cache_bytes(workload(optimizations=blocks(**methods)), 100)

    plain = 2 * 2 * 100 * 2 * 64 * 2
    assert moved() == plain
    assert moved(quantization={"kv_cache": {"format": "int8", "scale_bits": 0}}) == plain // 2
    assert moved(layer_skipping={"layers": (0,)}) == plain // 2
    draft = {"drafter": "model", "model": "tiny_draft", "depth": 1, "acceptance": 0.5}
    assert moved(speculative=draft) == plain + 2 * 100 * 2 * 64 * 2
    assert moved(speculative=draft | {"on": "cpu"}) == plain


def test_a_host_that_samples_a_round_side_by_side_is_never_busier_than_time() -> None:
    platform = load_arch("cent_8dev", ["devices.count=1", "parallelism.pipeline=1"])
    found = simulate(platform, stream(24, {"token_budget": 32, "max_sequences": 32}))
    assert found.utilization["host"] == 1
