"""What methods make of the products of experts equals formulas of the model: bytes and FLOPs of those that are hit."""

from dataclasses import replace
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.blocks.experts import Experts
from simulator.workload.model import Model
from simulator.workload.ops import GroupedMatrixOp, Op
from simulator.workload.optimizations.activation_sparsity import ActivationSparsity
from simulator.workload.optimizations.offload import Offload
from simulator.workload.optimizations.quantization import Quantization
from simulator.workload.optimizations.speculative import Speculative
from simulator.workload.optimizations.weight_sparsity import WeightSparsity
from simulator.workload.routing import expected_hit, popularity, rounded_sum
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import StepGraphs
from simulator.workload.transfers import TransferOp
from simulator.workload.transformer import Transformer

COUNT, CHOSEN, WIDTH, INNER, LAYERS = 8, 2, 256, 192, 2
EXPERTS = Experts(count=COUNT, chosen=CHOSEN, shared_width=320)
MODEL = Model(
    "experts", LAYERS, WIDTH, 4, 2, 64, INNER, 1000, 8192, architecture=Transformer(feed_forward=EXPERTS)
)  # fmt: skip
CONTEXT = 100
SHAPES = {"expert_gate": (INNER, WIDTH), "expert_up": (INNER, WIDTH), "expert_down": (WIDTH, INNER)}
WIDTHS = {"int8": 8.0, "int4": 4.0, "int3": 3.0, "ternary": 1.6, "fp8": 8.0, "mxfp4": 4.0}


def ops(batch: int = 1, queries: int = 1, **blocks: Any) -> list[Op]:
    job = Workload(name="w", model=MODEL, batch=batch, prompt_tokens=CONTEXT, output_tokens=9, optimizations=blocks)
    graph = StepGraphs(job).decode_graph(CONTEXT, queries=queries)
    return [attributes["op"] for attributes in graph.nodes.values()]


def experts(found: list[Op]) -> list[GroupedMatrixOp]:
    grouped = [op for op in found if isinstance(op, GroupedMatrixOp)]
    assert [op.kind for op in grouped] == [*SHAPES] * LAYERS
    return grouped


def hit(tokens: int, layer: int | None) -> int:
    """Experts that ``tokens`` tokens hit in ``layer``: the layers' mean is the expected number."""
    mean = expected_hit(popularity(COUNT, CHOSEN, 0.0), tokens)
    assert mean == pytest.approx(COUNT * (1 - (1 - CHOSEN / COUNT) ** tokens))
    assert layer is not None
    return rounded_sum(mean, layer + 1) - rounded_sum(mean, layer)


tokens_of_a_step = {"batch": st.integers(1, 9), "queries": st.integers(1, 4)}


@given(form=st.sampled_from(sorted(WIDTHS)), group=st.sampled_from([0, 32, 100]), **tokens_of_a_step)
@settings(max_examples=40)
def test_experts_that_are_hit_take_their_bits_and_scales(form: str, group: int, batch: int, queries: int) -> None:
    fixed = form == "mxfp4"
    weights = {"format": form} if fixed else {"format": form, "group_size": group, "zero_point_bits": 4}
    tokens = batch * queries
    for op in experts(ops(batch, queries, quantization=Quantization.model_validate({"weights": weights}))):
        rows, columns = SHAPES[op.kind]
        groups, shared = (rows * ceil(columns / 32), 8) if fixed else (rows * ceil(columns / (group or columns)), 20)
        one = ceil(round(rows * columns * WIDTHS[form] + groups * shared, 6) / 8)
        assert op.weight_bytes == hit(tokens, op.layer) * one
        assert op.vectors == tokens * CHOSEN
        assert op.flops == 2 * rows * columns * tokens * CHOSEN


@given(n=st.integers(1, 4), m=st.sampled_from([4, 8]), **tokens_of_a_step)
@settings(max_examples=40)
def test_n_m_experts_take_kept_values_and_an_index_each(n: int, m: int, batch: int, queries: int) -> None:
    tokens, index = batch * queries, ((m - 1).bit_length() if n < m else 0)
    for op in experts(ops(batch, queries, weight_sparsity=WeightSparsity(pattern="n_m", n=n, m=m))):
        rows, columns = SHAPES[op.kind]
        kept = rows * columns * n // m
        assert op.weight_bytes == hit(tokens, op.layer) * ceil(kept * (16 + index) / 8)
        assert op.flops == 2 * kept * tokens * CHOSEN


@given(percent=st.integers(1, 99), bitmap=st.booleans(), **tokens_of_a_step)
@settings(max_examples=40)
def test_unstructured_experts_take_kept_values_and_their_places(
    percent: int, bitmap: bool, batch: int, queries: int
) -> None:
    index = {"index": "bitmap"} if bitmap else {"index": "offset", "index_bits": 16}
    block = WeightSparsity.model_validate({"pattern": "unstructured", "density": percent / 100, **index})
    tokens = batch * queries
    for op in experts(ops(batch, queries, weight_sparsity=block)):
        rows, columns = SHAPES[op.kind]
        kept = -(-rows * columns * percent // 100)
        one = ceil((kept * 16 + (rows * columns if bitmap else kept * 16)) / 8)
        assert op.weight_bytes == hit(tokens, op.layer) * one
        assert op.flops == 2 * kept * tokens * CHOSEN


@given(**tokens_of_a_step)
@settings(max_examples=20)
def test_sparse_and_quantised_experts_keep_only_values_of_fewer_bits(batch: int, queries: int) -> None:
    both = {
        "weight_sparsity": WeightSparsity(pattern="n_m", n=2, m=4),
        "quantization": Quantization.model_validate({"weights": {"format": "int4", "scale_bits": 0}}),
    }
    for op in experts(ops(batch, queries, **both)):
        rows, columns = SHAPES[op.kind]
        assert op.weight_bytes == hit(batch * queries, op.layer) * (rows * columns // 2 * 6 // 8)


@given(**tokens_of_a_step)
@settings(max_examples=20)
def test_a_token_is_quantised_once_for_its_experts_and_their_results_once_each(batch: int, queries: int) -> None:
    found = ops(batch, queries, quantization=Quantization.model_validate({"activations": "int8"}))
    tokens = batch * queries
    for op in experts(found):
        narrow = tokens * (WIDTH + 2) if op.kind != "expert_down" else tokens * CHOSEN * (INNER + 2)
        plain = next(o for o in experts(ops(batch, queries)) if o.name == op.name)
        wide = 2 * (tokens * WIDTH if op.kind != "expert_down" else tokens * CHOSEN * INNER)
        assert plain.input_bytes - op.input_bytes == wide - narrow
    elements = [op.elements for op in found if op.kind == "quantize" and op.layer == 0]  # type: ignore[attr-defined]
    # Of projections; of their output; of router, experts and shared expert; of experts' results; of the shared one's.
    assert sorted(elements) == sorted(
        tokens * n for n in (WIDTH, WIDTH, WIDTH, CHOSEN * INNER, EXPERTS.shared_width)
    )  # fmt: skip


@given(depth=st.integers(1, 4), acceptance=st.floats(0, 1), batch=st.integers(1, 4))
@settings(max_examples=20)
def test_verified_tokens_hit_as_many_experts_as_so_many_sequences(depth: int, acceptance: float, batch: int) -> None:
    block = Speculative(drafter="medusa", depth=depth, acceptance=acceptance)
    job = Workload(
        name="w", model=MODEL, batch=batch, prompt_tokens=CONTEXT, output_tokens=9, optimizations={"speculative": block}
    )
    (verify,) = StepGraphs(job).passes(CONTEXT)
    tokens = batch * (1 + depth)
    for op in experts([attributes["op"] for attributes in verify.graph.nodes.values()]):
        rows, columns = SHAPES[op.kind]
        assert op.weight_bytes == hit(tokens, op.layer) * 2 * rows * columns
        assert op.flops == 2 * rows * columns * tokens * CHOSEN


@given(share=st.floats(0.01, 1.0), **tokens_of_a_step)
@settings(max_examples=20)
def test_what_is_offloaded_is_a_share_of_the_experts_that_are_hit(share: float, batch: int, queries: int) -> None:
    found = ops(batch, queries, offload=Offload(engine="copy", weights=share, prefetch=1))
    for layer in range(LAYERS):
        read = sum(op.weight_bytes for op in found if op.layer == layer and hasattr(op, "out_features"))
        (fetched,) = (op.weight_bytes for op in found if isinstance(op, TransferOp) and op.layer == layer)
        assert fetched == ceil(share * read)


def test_experts_are_not_made_sparse_by_activation() -> None:
    """Their neurons are chosen by the router already; the blocks say that there is nothing dense."""
    alone = replace(MODEL, architecture=Transformer(feed_forward=replace(EXPERTS, shared_width=0)))
    block = ActivationSparsity(active=0.2, chosen_by="predictor", predictor_rank=16)
    job = Workload(
        name="w", model=alone, batch=1, prompt_tokens=8, output_tokens=2, optimizations={"activation_sparsity": block}
    )
    with pytest.raises(WorkloadError, match="experts has no dense feed-forward part"):
        StepGraphs(job).decode_graph(8)


@given(active=st.floats(0.05, 0.9), batch=st.integers(1, 6))
@settings(max_examples=20)
def test_the_shared_expert_of_all_tokens_is_thinned_and_the_chosen_ones_are_not(active: float, batch: int) -> None:
    block = ActivationSparsity(active=active, chosen_by="predictor", predictor_rank=16)
    plain, thin = ops(batch), ops(batch, activation_sparsity=block)
    assert [op.shape_key for op in experts(thin)] == [op.shape_key for op in experts(plain)]
    neurons = ceil(EXPERTS.shared_width * (1 - (1 - active) ** batch))
    down = next(op for op in thin if op.name == "L00.shared_down")
    assert down.weight_bytes == 2 * WIDTH * neurons
    assert down.flops == 2 * WIDTH * neurons * batch
