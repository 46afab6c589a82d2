"""What methods make of a step equals formulas of the model: bytes of weights, scales, indices and cache; FLOPs."""

from dataclasses import replace
from math import ceil, comb
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.workload.encoding import Encoding
from simulator.workload.model import Model
from simulator.workload.ops import AttentionOp, KvAppendOp, MatrixOp, Op
from simulator.workload.optimizations.acceptance import by_position, expected_tokens
from simulator.workload.optimizations.activation_sparsity import ActivationSparsity
from simulator.workload.optimizations.attention_sparsity import AttentionSparsity
from simulator.workload.optimizations.early_exit import EarlyExit, Exit
from simulator.workload.optimizations.hot_cold import HotCold
from simulator.workload.optimizations.kv_paging import KvPaging
from simulator.workload.optimizations.quantization import Quantization
from simulator.workload.optimizations.weight_sparsity import WeightSparsity
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import StepGraphs

MODEL = Model("tiny", 2, 256, 4, 2, 64, 704, 1000, 8192)
CONTEXT = 200


def workload(batch: int = 1, **blocks: Any) -> Workload:
    return Workload(name="w", model=MODEL, batch=batch, prompt_tokens=CONTEXT, output_tokens=33, optimizations=blocks)


def ops(batch: int = 1, queries: int = 1, **blocks: Any) -> list[Op]:
    graph = StepGraphs(workload(batch, **blocks)).decode_graph(CONTEXT, queries=queries)
    return [attributes["op"] for attributes in graph.nodes.values()]


def products(found: list[Op]) -> list[MatrixOp]:
    return [op for op in found if isinstance(op, MatrixOp)]


SHAPES = [(512, 256), (256, 256), (704, 256), (704, 256), (256, 704)] * 2 + [(1000, 256)]
WIDTHS = {"int8": 8.0, "int4": 4.0, "int3": 3.0, "int2": 2.0, "ternary": 1.6, "fp8": 8.0}


@given(
    form=st.sampled_from(sorted(WIDTHS)),
    group=st.sampled_from([0, 32, 64, 100, 128]),
    scale=st.sampled_from([8, 16, 32]),
    zero=st.sampled_from([0, 4, 16]),
)
def test_weights_take_their_bits_and_a_scale_and_zero_point_a_group(
    form: str, group: int, scale: int, zero: int
) -> None:
    weights = {"format": form, "group_size": group, "scale_bits": scale, "zero_point_bits": zero}
    found = products(ops(quantization=Quantization.model_validate({"weights": weights})))
    for op, (rows, columns) in zip(found, SHAPES, strict=True):
        groups = rows * ceil(columns / (group or columns))
        assert op.weight_bytes == ceil(round(rows * columns * WIDTHS[form] + groups * (scale + zero), 6) / 8)
        assert op.flops == 2 * rows * columns


@pytest.mark.parametrize(("form", "bits"), [("mxfp8", 8.25), ("mxfp6", 6.25), ("mxfp4", 4.25), ("nvfp4", 4.5)])
def test_block_formats_carry_their_own_scales(form: str, bits: float) -> None:
    found = products(ops(quantization=Quantization.model_validate({"weights": {"format": form}})))
    assert [op.weight_bytes for op in found] == [rows * columns * bits / 8 for rows, columns in SHAPES]


def test_kinds_that_are_skipped_and_layers_of_their_own_keep_theirs() -> None:
    block = Quantization.model_validate(
        {
            "weights": {"format": "int4"},
            "layers": ({"format": "int8", "first": 1, "last": 1, "scale_bits": 0},),
            "skip": ("lm_head",),
        }
    )
    found = products(ops(quantization=block))
    assert [op.weight_bytes for op in found if op.layer == 1] == [rows * columns for rows, columns in SHAPES[5:10]]
    assert found[-1].weight_bytes == 2 * 1000 * 256


@given(batch=st.integers(1, 5), group=st.sampled_from([0, 16, 64]))
def test_the_cache_takes_its_bits_and_a_scale_a_group_of_a_head(batch: int, group: int) -> None:
    block = Quantization.model_validate({"kv_cache": {"format": "int4", "group_size": group, "zero_point_bits": 16}})
    bits = 4 + 32 / (group or 64)
    for op in ops(batch, quantization=block):
        if isinstance(op, AttentionOp):
            assert op.kv_read_bytes == ceil(batch * (CONTEXT + 1) * 2 * 64 * bits / 8)
        if isinstance(op, KvAppendOp):
            assert op.kv_write_bytes == 2 * ceil(batch * 2 * 64 * bits / 8)


def test_moving_operands_are_quantised_once_for_all_that_read_them() -> None:
    found = ops(2, quantization=Quantization.model_validate({"activations": "int8"}))
    # Of a block: input of the projections, of the output projection, of gate and up together, of down.
    assert sum(op.kind == "quantize" for op in found) == 4 * 2 + 1
    assert all(op.input_bytes == op.tokens * (op.in_features + 2) for op in products(found))


@given(n=st.integers(1, 8), m=st.sampled_from([2, 4, 8, 16]))
def test_n_m_weights_take_kept_values_and_an_index_each(n: int, m: int) -> None:
    n = min(n, m)
    found = products(ops(weight_sparsity=WeightSparsity(pattern="n_m", n=n, m=m)))
    for op, (rows, columns) in zip(found, SHAPES, strict=True):
        kept = rows * columns * n // m
        index = (m - 1).bit_length() if n < m else 0
        assert op.weight_bytes == ceil(kept * (16 + index) / 8)
        assert op.flops == 2 * kept


@given(percent=st.integers(1, 99), bitmap=st.booleans())
def test_unstructured_weights_take_kept_values_and_a_bitmap_or_offsets(percent: int, bitmap: bool) -> None:
    index = {"index": "bitmap"} if bitmap else {"index": "offset", "index_bits": 16}
    block = WeightSparsity.model_validate({"pattern": "unstructured", "density": percent / 100, **index})
    for op, (rows, columns) in zip(products(ops(weight_sparsity=block)), SHAPES, strict=True):
        kept = -(-rows * columns * percent // 100)
        assert op.weight_bytes == ceil((kept * 16 + (rows * columns if bitmap else kept * 16)) / 8)
        assert op.flops == 2 * kept


@pytest.mark.parametrize(
    "block",
    [
        WeightSparsity(pattern="unstructured", density=1.0, index="bitmap"),
        WeightSparsity(pattern="n_m", n=4, m=4),
        AttentionSparsity(pattern="window", window=8000, sinks=0),
        ActivationSparsity(active=1.0, chosen_by="gate"),
    ],
)
def test_no_sparsity_is_the_dense_step(block: Any) -> None:
    plain, same = ops(3), ops(3, sparse=block)
    assert [op.shape_key for op in same] == [op.shape_key for op in plain]


def test_sparse_and_quantised_weights_keep_only_values_of_fewer_bits() -> None:
    both = {
        "weight_sparsity": WeightSparsity(pattern="n_m", n=2, m=4),
        "quantization": Quantization.model_validate({"weights": {"format": "int8", "scale_bits": 0}}),
    }
    assert [op.weight_bytes for op in products(ops(**both))] == [
        rows * columns // 2 * 10 // 8 for rows, columns in SHAPES
    ]


@given(active=st.floats(0.01, 0.9), batch=st.integers(1, 8), queries=st.integers(1, 3))
@example(active=0.875, batch=6, queries=3)
@settings(max_examples=30)
def test_a_step_reads_the_union_of_what_its_tokens_use(active: float, batch: int, queries: int) -> None:
    block = ActivationSparsity(active=active, chosen_by="predictor", predictor_rank=32)
    found = products(ops(batch, queries, activation_sparsity=block))
    neurons = ceil(704 * (1 - (1 - active) ** (batch * queries)))
    down = next(op for op in found if op.kind == "ffn_down")
    up = next(op for op in found if op.name == "L00.ffn_up")
    assert (down.in_features, down.weight_bytes) == (neurons, 2 * 256 * neurons)
    assert (up.out_features, up.flops) == (neurons, 2 * 256 * neurons * batch * queries)
    predictor = [op for op in found if "predict" in op.name and op.layer == 0]
    assert sum(op.weight_bytes for op in predictor) == 2 * (256 * 32 + 32 * 704)


def test_hot_and_cold_neurons_have_shares_of_each_block() -> None:
    active, hits, tokens = (0.1, 0.4), (0.9, 0.5), 3
    found = products(ops(tokens, hot_cold=HotCold(hot=0.25, active=active, hits=hits, on="cpu")))
    for layer in (0, 1):
        hot = 0.25 * (1 - (1 - active[layer] * hits[layer] / 0.25) ** tokens)
        cold = 0.75 * (1 - (1 - active[layer] * (1 - hits[layer]) / 0.75) ** tokens)
        up = {op.name: op.out_features for op in found if op.layer == layer and op.kind == "ffn_up"}
        assert up == {f"L0{layer}.ffn_up": ceil(704 * hot), f"L0{layer}.ffn_up.cold": ceil(704 * cold)}


@given(window=st.integers(1, 400), sinks=st.integers(0, 8), queries=st.integers(1, 4))
@settings(max_examples=30)
def test_a_window_reads_its_tokens_and_the_sinks(window: int, sinks: int, queries: int) -> None:
    block = AttentionSparsity(pattern="window", window=window, sinks=sinks)
    pairs = sum(min(CONTEXT + query, window + sinks) for query in range(1, queries + 1))
    for op in ops(1, queries, attention_sparsity=block):
        if isinstance(op, AttentionOp):
            assert op.context == min(CONTEXT + queries, window + sinks)
            assert op.kv_read_bytes == 2 * op.context * 2 * 64
            assert op.flops == 2 * pairs * 4 * 64


@given(page=st.sampled_from([1, 8, 16, 32]), tokens=st.integers(1, 300))
def test_the_best_pages_are_read_whole_after_the_bounds_of_all(page: int, tokens: int) -> None:
    block = AttentionSparsity(pattern="top_k", tokens=tokens, page_tokens=page)
    context, chosen = CONTEXT + 1, min(CONTEXT + 1, ceil(tokens / page) * page)
    found = [op for op in ops(attention_sparsity=block) if isinstance(op, AttentionOp) and op.layer == 0]
    read = 2 * 2 * 64 * (2 * chosen + (2 * ceil(context / page) if chosen < context else 0))
    assert sum(op.kv_read_bytes for op in found) == read


@given(page=st.integers(1, 64), batch=st.integers(1, 4))
def test_a_table_has_an_entry_a_page_and_the_cache_whole_pages(page: int, batch: int) -> None:
    block = KvPaging(page_tokens=page, table_entry_bytes=4)
    found = [op for op in ops(batch, kv_paging=block) if op.kind == "page_table"]
    assert [op.kv_read_bytes for op in found] == [batch * ceil((CONTEXT + 1) / page) * 4] * 2
    assert block.cached_tokens(CONTEXT) == ceil(CONTEXT / page) * page


@given(a=st.floats(0, 1), depth=st.integers(1, 12))
def test_expected_tokens_are_the_geometric_sum(a: float, depth: int) -> None:
    closed = depth + 1 if a == 1 else (1 - a ** (depth + 1)) / (1 - a)
    assert expected_tokens(by_position(a, depth)) == pytest.approx(closed, rel=1e-9)


@given(accepted=st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_expected_tokens_are_the_mean_over_all_outcomes(accepted: list[float]) -> None:
    mean, reached = 0.0, 1.0
    for position, a in enumerate(accepted):
        mean += reached * (1 - a) * (position + 1)
        reached *= a
    assert expected_tokens(accepted) == pytest.approx(mean + reached * (len(accepted) + 1), abs=1e-9)


@given(tokens=st.integers(1, 200), depth=st.integers(1, 8), a=st.floats(0, 1), every=st.integers(1, 20))
def test_steps_yield_exactly_the_tokens_that_are_asked_for(tokens: int, depth: int, a: float, every: int) -> None:
    from simulator.workload.optimizations.speculative import Speculative

    block = Speculative(drafter="medusa", depth=depth, acceptance=a)
    steps = Workload(
        name="w", model=MODEL, batch=1, prompt_tokens=3, output_tokens=tokens, sample_every=every,
        optimizations={"speculative": block},
    ).decode_steps()  # fmt: skip
    assert sum(step.weight * step.tokens for step in steps) == pytest.approx(tokens - 1)
    assert all(step.weight > 0 for step in steps)


@given(
    shares=st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
    batch=st.integers(1, 6),
)
def test_depths_of_a_step_are_those_of_its_deepest_sequence(shares: list[float], batch: int) -> None:
    exits = tuple(Exit(after=2 * (at + 1), share=share) for at, share in enumerate(shares))
    block = EarlyExit(exits=exits, test="none", cache="none")
    depths = block.depths(batch, 10)
    assert sum(depths.values()) == pytest.approx(1)
    for depth, probability in depths.items():
        until = sum(each.share for each in exits if each.after <= depth) if depth < 10 else 1.0
        exactly = next((each.share for each in exits if each.after == depth), 1 - sum(shares))
        closed = sum(
            comb(batch, k) * exactly**k * (until - exactly) ** (batch - k) for k in range(1, batch + 1)
        )  # at least one leaves at this depth, none later
        assert probability == pytest.approx(closed, abs=1e-9)


@given(rows=st.integers(1, 50), columns=st.integers(1, 300), n=st.integers(1, 4))
def test_short_last_groups_keep_what_fits(rows: int, columns: int, n: int) -> None:
    encoding = Encoding(value_bits=16, number="fp", pattern="n_m", n=n, m=4)  # type: ignore[arg-type]
    by_hand = rows * sum(min(n, 4, columns - start) for start in range(0, columns, 4))
    assert encoding.kept(rows, columns) == by_hand


@pytest.mark.parametrize("form", ["fp16", "fp8"])
def test_only_blocks_that_leave_neurons_out_predict_them(form: str) -> None:
    block = ActivationSparsity(active=(1.0, 0.9), chosen_by="predictor", predictor_rank=32)
    job = replace(workload(40, activation_sparsity=block), precision=Precision(form, form, "fp16"))
    graph = StepGraphs(job).decode_graph(CONTEXT)
    found = [op for _, op in graph.nodes(data="op") if "predict_out" in op.name]
    assert [(op.layer, op.out_features) for op in found] == [(1, 704)]
