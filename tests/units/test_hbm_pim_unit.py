"""The HBM-PIM unit on its card: published gains, what goes elsewhere, what is refused."""

from itertools import pairwise

import pytest
from parts import product, run_alone, wired

from simulator.config.loader import load_document
from simulator.errors import MappingError
from simulator.system.builder import System
from simulator.units.dram_stream import StreamShape
from simulator.units.hbm_pim import HbmPim
from simulator.units.memory import Memory
from simulator.workload.ops import MatrixOp, VectorOp


def card(channels: int = 64, **pim: object) -> System:
    return wired("hbm_pim_card", {"memory": {"channels": channels}, "pim": pim})


def memory_of(system: System) -> Memory:
    memory = system.components["memory"]
    assert isinstance(memory, Memory)
    return memory


def through_the_pins_ps(system: System, n_bytes: int, *, write: bool = False) -> int:
    memory = memory_of(system)
    shape = StreamShape(n_bytes, memory.spec.channels, memory.spec.interleave_bytes, write)
    return memory.engine.to_ps(memory.streams.run(shape, 0, exact=True).work.end_ticks)


def sum_of(elements: int) -> VectorOp:
    return VectorOp(name="sum", kind="add", flops=elements, elements=elements, rows=1)


def test_units_read_four_times_what_the_pins_carry() -> None:
    for system in (card(), card(16)):
        (_, pins), (_, units) = memory_of(system).ceilings()
        assert units == pytest.approx(4 * pins)
    assert pins == pytest.approx(16 * 16e9)


def test_peak_figures_are_those_published() -> None:
    (_, stack) = memory_of(wired("hbm_pim_card_2.4g", {"memory": {"channels": 16}})).ceilings()[1]
    assert stack == pytest.approx(1.2288e12, rel=1e-3), "1.2 TFLOP/s a stack (ISSCC 2021): two FLOPs for two bytes"
    (_, package) = memory_of(wired("lpddr5_pim_phone", {"memory": {"channels": 2}})).ceilings()[1]
    assert package == pytest.approx(102.4e9), "102.4 GB/s in a 32-bit package (Hot Chips 35)"


@pytest.mark.parametrize(("channels", "outputs", "inputs"), [(64, 4096, 4096), (16, 4096, 4096), (16, 1024, 8192)])
def test_a_product_gains_what_was_measured_over_its_weights_through_the_pins(
    channels: int, outputs: int, inputs: int
) -> None:
    system = card(channels)
    gain = through_the_pins_ps(system, 2 * outputs * inputs) / run_alone(system, product(outputs, inputs))
    assert 2.5 <= gain <= 2.9, "2.8x measured on an FPGA host (Kim et al., IEEE Micro 2022)"


def test_a_sum_gains_what_was_measured_over_its_operands_through_the_pins() -> None:
    system = card()
    elements = 1 << 22
    pins_ps = through_the_pins_ps(system, 4 * elements) + through_the_pins_ps(system, 2 * elements, write=True)
    assert 2.5 <= pins_ps / run_alone(system, sum_of(elements)) <= 2.9


def test_a_host_that_waits_for_each_group_loses_a_part_of_the_gain() -> None:
    in_order, waits = (run_alone(card(16, ordering=o), product(1024, 4096)) for o in ("in_order", "fence"))
    assert 1.2 < waits / in_order < 1.5


def test_few_outputs_pay_only_where_they_spread_over_all_units() -> None:
    arrays, registers, whole = (
        run_alone(card(padding=padding), product(outputs, 4096))
        for padding, outputs in (("array", 1024), ("register", 1024), ("array", 4096))
    )
    assert arrays == pytest.approx(whole, rel=0.001)
    assert 0.25 < registers / arrays < 0.45


def test_a_vector_more_is_a_product_more() -> None:
    times = [run_alone(card(16), product(1024, 1024, vectors)) for vectors in (1, 2, 3, 4)]
    steps = [after - before for before, after in pairwise(times)]
    assert max(steps) - min(steps) < 0.1 * min(steps)
    assert times[0] < 1.2 * min(steps)


def test_more_vectors_than_pay_go_to_the_matrix_unit() -> None:
    system = card()
    chosen = [system.placement.component_for(product(64, 64, vectors)) for vectors in (1, 4, 5)]
    assert chosen == ["pim", "pim", "matrix"]


def test_what_the_pins_are_faster_at_can_go_through_them() -> None:
    system = card(offload="when_faster")
    shapes = (product(4096, 4096), product(4096, 4096, 2), product(4096, 4096, 3), product(1024, 4096))
    assert [system.placement.component_for(op) for op in shapes] == ["pim", "pim", "matrix", "matrix"]
    always = card()
    assert run_alone(system, product(1024, 4096)) < run_alone(always, product(1024, 4096))


def test_the_host_adds_the_lanes_of_each_output() -> None:
    system = card()
    pim = system.components["pim"]
    assert isinstance(pim, HbmPim)
    slow = wired("hbm_pim_card", {"pim": {"reduction_lanes": 15, "reduction_clock_mhz": 1000.0}})
    more_ps = run_alone(slow, product(256, 256)) - run_alone(system, product(256, 256))
    assert more_ps == 256 * 1000 - 556


def test_eight_bit_weights_are_refused() -> None:
    op = MatrixOp(name="p", kind="ffn_up", weight_bytes=4096, out_features=64, in_features=64, tokens=1, weight="w")
    with pytest.raises(MappingError, match="p on pim: 8-bit data; its lanes take 16 bits"):
        run_alone(card(), op)


def test_a_memory_without_pim_units_is_refused() -> None:
    generic = load_document("dram/hbm2_pim").data
    with pytest.raises(MappingError, match="hbm2_pim has no PIM units between pairs of banks"):
        wired("hbm_pim_card", {"memory": {"dram": generic}})
