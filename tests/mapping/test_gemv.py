"""Near-bank products: the published closed form and golden cycles, and byte conservation for any shape."""

from typing import Literal

import pytest
from arrays import array, device
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dram.device import DeviceRun
from simulator.mapping.bank_array import BankArray
from simulator.mapping.chain import Chain
from simulator.mapping.gemv import Gemv, GemvPlan, LoopOrder, gemv_chain, loop_orders, padded, weight_gemv

END_CYCLES = 2
"""What EOC adds to a trace of the published simulator (its trace of nothing but EOC takes 2 cycles)."""

ROW = 103
"""Row opening and closing 98, WR_BIAS 2, RD_MAC 3; reference/aim/AIM_SEMANTICS.md section 5."""
MODE = 55
"""Net cost of the two mode changes of a reuse group; same place."""


def run_once(standard: str, chain: Chain) -> list[tuple[DeviceRun, int]]:
    return [(device(standard).run_program(program), repeats) for program, repeats in chain.parts]


def closed_form(plan: GemvPlan) -> int:
    cycles = 0
    for tile in range(plan.tiles):
        bursts = plan.tile_bursts(tile)
        sets = -(-plan.groups // plan.array.accumulators)
        cycles += 2 * bursts + sets * MODE + plan.groups * (ROW + 2 * bursts)
    return cycles


GOLDEN = [
    (4096, 4096, 32, 8124),
    (11008, 4096, 32, 21060),
    (4096, 11008, 32, 22053),
    (4096, 4096, 8, 30300),
    (11008, 4096, 8, 80636),
    (4096, 11008, 8, 82269),
    (4096, 4096, 1, 238816),
]
"""Outputs, inputs, channels, cycles: reference/aim/golden_cases.csv, gemv_{outputs}x{inputs}_{channels}ch_reuseGB32."""


@pytest.mark.parametrize(("outputs", "inputs", "channels", "cycles"), GOLDEN)
def test_products_take_the_cycles_of_the_published_simulator(
    outputs: int, inputs: int, channels: int, cycles: int
) -> None:
    bank_array = array("gddr6_aim_ref", channels)
    shape = Gemv(outputs, inputs, span=channels)
    chain = gemv_chain(device("gddr6_aim_ref").spec, bank_array, shape, "input_stationary")
    ((run, repeats),) = run_once("gddr6_aim_ref", chain)
    assert repeats == 1
    assert run.end_tick == cycles - END_CYCLES


@pytest.mark.parametrize(("outputs", "inputs", "channels", "cycles"), GOLDEN)
def test_the_best_loop_order_gains_only_what_it_saves_on_the_published_layout(
    outputs: int, inputs: int, channels: int, cycles: int
) -> None:
    # Sums that stay in the accumulators save their way out and back for all tiles but one (5 cycles each); groups and
    # tiles that are not full save their multiplications. Nothing else may be gained.
    bank_array = array("gddr6_aim_ref", channels)
    shape = Gemv(outputs, inputs, span=channels)
    plan = GemvPlan(bank_array, shape)
    orders = loop_orders(bank_array, shape)
    runs = [run_once("gddr6_aim_ref", gemv_chain(device("gddr6_aim_ref").spec, bank_array, shape, o)) for o in orders]
    best = min(run.end_tick for ((run, _),) in runs)
    sets = -(-plan.groups // bank_array.accumulators)
    saved = (plan.tiles - 1) * (5 * plan.groups + MODE * sets)
    assert cycles - END_CYCLES - saved - 226 <= best <= cycles - END_CYCLES


@settings(max_examples=40)
@given(outputs=st.integers(1, 3000), inputs=st.integers(1, 3000), channels=st.integers(1, 5))
def test_input_stationary_products_follow_the_closed_form(outputs: int, inputs: int, channels: int) -> None:
    bank_array = array("gddr6_aim_ref", channels)
    shape = Gemv(outputs, inputs, span=channels)
    ((run, _),) = run_once(
        "gddr6_aim_ref", gemv_chain(device("gddr6_aim_ref").spec, bank_array, shape, "input_stationary")
    )
    assert run.end_tick == closed_form(GemvPlan(bank_array, shape)) - END_CYCLES


shapes = st.builds(
    Gemv,
    outputs=st.integers(1, 700),
    inputs=st.integers(1, 2500),
    vectors=st.integers(1, 11),
    instances=st.integers(1, 7),
    span=st.integers(1, 3),
)


def all_runs(
    standard: str, bank_array: BankArray, shape: Gemv
) -> list[tuple[LoopOrder, Chain, list[tuple[DeviceRun, int]]]]:
    orders: tuple[LoopOrder, ...] = ("input_stationary", *loop_orders(bank_array, shape))
    chains = [(order, gemv_chain(device(standard).spec, bank_array, shape, order)) for order in dict.fromkeys(orders)]
    return [(order, chain, run_once(standard, chain)) for order, chain in chains]


@settings(max_examples=25)
@given(shape=shapes, channels=st.integers(3, 6), standard=st.sampled_from(["gddr6_aim", "hbm2_pim"]))
def test_every_loop_order_reads_each_operand_once_for_each_vector(shape: Gemv, channels: int, standard: str) -> None:
    bank_array = array(standard, channels, accumulators=8, addressing="free" if standard == "hbm2_pim" else "column")
    useful = shape.outputs * shape.inputs * 2 * shape.vectors * shape.instances
    for _, chain, runs in all_runs(standard, bank_array, shape):
        read = sum(run.internal_bytes * repeats for run, repeats in runs)
        assert read == chain.mac_bytes
        assert read >= useful


@settings(max_examples=25)
@given(shape=shapes, channels=st.integers(3, 6))
def test_padding_is_less_than_one_group_of_outputs_and_one_burst_of_inputs(shape: Gemv, channels: int) -> None:
    plan = GemvPlan(array("gddr6_aim", channels), shape)
    padded_outputs = -(-shape.outputs // 16) * 16
    padded_inputs = -(-shape.inputs // 16) * 16
    assert plan.mac_bytes() == padded_outputs * padded_inputs * 2 * shape.vectors * shape.instances


@settings(max_examples=25)
@given(shape=shapes, channels=st.integers(3, 6))
def test_complete_sums_leave_once(shape: Gemv, channels: int) -> None:
    bank_array = array("gddr6_aim", channels)
    plan = GemvPlan(bank_array, shape)
    for order, _, runs in all_runs("gddr6_aim", bank_array, shape):
        if order != "input_stationary":
            sums = sum(run.commands["RDMACab"] * repeats for run, repeats in runs)
            assert sums == plan.channel_groups() * shape.vectors


@given(
    outputs=st.integers(1, 9000),
    inputs=st.integers(1, 9000),
    instances=st.integers(1, 9),
    span=st.integers(1, 4),
    packed=st.sampled_from([1, 2, 8]),
)
def test_no_two_tiles_of_a_bank_overlap(outputs: int, inputs: int, instances: int, span: int, packed: int) -> None:
    plan = GemvPlan(array("gddr6_aim", 4), Gemv(outputs, inputs, 1, instances, span, packed))
    used = set()
    for round_ in range(plan.rounds):
        for group in range(plan.groups):
            for tile in range(plan.tiles):
                place = (plan.row(round_, group, tile), group % packed)
                assert place not in used
                used.add(place)
    assert max(row for row, _ in used) == plan.rows_per_bank - 1


def test_a_row_that_stays_open_for_all_vectors_is_opened_once() -> None:
    bank_array = array("hbm2_pim", 2, accumulators=8, addressing="free")
    shape = Gemv(outputs=32, inputs=512, vectors=8, span=2)
    ((run, repeats),) = run_once("hbm2_pim", gemv_chain(device("hbm2_pim").spec, bank_array, shape, "row_stationary"))
    assert (run.commands["ACT4"], repeats) == (2 * 4, 1)


@pytest.mark.parametrize("standard", ["gddr6_aim", "hbm2_pim"])
@pytest.mark.parametrize(("outputs", "inputs"), [(1500, 64), (700, 100), (96, 330), (33, 256), (20, 7)])
def test_short_rows_of_weights_share_a_dram_row_and_are_no_slower(standard: str, outputs: int, inputs: int) -> None:
    addressing: Literal["free", "column"] = "free" if standard == "hbm2_pim" else "column"
    bank_array = array(standard, 1, accumulators=8, addressing=addressing)
    shapes = weight_gemv(bank_array, outputs, inputs), Gemv(outputs, inputs, span=1)
    together, apart = (GemvPlan(bank_array, shape) for shape in shapes)
    packed = min(apart.groups, bank_array.row_elements // (-(-inputs // 16) * 16))
    assert together.rows_per_bank == -(-apart.groups // packed)
    assert together.mac_bytes() == apart.mac_bytes()
    ticks = []
    for shape in shapes:
        ((run, _),) = run_once(standard, gemv_chain(device(standard).spec, bank_array, shape, "output_stationary"))
        assert run.internal_bytes == together.mac_bytes()
        ticks.append(run.end_tick)
    assert ticks[0] <= ticks[1]


def test_rows_of_weights_longer_than_half_a_dram_row_have_it_to_themselves() -> None:
    bank_array = array("gddr6_aim", 4)
    assert weight_gemv(bank_array, 4096, 528) == Gemv(4096, 528, span=4)
    assert weight_gemv(bank_array, 4096, 512) == Gemv(4096, 512, span=4, packed=2)


def test_the_activation_function_is_read_instead_of_the_sum() -> None:
    bank_array = array("gddr6_aim", 2)
    shape = Gemv(outputs=64, inputs=1024, span=2, activation=True)
    chain = gemv_chain(device("gddr6_aim").spec, bank_array, shape, "output_stationary")
    ((run, _),) = run_once("gddr6_aim", chain)
    assert run.commands["AFab"] == run.commands["RDAFab"] == 2 * 2
    assert "RDMACab" not in run.commands
    assert run.internal_bytes == chain.mac_bytes


def test_partial_sums_never_go_through_the_activation_function() -> None:
    shape = Gemv(outputs=64 * 40, inputs=4096, span=2, activation=True)
    assert "input_stationary" not in loop_orders(array("gddr6_aim", 2), shape)


@given(shape=shapes, channels=st.integers(3, 6))
def test_a_padded_shape_has_the_same_programs(shape: Gemv, channels: int) -> None:
    bank_array = array("gddr6_aim", channels)
    spec = device("gddr6_aim").spec
    for order in loop_orders(bank_array, shape):
        chain, larger = (gemv_chain(spec, bank_array, s, order) for s in (shape, padded(bank_array, shape)))
        assert (chain.key, chain.mac_bytes) == (larger.key, larger.mac_bytes)
