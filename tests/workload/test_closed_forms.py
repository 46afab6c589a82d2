"""The graph's sums equal the formulas, which share no code with it."""

from __future__ import annotations

from dataclasses import astuple

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.feed_forward import Gated, Plain
from simulator.workload.closed_forms import StepTotals, step_totals, sum_of_contexts
from simulator.workload.graph import DecodeGraphs, decode_graph, prefill_graph
from simulator.workload.model import Model
from simulator.workload.model_file import load_model
from simulator.workload.ops import Op
from simulator.workload.precision import FORMAT_BITS, Precision
from simulator.workload.transformer import LLAMA, Transformer

SHIPPED = ("llama2_7b", "llama2_13b", "llama2_70b", "llama3_8b", "llama3_70b", "llama31_8b", "llama31_70b")
OTHERS = (
    "mistral_7b_v01", "qwen25_7b", "qwen3_8b", "opt_6_7b", "gpt3_6_7b", "falcon_7b", "falcon_40b", "phi3_mini",
    "gemma2_9b", "gemma3_4b", "mixtral_8x7b", "qwen15_moe_a2_7b", "qwen3_30b_a3b",
    "deepseek_v2_lite",
)  # fmt: skip
"""One of each way to put a block together."""
PRECISIONS = (Precision(), Precision("int4", "bf16", "fp8"), Precision("fp8", "fp32", "int4"))

formats = st.sampled_from(sorted(FORMAT_BITS))
precisions = st.builds(Precision, formats, formats, formats)


@st.composite
def small_models(draw: st.DrawFn) -> Model:
    n_kv_heads = draw(st.integers(1, 4))
    return Model(
        name="small",
        n_layers=draw(st.integers(1, 3)),
        d_model=draw(st.integers(1, 40)),
        n_heads=n_kv_heads * draw(st.integers(1, 4)),
        n_kv_heads=n_kv_heads,
        head_dim=2 * draw(st.integers(1, 8)),
        d_ff=draw(st.integers(1, 50)),
        vocab_size=draw(st.integers(1, 60)),
        max_position=1024,
        tie_embeddings=draw(st.booleans()),
        architecture=draw(st.just(LLAMA) | architectures()),
    )


@st.composite
def architectures(draw: st.DrawFn) -> Transformer:
    flag = st.booleans()
    return Transformer(
        norm=draw(st.sampled_from(("rmsnorm", "layernorm"))),
        attention=draw(st.builds(Attention, rotary=flag, qkv_bias=flag, out_bias=flag, qk_norm=flag, softcap=flag)),
        feed_forward=draw(
            st.builds(Gated, activation=st.sampled_from(("silu", "gelu")))
            | st.builds(Plain, activation=st.sampled_from(("relu", "gelu")), bias=flag)
            | st.builds(Experts, st.integers(3, 9), st.integers(1, 3), shared_width=st.integers(0, 5), router_bias=flag)
        ),
        arrangement=draw(st.sampled_from(("pre", "sandwich", "parallel"))),
        parallel_norms=draw(st.integers(1, 2)),
        window=draw(st.none() | st.integers(1, 20)),
        full_every=draw(st.none() | st.integers(1, 3)),
        positions=draw(st.sampled_from((0, 7))),
        scaled_embedding=draw(flag),
        final_softcap=draw(flag),
        dense_layers=draw(st.integers(0, 2)),
        dense_width=11,
    )


def ops_of(graph: nx.DiGraph[str]) -> list[Op]:
    return [data["op"] for _, data in graph.nodes(data=True)]


def totals_of(graph: nx.DiGraph[str]) -> StepTotals:
    ops = ops_of(graph)
    return StepTotals(
        flops=sum(op.flops for op in ops),
        weight_bytes=sum(op.weight_bytes for op in ops),
        kv_read_bytes=sum(op.kv_read_bytes for op in ops),
        kv_write_bytes=sum(op.kv_write_bytes for op in ops),
    )


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("batch", [1, 8])
def test_shipped_model_step_equals_closed_form(name: str, batch: int) -> None:
    model = load_model(name)
    for precision in PRECISIONS:
        graphs = DecodeGraphs(model, batch=batch, precision=precision)
        for context in (0, 1, 512, 4095):
            expected = step_totals(model, batch=batch, queries=1, cached=context, precision=precision)
            assert totals_of(graphs.at(context)) == expected
        prefill = prefill_graph(model, batch=batch, prompt_tokens=512, precision=precision)
        assert totals_of(prefill) == step_totals(model, batch=batch, queries=512, cached=0, precision=precision)


@pytest.mark.parametrize("name", OTHERS)
def test_step_of_other_architectures_equals_closed_form(name: str) -> None:
    model, precision = load_model(name), Precision("int4", "bf16", "fp8")
    for context in (0, 1500):
        decode = decode_graph(model, batch=3, context=context, precision=precision)
        assert totals_of(decode) == step_totals(model, batch=3, queries=1, cached=context, precision=precision)
    prefill = prefill_graph(model, batch=2, prompt_tokens=1500, precision=precision)
    assert totals_of(prefill) == step_totals(model, batch=2, queries=1500, cached=0, precision=precision)


@settings(max_examples=150, deadline=None)
@given(small_models(), st.integers(1, 5), st.integers(1, 40), precisions)
def test_any_model_step_equals_closed_form(model: Model, batch: int, tokens: int, precision: Precision) -> None:
    decode = decode_graph(model, batch=batch, context=tokens, precision=precision)
    assert totals_of(decode) == step_totals(model, batch=batch, queries=1, cached=tokens, precision=precision)
    prefill = prefill_graph(model, batch=batch, prompt_tokens=tokens, precision=precision)
    assert totals_of(prefill) == step_totals(model, batch=batch, queries=tokens, cached=0, precision=precision)


@settings(max_examples=40, deadline=None)
@given(small_models(), st.integers(1, 4), st.integers(1, 12))
def test_prefill_writes_and_attends_to_what_its_tokens_one_by_one_would(model: Model, batch: int, tokens: int) -> None:
    precision = Precision()
    prompt = prefill_graph(model, batch=batch, prompt_tokens=tokens, precision=precision)
    singles = [decode_graph(model, batch=batch, context=context, precision=precision) for context in range(tokens)]
    assert totals_of(prompt).kv_write_bytes == sum(totals_of(graph).kv_write_bytes for graph in singles)
    for kind in ("attn_score", "softcap", "softmax", "attn_context", "qkv_proj", "bias_add", "ffn_down", "rope"):
        assert flops_of(prompt, kind) == sum(flops_of(graph, kind) for graph in singles)


def flops_of(graph: nx.DiGraph[str], kind: str) -> int:
    return sum(op.flops for op in ops_of(graph) if op.kind == kind and op.layer is not None)


@given(st.integers(1, 200), st.integers(0, 200))
def test_sum_of_contexts_is_the_sum_it_says(queries: int, cached: int) -> None:
    assert sum_of_contexts(queries, cached) == sum(cached + i for i in range(1, queries + 1))


def test_llama2_7b_decode_step_figures_by_hand() -> None:
    """Weights read in fp16: all but the embedding table, plus one row; 524,288 cached bytes per token."""
    totals = step_totals(load_model("llama2_7b"), batch=1, queries=1, cached=512, precision=Precision())
    weights = (6_738_415_616 - 32_000 * 4_096 + 4_096) * 2
    matrices = 2 * (6_738_415_616 - 32_000 * 4_096 - 65 * 4_096)
    attention = 4 * 32 * 4_096 * 513
    vectors = 32 * (8 * 4_096 + 2 * 4_096 + 3 * 8_192 + 5 * 11_008 + 5 * 32 * 513) + 4 * 4_096 + 32_000
    assert astuple(totals) == (matrices + attention + vectors, weights, 513 * 524_288, 524_288)
