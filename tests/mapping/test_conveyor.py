"""A block on a row of devices: the same ops, and a send wherever a device's weights end."""

import itertools

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.mapping.parallel.policies import Place, parallel_policies
from simulator.workload.collective import CollectiveOp
from simulator.workload.graph import DecodeGraphs
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision


def block(layers: int = 1) -> "nx.DiGraph[str]":
    graph = DecodeGraphs(load_model("llama2_7b"), batch=2, precision=Precision()).at(100)
    return nx.DiGraph(graph.subgraph([n for n in graph if n.startswith("L00")]))


@pytest.mark.parametrize("devices", [1, 2, 3, 7, 20])
def test_each_sequence_crosses_from_each_device_to_the_next_once(devices: int) -> None:
    graph = block()
    part = parallel_policies.get("conveyor").share(graph, devices)
    ops = {name: attributes["op"] for name, attributes in part.leader.nodes.items()}
    sends = [op for op in ops.values() if isinstance(op, CollectiveOp)]
    assert len(sends) == devices - 1
    assert {name for name, op in ops.items() if not isinstance(op, CollectiveOp)} == set(graph)
    assert nx.is_directed_acyclic_graph(part.leader)
    assert part.others == ()


@given(devices=st.integers(1, 40), blocks=st.integers(1, 9))
def test_the_blocks_of_a_stage_cross_all_its_devices_once_together(devices: int, blocks: int) -> None:
    graph = block()
    conveyor = parallel_policies.get("conveyor")
    sends = [
        sum(
            isinstance(attributes["op"], CollectiveOp)
            for attributes in conveyor.share(graph, devices, Place(number, blocks)).leader.nodes.values()
        )
        for number in range(blocks)
    ]
    assert sum(sends) == devices - 1
    # Where a device ends between two blocks, the first of them sends.
    ends = [devices * number // blocks for number in range(1, blocks)] + [devices - 1]
    assert list(itertools.accumulate(sends)) == ends


def test_a_reader_waits_for_what_has_been_passed_on() -> None:
    graph = block()
    leader = parallel_policies.get("conveyor").share(graph, 7).leader
    for maker, reader in graph.edges:
        assert nx.has_path(leader, maker, reader)
    assert all(leader.edges[edge]["bytes"] >= 0 for edge in leader.edges)
