"""Sub-batches: one step as independent parts."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.workload.graph import DecodeGraphs
from simulator.workload.ops import AttentionOp, MatrixOp
from simulator.workload.scenario import load_workload
from simulator.workload.sub_batches import SubBatchGraphs

WORKLOAD = load_workload("llama2_7b_512_64")
MODEL = replace(WORKLOAD.model, n_layers=3)


def graph(batch: int, parts: int) -> nx.DiGraph[str]:
    return SubBatchGraphs(MODEL, batch=batch, precision=WORKLOAD.precision, parts=parts).at(40)


@given(st.integers(1, 9), st.integers(1, 4))
def test_parts_have_all_sequences_and_each_all_weights(batch: int, parts: int) -> None:
    whole = graph(batch, parts)
    plain = DecodeGraphs(MODEL, batch=batch, precision=WORKLOAD.precision).at(40)
    found = [whole.nodes[name]["op"] for name in whole.nodes]
    once = [plain.nodes[name]["op"] for name in plain.nodes]
    assert all(name == whole.nodes[name]["op"].name for name in whole.nodes)
    assert sum(op.flops for op in found) == sum(op.flops for op in once)
    assert sum(op.kv_read_bytes for op in found) == sum(op.kv_read_bytes for op in once)
    weights = sum(op.weight_bytes for op in found if isinstance(op, MatrixOp))
    assert weights == min(parts, batch) * sum(op.weight_bytes for op in once if isinstance(op, MatrixOp))


@pytest.mark.parametrize("batch", [1, 6])
def test_one_part_is_the_plain_graph(batch: int) -> None:
    plain = DecodeGraphs(MODEL, batch=batch, precision=WORKLOAD.precision).at(40)
    assert nx.utils.graphs_equal(graph(batch, 1), plain)
    assert list(graph(batch, 1)) == list(plain)


def test_parts_do_not_wait_for_each_other_and_their_blocks_come_in_turn() -> None:
    whole = graph(5, 2)
    assert nx.number_weakly_connected_components(whole) == 2
    sizes = {op.batch for _, op in whole.nodes(data="op") if isinstance(op, AttentionOp)}
    assert sizes == {3, 2}
    layers = [
        (name.startswith("S1."), whole.nodes[name]["op"].layer)
        for name in whole
        if whole.nodes[name]["op"].layer in (0, 1)
    ]
    assert list(dict.fromkeys(layers)) == [(False, 0), (True, 0), (False, 1), (True, 1)]
