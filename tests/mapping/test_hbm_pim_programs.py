"""HBM-PIM programs: the closed form of their time, legal logs, equal engines, and padding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.config.timing import clocks
from simulator.dram.checker import check_log
from simulator.dram.device import Device
from simulator.dram.reference_device import ReferenceDevice
from simulator.dram.replay import logged
from simulator.dram.runs import DeviceRun
from simulator.errors import MappingError
from simulator.mapping.hbm_pim import ABMR, SBMR, Ordering, PimArray, pim_array
from simulator.mapping.hbm_pim_kernels import PimWork, Product, elementwise, gemv
from simulator.mapping.hbm_pim_tiling import weight_tiling
from simulator.mapping.microkernel import HALVES, Microkernel

STANDARDS = ("hbm2_pim_samsung_2.0g", "hbm2_pim_samsung_2.4g")
MOBILE = "lpddr5_pim_6400_16gb"


@cache
def dram(name: str, refresh: str = "REFab") -> Dram:
    overrides = [f"controller.refresh={refresh}"]
    return build(load_document(name, expected_kind="dram", overrides=overrides), Dram)


@cache
def engines(name: str, refresh: str) -> tuple[Device, ReferenceDevice]:
    return Device(dram(name, refresh)), ReferenceDevice(dram(name, refresh))


@cache
def kernel(name: str) -> Microkernel:
    unit = load_document("units/hbm_pim_aquabolt_xl").data
    return Microkernel.from_lines(unit["microkernels"][name], 32)


def array(name: str = STANDARDS[0], channels: int = 1, **changes: object) -> PimArray:
    whole = pim_array(
        dram(name),
        channels,
        element_bytes=2,
        registers=8,
        ordering="in_order",
        fence_ticks=0,
        park=True,
        padding="array",
    )
    return replace(whole, **changes)


def product(part: PimArray, outputs: int, inputs: int, vectors: int = 1, name: str = STANDARDS[0]) -> PimWork:
    return gemv(dram(name), part, kernel("gemv"), Product(outputs, inputs, vectors))


def run(work: PimWork, name: str = STANDARDS[0], refresh: str = "none") -> DeviceRun:
    return engines(name, refresh)[0].run_program(work.program)


def closed_form(name: str, tiles: int) -> int:
    """The last tick of a product of ``tiles`` tiles in each half and at most eight outputs, without refresh or parking.

    Time from the first tick of a command to the first of another. ACT takes two ticks, so a row that opens
    delays what follows by nRP - 1 and nRCD + 1. Where the other half is used next its row changes in the
    tick of the last column command of this half.
    """
    t = clocks(dram(name))
    write, row_columns, column = t["nCWL"] + t["nBL"], 32, t["nCCDL"]
    open_read, open_write = t["nRP"] + t["nRCDRD"], t["nRP"] + t["nRCDWR"]
    eight = 7 * column
    enter = 1 + t["nRCDWR"] + 1 + write + 2  # ACT ABMR at tick 1, WR, its data, the host's next request
    crf_and_mode = t["nRCDWR"] + 1 + 2 * column  # ACThab, one CRF burst, PIM_OP_MODE, up to the first register of GRF_A
    tile = open_read + (row_columns - 1) * column + t["nRTPL"] + open_read + (row_columns - 1) * column
    next_tile = t["nCL"] + t["nBL"] + 2 - t["nCWL"] + eight  # read to write, then GRF_A through the other half
    half = eight + tile + (tiles - 1) * (next_tile + tile)
    turn = t["nRTPL"] + open_write  # the register row where weights were
    store = open_write + eight
    leave = open_write + open_write  # PIM_OP_MODE through the odd half, SBMR
    results = write + t["nWR"] + open_read + eight + t["nCL"] + t["nBL"]
    return enter + crf_and_mode + half + turn + half + store + leave + results


@pytest.mark.parametrize("name", STANDARDS)
@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_a_product_takes_what_its_command_sequence_takes(name: str, tiles: int) -> None:
    part = array(name, park=False)
    done = run(product(part, 8, 256 * tiles, name=name), name)
    assert done.end_tick == closed_form(name, tiles)
    assert done.commands["MAChab"] == 128 * tiles
    assert done.commands["WRREG"] == 1 + 2 + 16 * tiles
    assert done.commands["ACThab"] == 4 * tiles + 4


def test_a_fence_costs_its_own_time_once_a_group() -> None:
    ticks = [run(product(array(ordering="fence", fence_ticks=fence), 64, 512)).end_tick for fence in (100, 200)]
    groups = 1 + 2 + 4 * (1 + 8) + 1
    assert ticks[1] - ticks[0] == 100 * groups


def test_parking_is_one_row_of_every_bank_twice() -> None:
    parked, not_parked = (run(product(array(park=park), 64, 256)) for park in (True, False))
    assert parked.commands["RD"] - not_parked.commands["RD"] == 32
    assert parked.end_tick > not_parked.end_tick


@pytest.mark.parametrize(
    ("outputs", "inputs", "channels", "passes", "tiles"),
    [(1, 1, 1, 1, 1), (64, 256, 1, 1, 1), (65, 257, 1, 2, 2), (4096, 4096, 16, 4, 16), (11008, 4096, 64, 3, 16)],
)
def test_shapes_fill_up_to_whole_tiles(outputs: int, inputs: int, channels: int, passes: int, tiles: int) -> None:
    part = array(channels=channels)
    commands = run(product(part, outputs, inputs)).commands
    assert commands["MAChab"] == channels * passes * tiles * 128
    assert weight_tiling(part, outputs, inputs).rows == passes * tiles * 2


def result_bursts(part: PimArray, outputs: int) -> int:
    """Bursts of sums: of every unit in full passes, of those that have outputs in the last."""
    whole = (outputs - 1) // part.outputs
    last = outputs - whole * part.outputs
    on_each = 8 if part.padding == "array" else -(-last // (part.units * part.channels))
    return whole * part.outputs + -(-last // on_each) * on_each


@pytest.mark.parametrize("padding", ["array", "register"])
@given(outputs=st.integers(1, 400), inputs=st.integers(1, 600), vectors=st.integers(1, 3), channels=st.integers(1, 3))
@settings(max_examples=20)
def test_results_are_read_of_units_that_have_outputs(
    padding: str, outputs: int, inputs: int, vectors: int, channels: int
) -> None:
    part = array(channels=channels, park=False, padding=padding)
    work = product(part, outputs, inputs, vectors)
    done = run(work)
    bursts = vectors * result_bursts(part, outputs)
    assert done.read_bytes == bursts * 32
    assert work.cell_bytes == work.internal_bytes + (bursts + 2 * channels) * 32
    assert done.internal_bytes == work.internal_bytes


@given(outputs=st.integers(1, 9000), inputs=st.integers(1, 5000), channels=st.integers(1, 64))
def test_whole_registers_hold_every_weight_in_no_more_room_than_whole_arrays(
    outputs: int, inputs: int, channels: int
) -> None:
    arrays, registers = (
        weight_tiling(array(channels=channels, padding=padding), outputs, inputs) for padding in ("array", "register")
    )
    for tiling in (arrays, registers):
        assert sum(tiling.passes) * 8 * channels >= outputs
        assert 16 * sum(map(sum, tiling.tiles)) >= inputs
    assert registers.rows <= arrays.rows
    for number in range(len(arrays.passes)):
        for half in HALVES:
            assert 1 <= registers.macs(number, half) <= arrays.macs(number, half)
    assert (sum(registers.passes) - 1) * 8 * channels < outputs
    assert 16 * (sum(map(sum, registers.tiles)) - 2) < inputs


@pytest.mark.parametrize(("outputs", "inputs"), [(64, 256), (128, 4096)])
def test_where_nothing_is_filled_up_both_paddings_are_one(outputs: int, inputs: int) -> None:
    programs = [product(array(padding=padding), outputs, inputs).program.key for padding in ("array", "register")]
    assert programs[0] == programs[1]


@pytest.mark.parametrize(("name", "operands"), [("add", 2), ("mul", 2), ("relu", 1)])
@pytest.mark.parametrize("tiles", [1, 3])
def test_an_elementwise_op_visits_each_element_once(name: str, operands: int, tiles: int) -> None:
    part = array(channels=2)
    elements = part.elementwise_elements * (tiles - 1) + 1
    work = elementwise(dram(STANDARDS[0]), part, kernel(name), elements, operands)
    commands = run(work).commands
    each = 2 * 32 * tiles
    counted = {command: count for command, count in commands.items() if command.endswith("hab") and "E" not in command}
    expected = {"MOVhab": each} | ({f"{name.upper()}hab": each} if operands == 2 else {})
    assert {key: counted[key] for key in expected} == expected
    assert commands["FILLhab"] == each
    assert work.internal_bytes == (operands + 1) * each * 256


def modes(log: list[tuple[str, int]], rows: int) -> list[str]:
    """The mode in which each command issues, by the accesses to reserved rows before it."""
    mode, found = "SB", []
    for command, row in log:
        found.append(mode)
        if command == "WR":
            mode = {rows - ABMR: "AB", rows - SBMR: "SB"}[row]
    return found


def judged(work: PimWork, name: str, refresh: str, phase: int | None) -> None:
    """Both engines issue the same legal commands, in modes that know them."""
    spec = dram(name, refresh)
    runs = [engine.run_program(work.program, refresh_phase=phase, log=True) for engine in engines(name, refresh)]
    logs = []
    for done in runs:
        assert done.issued is not None
        logs.append(list(logged(spec, done.issued, 0)))
    assert logs[0] == logs[1]
    assert runs[0].end_tick == runs[1].end_tick
    assert check_log(spec, logs[0], refresh=None if phase is None else "none") == []
    entries = [(entry.command, entry.row) for entry in logs[0]]
    for (command, _), mode in zip(entries, modes(entries, spec.organization.rows), strict=True):
        if command.endswith("hab") or command == "WRREG":
            assert mode == "AB"
        elif command == "RD":
            assert mode == "SB"


@pytest.mark.parametrize("name", [*STANDARDS, MOBILE])
@settings(max_examples=6)
@given(
    outputs=st.integers(1, 200),
    inputs=st.integers(1, 600),
    vectors=st.integers(1, 2),
    ordering=st.sampled_from(["in_order", "fence"]),
    padding=st.sampled_from(["array", "register"]),
    fence=st.integers(0, 50),
    refresh=st.sampled_from(["none", "REFab"]),
    phase=st.one_of(st.none(), st.integers(0, 3800)),
)
def test_engines_agree_on_products(
    name: str,
    outputs: int,
    inputs: int,
    vectors: int,
    ordering: Ordering,
    padding: str,
    fence: int,
    refresh: str,
    phase: int | None,
) -> None:
    part = array(name, ordering=ordering, fence_ticks=fence, padding=padding)
    judged(product(part, outputs, inputs, vectors, name), name, refresh, phase)


@pytest.mark.parametrize(("name", "operands"), [("add", 2), ("mul", 2), ("relu", 1)])
@pytest.mark.parametrize("refresh", ["none", "REFab"])
def test_engines_agree_on_elementwise_ops(name: str, operands: int, refresh: str) -> None:
    part = array()
    work = elementwise(dram(STANDARDS[0]), part, kernel(name), 7 * part.elementwise_elements, operands)
    judged(work, STANDARDS[0], refresh, None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["MAC GRF_B, EVEN_BANK, GRF_A", "JUMP -1, even_macs", "EXIT"], "at its end"),
        (["MAC GRF_B, ODD_BANK, GRF_A", "JUMP -1, 63", "EXIT"], "meets a column command to the even banks"),
        (["MAC GRF_B, GRF_A, GRF_A", "JUMP -1, 63", "EXIT"], "meets a column command to the even banks"),
        ([i.text for i in kernel("gemv").instructions[:-1]] + ["NOP", "EXIT"], "before the microkernel does"),
        (["MAC GRF_B, EVEN_BANK, GRF_A", "JUMP -1, even_macs * 100000", "EXIT"], "allowed: 0..4194304"),
    ],
)
def test_a_kernel_that_does_not_fit_the_columns_is_refused(lines: list[str], message: str) -> None:
    wrong = Microkernel.from_lines(lines, 32)
    with pytest.raises(MappingError, match=message):
        gemv(dram(STANDARDS[0]), array(), wrong, Product(8, 256, 1))


def test_what_is_larger_than_the_memory_is_refused() -> None:
    part = array()
    with pytest.raises(MappingError, match="operands and results take 16512 rows of each bank, which has 16380"):
        product(part, 64 * 512, 256 * 16)
    with pytest.raises(MappingError, match="rows of each bank"):
        elementwise(dram(STANDARDS[0]), part, kernel("add"), part.elementwise_elements * 11000, 2)


@pytest.mark.parametrize("name", ["hbm2_pim", "hbm2_2.0g"])
def test_a_standard_without_pim_units_is_refused(name: str) -> None:
    with pytest.raises(MappingError, match="no PIM units between pairs of banks: it lacks the commands WRREG"):
        pim_array(
            dram(name), 1, element_bytes=2, registers=8, ordering="in_order", fence_ticks=0, park=False, padding="array"
        )


def test_commands_are_counted_alike_by_both_engines() -> None:
    work = product(array(channels=3), 100, 300)
    first, second = (Counter(engine.run_program(work.program).commands) for engine in engines(STANDARDS[0], "REFab"))
    assert first == second
