"""The executor: order, transfers, determinism, and what is said when work stops."""

from collections import Counter
from itertools import pairwise

import networkx as nx
import pytest
from tiny import EVERY_FAMILY, MODEL, Log, system

from simulator.errors import ConservationError, MappingError, SimulationStalled
from simulator.system.conservation import Conservation
from simulator.system.executor import Execution, critical_path_ps, place
from simulator.system.run import Runner
from simulator.units import hops
from simulator.units.base import Process
from simulator.units.matrix import Matrix
from simulator.units.memory import Memory
from simulator.units.vector import Vector
from simulator.workload.graph import decode_graph
from simulator.workload.ops import Op, VectorOp
from simulator.workload.optimizations import Pass
from simulator.workload.precision import Precision


def step() -> nx.DiGraph:  # type: ignore[type-arg]
    return decode_graph(MODEL, batch=1, context=30, precision=Precision())


def chain(*kinds: str, n_bytes: int = 0) -> nx.DiGraph:  # type: ignore[type-arg]
    graph: nx.DiGraph[str] = nx.DiGraph()
    for kind in kinds:
        graph.add_node(kind, op=VectorOp(name=kind, kind=kind, flops=1, elements=16, rows=1))
    for before, after in pairwise(kinds):
        graph.add_edge(before, after, tensor=f"{before}.out", bytes=n_bytes)
    return graph


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_an_op_starts_after_its_inputs_and_a_unit_runs_one_at_a_time(name: str) -> None:
    log = Log()
    running = system(name, log)
    ops = place(running, step())
    Execution(running, ops).run()
    for placed in ops.values():
        assert all(ops[i].end_ps <= placed.start_ps for i in placed.inputs)
    busy: Counter[str] = Counter()
    for what, _, _, _, unit in (line for line in log.lines if line[0] in ("start", "finish")):
        busy[unit] += 1 if what == "start" else -1
        assert busy[unit] in (0, 1)
    assert critical_path_ps(ops) <= running.env.now_ps


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_two_runs_report_the_same_in_the_same_order(name: str) -> None:
    logs = (Log(), Log())
    for log in logs:
        conservation = Conservation()
        Runner(system(name, log, conservation), conservation).step(step())
    assert logs[0].lines == logs[1].lines


def test_a_tensor_crosses_a_link_once_for_all_its_readers() -> None:
    log = Log()
    running = system("aim_1card", log)
    graph = step()
    Execution(running, place(running, graph)).run()
    crossed = sum(line[4] for line in log.lines if line[0] == "transfer" and line[3] == hops.LINK)
    units = {name: running.placement.component_for(op) for name, op in graph.nodes(data="op")}
    tensors = {}
    for producer, consumer, edge in graph.edges(data=True):
        way = running.routes.between(units[producer], units[consumer]) if edge["bytes"] else ()
        tensors[edge["tensor"], units[consumer]] = edge["bytes"] * len(way)
    assert crossed == sum(tensors.values())


def test_an_op_that_never_finishes_is_named_with_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(self: Vector, op: Op) -> Process:
        yield self.around.env.event()

    monkeypatch.setattr(Vector, "execute", hang)
    running = system("aim_1card")
    with pytest.raises(SimulationStalled, match="rmsnorm started on vector and never finished"):
        Execution(running, place(running, chain("rmsnorm", "softmax"))).run()


def test_an_op_whose_input_never_comes_says_what_it_waits_for() -> None:
    graph = chain("rmsnorm", "softmax")
    graph.add_edge("softmax", "rmsnorm", tensor="back", bytes=0)
    running = system("aim_1card")
    with pytest.raises(SimulationStalled, match="rmsnorm cannot start on vector: it waits for softmax"):
        Execution(running, place(running, graph)).run()


def test_an_op_no_unit_runs_is_refused_before_anything_starts() -> None:
    log = Log()
    with pytest.raises(MappingError, match="unheard_of: placement"):
        place(system("hbm3_npu", log), chain("rmsnorm", "unheard_of", "kv_append"))
    assert log.lines == []


def test_bytes_that_the_ops_did_not_ask_for_fail_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "burst_bytes", lambda self, n_bytes: n_bytes + 1)
    conservation = Conservation()
    running = system("aim_1card", conservation)
    with pytest.raises(ConservationError, match="bytes crossed cell_array->bank_io, the ops needed"):
        Runner(running, conservation).step(step())


def test_a_step_faster_than_its_wires_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ((hops.PINS_TO_CONTROLLER, hops.CONTROLLER_TO_PINS), 1.0)
    monkeypatch.setattr(Memory, "ceilings", lambda self: (slow,))
    conservation = Conservation()
    running = system("hbm3_npu", conservation)
    with pytest.raises(ConservationError, match=r"memory: .* took .* ps, but alone need"):
        Runner(running, conservation).step(step())


def test_a_step_above_the_peak_rate_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Matrix, "flops_per_s", 1.0)
    conservation = Conservation()
    running = system("hbm3_npu", conservation)
    with pytest.raises(ConservationError, match="above its peak rate"):
        Runner(running, conservation).step(step())


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_data_takes_only_the_documented_hops(name: str) -> None:
    log = Log()
    running = system(name, log)
    Execution(running, place(running, step())).run()
    taken = {line[3] for line in log.lines if line[0] == "transfer"}
    assert hops.CELLS_TO_IO in taken
    assert taken <= set(hops.HOPS)


def test_a_chosen_token_goes_back_over_the_links_before_the_next_step() -> None:
    log = Log()
    conservation = Conservation()
    running = system("aim_1card", log, conservation)
    runner = Runner(running, conservation)
    runner.step(step())
    ended_ps = running.env.now_ps
    log.lines.clear()
    runner.step(step(), after=Pass(step()))
    first, started = log.lines[1], next(line for line in log.lines if line[0] == "start")
    assert first[0] == "transfer"
    assert (first[3], first[4], first[5]) == (hops.LINK, 4, "pcie")
    assert started[1] == first[2] >= ended_ps + 80_000
