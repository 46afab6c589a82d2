"""The step graph is well formed, its edges fit its nodes, and rebinding the context changes what it should."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import pytest

from simulator.errors import WorkloadError
from simulator.workload.graph import SINK, SOURCE, DecodeGraphs, decode_graph, prefill_graph
from simulator.workload.model import Model
from simulator.workload.ops import AttentionOp, KvAppendOp, MatrixOp, Op, VectorOp
from simulator.workload.precision import Precision
from simulator.workload.tensors import weight_tensors

MODEL = Model(
    name="tiny", n_layers=3, d_model=24, n_heads=6, n_kv_heads=2, head_dim=4, d_ff=40, vocab_size=50, max_position=64
)
MIXED = Precision("int4", "fp8", "int8")
BLOCK = (
    "attn_norm", "qkv_proj", "rope", "kv_append", "attn_score", "softmax", "attn_context", "out_proj", "attn_residual",
    "ffn_norm", "ffn_gate", "ffn_up", "ffn_act_mul", "ffn_down", "ffn_residual",
)  # fmt: skip
GRAPHS = {
    "decode": decode_graph(MODEL, batch=3, context=17, precision=MIXED),
    "decode from nothing": decode_graph(MODEL, batch=1, context=0, precision=Precision()),
    "prefill": prefill_graph(MODEL, batch=2, prompt_tokens=9, precision=MIXED),
    "prefill of one": prefill_graph(MODEL, batch=1, prompt_tokens=1, precision=Precision()),
}
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())


def op_of(graph: nx.DiGraph[str], name: str) -> Op:
    op: Op = graph.nodes[name]["op"]
    return op


def ops_of(graph: nx.DiGraph[str]) -> Iterable[tuple[str, Op]]:
    return [(name, data["op"]) for name, data in graph.nodes(data=True)]


@each_graph
def test_one_source_one_sink_no_cycle(graph: nx.DiGraph[str]) -> None:
    assert nx.is_directed_acyclic_graph(graph)
    assert [node for node, degree in graph.in_degree() if degree == 0] == [SOURCE]
    assert [node for node, degree in graph.out_degree() if degree == 0] == [SINK]


@each_graph
def test_nodes_are_in_execution_order(graph: nx.DiGraph[str]) -> None:
    order = {name: index for index, name in enumerate(graph)}
    assert all(order[producer] < order[consumer] for producer, consumer in graph.edges)
    expected = ["embedding", *(f"L{i:02d}.{op}" for i in range(3) for op in BLOCK), "final_norm", "lm_head", "sampling"]
    assert list(graph) == expected


@each_graph
def test_node_name_and_layer_agree_with_its_op(graph: nx.DiGraph[str]) -> None:
    for name, op in ops_of(graph):
        assert op.name == name
        assert op.layer == (int(name[1:3]) if name.startswith("L0") else None)


@each_graph
def test_bytes_into_a_node_are_its_input_bytes(graph: nx.DiGraph[str]) -> None:
    for name, op in ops_of(graph):
        if name != SOURCE:
            assert sum(graph.edges[edge]["bytes"] for edge in graph.in_edges(name)) == op.input_bytes, name


@each_graph
def test_distinct_tensors_out_of_a_node_are_its_output_bytes(graph: nx.DiGraph[str]) -> None:
    for name, op in ops_of(graph):
        tensors = {graph.edges[edge]["tensor"]: graph.edges[edge]["bytes"] for edge in graph.out_edges(name)}
        if name == "L02.ffn_residual":
            assert tensors == {"L02.ffn_residual.out.last": op_of(graph, "final_norm").input_bytes}
        elif name != SINK:
            assert sum(tensors.values()) == op.output_bytes, name


@each_graph
def test_one_tensor_has_one_size_wherever_it_goes(graph: nx.DiGraph[str]) -> None:
    sizes: dict[str, int] = {}
    for producer, _, data in graph.edges(data=True):
        assert data["tensor"].startswith(producer + ".")
        assert sizes.setdefault(data["tensor"], data["bytes"]) == data["bytes"]


@each_graph
def test_attention_waits_for_the_new_keys_and_values(graph: nx.DiGraph[str]) -> None:
    for layer in range(3):
        for reader in ("attn_score", "attn_context"):
            assert graph.edges[f"L{layer:02d}.kv_append", f"L{layer:02d}.{reader}"]["bytes"] == 0


@each_graph
def test_every_weight_tensor_is_used_once_and_matches_its_op(graph: nx.DiGraph[str]) -> None:
    used = [weight for _, op in ops_of(graph) if (weight := getattr(op, "weight", None))]
    tensors = {tensor.name: tensor for tensor in weight_tensors(MODEL)}
    assert sorted(used) == sorted(tensors)
    for _, op in ops_of(graph):
        if isinstance(op, MatrixOp):
            assert (op.out_features, op.in_features) == (
                tensors[op.weight].out_features,
                tensors[op.weight].in_features,
            )


def test_new_token_attends_to_itself_and_is_written_after_the_cached_ones() -> None:
    graph = decode_graph(MODEL, batch=3, context=17, precision=Precision())
    score, append = op_of(graph, "L01.attn_score"), op_of(graph, "L01.kv_append")
    assert isinstance(score, AttentionOp)
    assert isinstance(append, KvAppendOp)
    assert (score.context, score.queries, score.pairs) == (18, 1, 18)
    assert (append.position, append.new_tokens) == (17, 1)
    assert score.kv_read_bytes == 3 * 18 * 2 * 4 * 2


@pytest.mark.parametrize(("graph", "tokens", "batch"), [(GRAPHS["decode"], 3, 3), (GRAPHS["prefill"], 18, 2)])
def test_rows_are_what_a_reduction_spans(graph: nx.DiGraph[str], tokens: int, batch: int) -> None:
    rows = {op.name: op.rows for _, op in ops_of(graph) if isinstance(op, VectorOp)}
    assert (rows["L00.attn_norm"], rows["L00.softmax"], rows["final_norm"]) == (tokens, tokens * 6, batch)
    assert (rows["L00.attn_residual"], rows["L00.ffn_act_mul"], rows["sampling"]) == (tokens, tokens, batch)


def test_token_ids_come_in_for_every_token_and_go_out_for_every_sequence() -> None:
    assert op_of(GRAPHS["prefill"], SOURCE).input_bytes == 2 * 9 * 4
    assert op_of(GRAPHS["prefill"], SINK).output_bytes == 2 * 4


def test_grouped_queries_share_the_cache_but_not_the_flops() -> None:
    score = op_of(decode_graph(MODEL, batch=1, context=9, precision=Precision()), "L00.attn_score")
    assert score.kv_read_bytes == 10 * 2 * 4 * 2
    assert score.flops == 2 * 10 * 6 * 4


def test_prefill_takes_only_the_last_position_to_the_vocabulary() -> None:
    graph = prefill_graph(MODEL, batch=2, prompt_tokens=9, precision=Precision())
    head = op_of(graph, "lm_head")
    assert isinstance(head, MatrixOp)
    assert head.tokens == 2
    assert graph.edges["L02.ffn_residual", "final_norm"]["bytes"] == 2 * 24 * 2


def test_tied_lm_head_reads_the_embedding_table() -> None:
    tied = Model("tied", 1, 8, 2, 2, 4, 8, 16, 64, tie_embeddings=True)
    graph = decode_graph(tied, batch=1, context=0, precision=Precision())
    assert op_of(graph, "lm_head").weight == op_of(graph, "embedding").weight  # type: ignore[attr-defined]


@pytest.mark.parametrize("context", [0, 1, 30])
def test_rebound_graph_equals_a_fresh_one(context: int) -> None:
    fresh = decode_graph(MODEL, batch=2, context=context, precision=MIXED)
    rebound = DecodeGraphs(MODEL, batch=2, precision=MIXED).at(context)
    assert list(rebound.nodes(data=True)) == list(fresh.nodes(data=True))
    assert list(rebound.edges(data=True)) == list(fresh.edges(data=True))


def test_steps_share_the_ops_that_do_not_depend_on_the_context() -> None:
    graphs = DecodeGraphs(MODEL, batch=2, precision=MIXED)
    first, second = graphs.at(3), graphs.at(4)
    changed = {op.kind for name, op in ops_of(first) if op is not op_of(second, name)}
    assert changed == {"kv_append", "attn_score", "softmax", "attn_context"}
    assert op_of(first, "L00.attn_score").kv_read_bytes < op_of(second, "L00.attn_score").kv_read_bytes


def test_layers_do_equal_work_under_equal_keys() -> None:
    graph = GRAPHS["decode"]
    for suffix in BLOCK:
        first, last = op_of(graph, f"L00.{suffix}"), op_of(graph, f"L02.{suffix}")
        assert first != last
        assert first.shape_key == last.shape_key
        assert hash(first.shape_key) == hash(last.shape_key)


def test_key_tells_kinds_contexts_and_precisions_apart() -> None:
    graph, longer = GRAPHS["decode"], decode_graph(MODEL, batch=3, context=18, precision=MIXED)
    wider = decode_graph(MODEL, batch=3, context=17, precision=Precision())
    assert op_of(graph, "L00.ffn_gate").shape_key != op_of(graph, "L00.ffn_up").shape_key
    for name in ("L00.attn_score", "L00.softmax", "L00.kv_append"):
        assert op_of(graph, name).shape_key != op_of(longer, name).shape_key
    for name in ("L00.attn_score", "L00.ffn_up", "L00.attn_norm"):
        assert op_of(graph, name).shape_key != op_of(wider, name).shape_key


@pytest.mark.parametrize(("batch", "context", "key"), [(0, 4, "batch"), (-1, 4, "batch"), (1, -1, "position")])
def test_step_without_work_is_refused(batch: int, context: int, key: str) -> None:
    with pytest.raises(WorkloadError, match=key):
        decode_graph(MODEL, batch=batch, context=context, precision=Precision())


def test_empty_prompt_is_refused() -> None:
    with pytest.raises(WorkloadError, match="queries"):
        prefill_graph(MODEL, batch=1, prompt_tokens=0, precision=Precision())
