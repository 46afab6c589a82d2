"""Tokens dealt out to devices: the cache is read once over all of them, and partial results are merged."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tiny import MODEL, workload

from simulator.api import Arch, load_arch, simulate
from simulator.config.registry import optimization_blocks
from simulator.errors import MappingError
from simulator.mapping.parallel.tokens import decode_share, merge_bytes
from simulator.metrics.result import Result
from simulator.workload.architectures.mamba2 import Mamba2
from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.collective import CollectiveOp
from simulator.workload.graph import decode_graph
from simulator.workload.model import Model
from simulator.workload.ops import AttentionOp, KvAppendOp, VectorOp
from simulator.workload.precision import Precision
from simulator.workload.transformer import Transformer

GEMMA = replace(
    MODEL,
    name="gemma",
    n_layers=3,
    architecture=Transformer(attention=Attention(qk_norm=True, softcap=True), window=18, full_every=3),
)
LATENT = replace(
    MODEL,
    name="latent",
    architecture=Transformer(
        attention=LatentAttention(rank=64, plain=32, rotary=16),
        feed_forward=Experts(6, 2),
        dense_layers=1,
        dense_width=320,
    ),
)
MODELS = {"llama": MODEL, "gemma": GEMMA, "latent": LATENT}
CACHE = ("attn_score", "attn_context", "softmax", "latent_score", "latent_context", "kv_append", "latent_append")


@cache
def arch(platform: str = "h100_sxm", **parallel: int) -> Arch:
    count = 1
    for number in parallel.values():
        count *= number
    return load_arch(platform, [*(f"parallelism.{key}={n}" for key, n in parallel.items()), f"devices.count={count}"])


def run(model: Model, parallel: dict[str, int], prompt: int = 48, batch: int = 2, **blocks: Any) -> Result:
    made = {key: optimization_blocks.get(key).model_validate(entry) for key, entry in blocks.items()}
    job = workload(model=model, batch=batch, prompt_tokens=prompt, output_tokens=4, optimizations=made)
    return simulate(arch(**parallel), job)


def work(result: Result, stage: str) -> dict[str, tuple[int, int]]:
    """FLOPs and stored bytes of all that works on the cache."""
    kinds = result.work_by_op_kind[stage]
    return {kind: (kinds[kind].flops, kinds[kind].bytes) for kind in CACHE if kind in kinds}


SPREADS = (
    {"sequence": 2},
    {"sequence": 3},
    {"sequence": 2, "tensor": 2},
    {"sequence": 2, "pipeline": 2},
    {"sequence": 5},
)


@pytest.mark.parametrize("spread", SPREADS, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_the_cache_is_read_once_over_all_devices(name: str, spread: dict[str, int]) -> None:
    batch = spread.get("pipeline", 1)
    one, several = run(MODELS[name], {}, batch=1), run(MODELS[name], spread, batch=batch)
    decode = {kind: (batch * flops, batch * n_bytes) for kind, (flops, n_bytes) in work(one, "decode").items()}
    found = work(several, "decode")
    if name == "latent" and "tensor" in spread:
        # Devices that share heads each keep the latent vectors of all.
        assert {kind: flops for kind, (flops, _) in found.items() if "append" not in kind} == {
            kind: flops for kind, (flops, _) in decode.items() if "append" not in kind
        }
        return
    assert found == decode
    prompt = {kind: batch * flops for kind, (flops, _) in work(one, "prefill").items()}
    assert {kind: flops for kind, (flops, _) in work(several, "prefill").items()} == prompt
    assert several.time_by_op_kind_s["decode"]["allreduce"] > 0
    assert several.time_by_op_kind_s["prefill"]["allgather"] > 0


@pytest.mark.parametrize("devices", [1, 2, 3, 7])
def test_a_device_has_its_tokens_and_sends_values_and_two_numbers_a_head(devices: int) -> None:
    batch, context = 3, 51
    graph = decode_graph(replace(MODEL, n_layers=1), batch=batch, context=context, precision=Precision())
    block = graph.subgraph([name for name in graph if name.startswith("L00")])
    part = decode_share(block, devices)
    graphs = [(part.leader, 1), *(part.others or ())]
    assert sum(n for _, n in graphs) == devices
    tokens = [(op.context, n) for each, n in graphs for op in _ops(each, AttentionOp) if op.kind == "attn_score"]
    assert sum(length * n for length, n in tokens) == context + 1
    assert tokens[0][0] == max(length for length, _ in tokens) == -(-(context + 1) // devices)
    assert max(length for length, _ in tokens) - min(length for length, _ in tokens) <= 1
    assert sum(n * len(_ops(each, KvAppendOp)) for each, n in graphs) == 1
    (whole,) = (op for op in _ops(block, VectorOp) if op.kind == "softmax")
    assert (
        sum(n * op.elements for each, n in graphs for op in _ops(each, VectorOp) if op.kind == "softmax")
        == whole.elements
    )
    merges = _ops(part.leader, CollectiveOp)
    heads = MODEL.n_heads
    assert [op.n_bytes for op in merges] == [batch * heads * (MODEL.head_dim * 2 + 8)]
    assert merges[0].n_bytes == merge_bytes(next(op for op in _ops(block, AttentionOp) if op.kind == "attn_context"))


def _ops(graph: Any, op_class: type) -> list[Any]:
    return [op for name in graph if isinstance(op := graph.nodes[name]["op"], op_class)]


def test_a_device_holds_the_weights_and_its_share_of_the_cache() -> None:
    job = workload(model=replace(MODEL, max_position=1 << 20), prompt_tokens=1 << 18, output_tokens=1)
    needed = [
        simulate(arch(**spread), job).capacity.needed_bytes
        for spread in ({"sequence": 1}, {"sequence": 4}, {"data": 1})
    ]
    cache = MODEL.n_layers * 2 * MODEL.n_kv_heads * MODEL.head_dim * 2 * (1 << 18)
    weights = needed[0] - cache
    assert needed[0] == needed[2]
    assert needed[1] - cache == pytest.approx(4 * weights, rel=0.1)


def test_long_contexts_gain_and_short_ones_do_not() -> None:
    wide = replace(MODEL, max_position=1 << 18)
    long = [run(wide, {"sequence": n}, prompt=100_000, batch=1) for n in (1, 4)]
    short = [run(wide, {"sequence": n}, prompt=64, batch=1) for n in (1, 4)]
    assert (long[1].latency.tpot_s or 0) < 0.7 * (long[0].latency.tpot_s or 0)
    assert long[1].latency.ttft_s < 0.5 * long[0].latency.ttft_s
    assert (short[1].latency.tpot_s or 0) > (short[0].latency.tpot_s or 0)


def test_drafts_are_verified_over_tokens_of_all_devices() -> None:
    entry = {"drafter": "eagle", "depth": 2, "acceptance": 0.7}
    one, two = run(MODEL, {}, speculative=entry), run(MODEL, {"sequence": 2}, speculative=entry)
    assert work(two, "decode") == work(one, "decode")


def test_what_has_no_tokens_to_deal_out_is_refused_in_one_line() -> None:
    state = replace(MODEL, name="state", architecture=Mamba2(state=16))
    sparse = {"pattern": "window", "window": 8, "sinks": 2}
    cases = (
        (state, {"sequence": 2}, {}, r"parallelism\.sequence: the state of state has no tokens"),
        (MODEL, {"sequence": 30}, {}, r"parallelism\.sequence: prompts of 48 tokens .* \(allowed: up to 24\)"),
        (MODEL, {"sequence": 2}, {"attention_sparsity": sparse}, r"optimizations\.attention_sparsity: "),
    )
    for model, spread, blocks, message in cases:
        with pytest.raises(MappingError, match=message) as caught:
            run(model, spread, **blocks)
        assert "\n" not in str(caught.value)
    both = load_arch(
        "h100_sxm", ["devices.count=4", "parallelism.sequence=2", "parallelism.data=2", "parallelism.expert=2"]
    )
    with pytest.raises(MappingError, match=r"parallelism\.sequence: not with parallelism\.expert"):
        simulate(both, workload(model=LATENT, batch=2))


def test_open_numbers_of_devices_count_those_that_share_tokens() -> None:
    open_ = load_arch("h100_sxm", ["devices.count=auto", "parallelism.tensor=auto", "parallelism.sequence=3"])
    found = simulate(open_, workload(prompt_tokens=12, output_tokens=2))
    said = "devices: 3, the fewest that hold the workload, as tensor 1 x sequence 3 x pipeline 1 x data 1"
    assert said in found.assumptions
