"""Vector unit, link, host and buffer against their closed forms; memory pricing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import components, platform, product, run_alone, wired

from simulator.errors import ConfigError, MappingError
from simulator.hooks import Hooks
from simulator.metrics.commands import CommandCounts
from simulator.metrics.result import ENERGY_CLASSES
from simulator.metrics.stage import Stage
from simulator.system.builder import build_system
from simulator.units.link import Link
from simulator.units.memory import Memory
from simulator.units.vector import Vector
from simulator.workload.ops import Op, VectorOp


def vector_op(kind: str, elements: int, rows: int = 1) -> VectorOp:
    return VectorOp(name=kind, kind=kind, flops=elements, elements=elements, rows=rows)


@given(elements=st.integers(1, 10**6), rows=st.integers(1, 64))
def test_vector_time_is_start_plus_steps_plus_rows(elements: int, rows: int) -> None:
    unit = wired("aim_1card").components["vector"]
    assert isinstance(unit, Vector)
    steps = -(-elements // 16)
    assert unit.cycles(vector_op("rmsnorm", elements, rows)) == 2 + 3 * steps + 26 * rows


def test_the_published_512_element_addition_takes_66_cycles() -> None:
    assert run_alone(wired("aim_1card"), vector_op("residual_add", 512)) == 66 * 500


def test_near_bank_activation_leaves_the_vector_unit_only_the_product() -> None:
    op = vector_op("ffn_act_mul", 1600)
    alone = run_alone(wired("aim_1card"), op)
    relieved = run_alone(wired("aim_1card", {"near_bank": {"activation": "near_bank"}}), op)
    assert (alone, relieved) == ((2 + 5 * 100) * 500, (2 + 2 * 100) * 500)


def test_an_op_without_elements_is_refused() -> None:
    unit = wired("aim_1card").components["vector"]
    assert isinstance(unit, Vector)
    with pytest.raises(MappingError, match="vector cannot run a MatrixOp"):
        unit.cycles(product(2, 2))


@given(sizes=st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_a_link_sends_one_tensor_after_the_other_and_pays_latency_once_each(sizes: list[int]) -> None:
    link = wired("aim_1card").components["pcie"]
    assert isinstance(link, Link)
    wire = 0
    for n_bytes in sizes:
        wire += -(-n_bytes * 1000 // 63)
        assert link.carry(0, n_bytes, "vector", "x") == wire + 80_000
    assert link.carry(0, 63, "host", "x") == 1000 + 80_000, "the other direction is free"


def test_sampling_takes_the_hosts_time_once_for_a_batch() -> None:
    assert run_alone(wired("aim_1card"), Op(name="sampling", kind="sampling")) == 150_000_000


@pytest.mark.parametrize("name", ["aim_1card", "hbm2_pim_bank", "hbm3_npu"])
def test_every_command_has_a_price_in_the_known_classes(name: str) -> None:
    for component in wired(name).components.values():
        table = component.energy_table()
        assert {c for prices in table.values() for c in prices} <= set(ENERGY_CLASSES)
        assert set(component.static_power_w()) <= set(ENERGY_CLASSES)
    memory = wired(name).components["memory"]
    assert set(memory.spec.dram.commands) <= set(memory.energy_table())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"near_bank": {"memory": "memroy"}}, "components.near_bank.memory: there is no component 'memroy'"),
        ({"near_bank": {"memory": "host"}}, "components.near_bank.memory: 'host' is a host, not a dram"),
        ({"pcie": {"between": ["vector", "hots"]}}, "components.pcie.between.1: there is no component 'hots'"),
        ({"memory": {"interleave_bytes": 48}}, "components.memory.interleave_bytes: 48 is no multiple of the burst"),
    ],
)
def test_components_that_name_each_other_wrongly_are_config_errors(
    changes: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        wired("aim_1card", changes)


def test_near_bank_activation_needs_its_commands() -> None:
    with pytest.raises(MappingError, match="no near-bank activation function"):
        wired("hbm2_pim_bank", {"near_bank": {"activation": "near_bank"}})


def test_results_cannot_move_where_no_link_leads() -> None:
    parts = components("aim_1card")
    del parts["pcie"]
    system = build_system(platform(parts, "near_bank_first"), hooks=Hooks())
    with pytest.raises(MappingError, match="no link joins 'vector' and 'host'"):
        system.routes.between("vector", "host")


@pytest.mark.parametrize(("name", "ranks"), [("aim_1card", 1), ("hbm2_pim_bank", 1), ("hbm3_npu", 2)])
def test_an_idle_memory_is_refreshed_too(name: str, ranks: int) -> None:
    counts = CommandCounts(Stage())
    system = wired(name, instruments=[counts])
    memory = system.components["memory"]
    assert isinstance(memory, Memory)
    for _ in range(3):
        run_alone(system, product(640, 512))
        system.env.run(until=system.env.now_ps + 10**8)
    run_alone(system, product(640, 512))
    due = system.env.now_ps / memory.engine.to_ps(memory.engine.interval) * memory.spec.channels * ranks
    assert counts.by_name()["REFab"] == pytest.approx(due, abs=2 * memory.spec.channels * ranks)
