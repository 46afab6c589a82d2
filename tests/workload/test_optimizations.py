"""The blocks of ``optimizations``: how they are registered, checked, echoed, and kept in a sweep."""

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.config.registry import optimization_blocks
from simulator.errors import ConfigError, WorkloadError
from simulator.explore.points import Catalog, workload_json
from simulator.workload.ops import MatrixOp
from simulator.workload.optimizations import Optimization, StepView, optimization
from simulator.workload.optimizations.base import Graph
from simulator.workload.scenario import Workload, load_workload
from simulator.workload.step_graphs import StepGraphs

SCENARIO = "llama2_7b_512_64"


def block(text: str) -> Workload:
    return load_workload(SCENARIO, [f"optimizations={text}"])


@pytest.fixture
def halved() -> Iterator[None]:
    """A block of an outsider: every product has half of its weight bytes."""

    @optimization("halved")
    class Halved(Optimization):
        order = 99
        share: float

        def rewrite(self, graph: Graph, view: StepView) -> Graph:
            del view
            for attributes in graph.nodes.values():
                op = attributes["op"]
                if isinstance(op, MatrixOp):
                    changes: dict[str, Any] = {"weight_bytes": int(op.weight_bytes * self.share)}
                    attributes["op"] = type(op)(**{f: getattr(op, f) for f in op.__dataclass_fields__} | changes)
            return graph

    yield
    del optimization_blocks._entries["halved"]


@pytest.mark.usefixtures("halved")
def test_a_block_of_an_outsider_is_validated_and_applied_like_our_own() -> None:
    with pytest.raises(ConfigError, match=r"optimizations\.halved\.share: 'half' is not a number"):
        block("{halved: {share: half}}")
    changed, plain = (StepGraphs(w).decode_graph(600) for w in (block("{halved: {share: 0.5}}"), block("{}")))
    for name, attributes in plain.nodes.items():
        op = attributes["op"]
        factor = 2 if isinstance(op, MatrixOp) else 1
        assert changed.nodes[name]["op"].weight_bytes * factor == op.weight_bytes


def test_an_unknown_block_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"there is no optimization 'quantisation' .*nearest: 'quantization'"):
        block("{quantisation: {}}")


def test_a_fault_inside_a_block_has_its_path_and_the_nearest_key() -> None:
    with pytest.raises(ConfigError, match=r"quantization\.weights\.group_siz: unknown key .*nearest: 'group_size'"):
        block("{quantization: {weights: {format: int4, group_siz: 128}}}")


def test_a_contradiction_with_the_model_is_located() -> None:
    with pytest.raises(WorkloadError, match=r"optimizations\.quantization\.layers\.0: 30 to 32 are not blocks"):
        block("{quantization: {layers: [{format: int8, first: 30, last: 32}]}}")


def test_single_keys_of_a_block_can_be_set() -> None:
    one = load_workload(SCENARIO, ["optimizations.quantization.weights.format=int4"])
    assert one.optimizations == block("{quantization: {weights: {format: int4}}}").optimizations


def test_blocks_are_part_of_the_values_and_their_hash() -> None:
    quantised = block("{quantization: {weights: {format: int4}}}")
    assert quantised.values()["optimizations"]["quantization"]["weights"]["format"] == "int4"
    assert len({quantised.content_hash, block("{}").content_hash}) == 2


def test_a_sweep_keeps_blocks_as_json() -> None:
    quantised = block("{quantization: {weights: {format: int4}, layers: [{format: int8, first: 0, last: 3}]}}")
    catalog = Catalog(workloads={"w": workload_json(quantised)})

    class Point:
        workload = "w"

    assert catalog.load_workload(Point()) == quantised  # type: ignore[arg-type]
