"""Attention programs on GEMV units: both engines agree, every log is legal, and the times are what the parts imply."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.checker import check_log
from simulator.dram.device import Device, DeviceRun
from simulator.dram.program import HostProgram
from simulator.dram.reference_device import ReferenceDevice
from simulator.dram.replay import logged
from simulator.errors import MappingError
from simulator.mapping.attacc.attention import Heads, append_program, attention_program, cache_rows, mac_bytes
from simulator.mapping.attacc.levels import GemvArray, Level, gemv_array

LEVELS: tuple[Level, ...] = ("bank", "bankgroup", "buffer")
LIMITED, UNLIMITED = (
    build(load_document(name, expected_kind="dram"), Dram)
    for name in ("hbm3_attacc_5.2g", "hbm3_attacc_5.2g_unlimited")
)
DEVICES = {spec.name: Device(spec) for spec in (LIMITED, UNLIMITED)}


def array(level: Level, channels: int = 2, spec: Dram = LIMITED) -> GemvArray:
    return gemv_array(spec, channels, level, 2)


def run(program: HostProgram, spec: Dram = LIMITED, *, log: bool = False) -> DeviceRun:
    return DEVICES[spec.name].run_program(program, log=log)


def attention(level: Level, heads: Heads, channels: int = 2, spec: Dram = LIMITED) -> DeviceRun:
    return run(attention_program(spec, array(level, channels, spec), heads), spec)


shapes = st.builds(
    Heads,
    cached=st.integers(1, 7),
    queries=st.integers(1, 3),
    head_dim=st.sampled_from((16, 64, 80, 128)),
    context=st.integers(1, 300),
)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=4)
@given(heads=shapes, write=st.booleans())
def test_engines_agree_and_the_log_is_legal(level: Level, heads: Heads, write: bool) -> None:
    make = append_program if write else attention_program
    program = make(LIMITED, array(level), heads)
    compiled = run(program, log=True)
    reference = ReferenceDevice(LIMITED).run_program(program, log=True)
    assert compiled.commands == reference.commands
    assert (compiled.end_tick, compiled.idle_tick) == (reference.end_tick, reference.idle_tick)
    assert compiled.issued is not None
    assert reference.issued is not None
    for channel_class in range(len(compiled.by_class)):
        log = logged(LIMITED, compiled.issued, channel_class)
        assert log == logged(LIMITED, reference.issued, channel_class)
        assert check_log(LIMITED, log) == []


@pytest.mark.parametrize("level", LEVELS)
@given(heads=shapes)
def test_every_key_and_value_meets_its_vector(level: Level, heads: Heads) -> None:
    found = attention(level, heads)
    units = {"bank": 64, "bankgroup": 16, "buffer": 2}[level]
    each = ceil(heads.context / {"bank": 16, "bankgroup": 16, "buffer": 2}[level])
    each *= ceil(heads.head_dim / (64 if level == "bank" else 16))
    mac = {"bank": "MACAB", "bankgroup": "MACSB", "buffer": "MACPB"}[level]
    assert found.commands[mac] == 2 * heads.cached * heads.queries * each
    assert found.internal_bytes == 2 * mac_bytes(array(level), heads) == found.commands[mac] * units * 32
    assert found.internal_bytes >= 2 * 2 * heads.cached * heads.queries * heads.head_dim * heads.context


@settings(max_examples=30)
@given(heads=shapes, tokens=st.integers(200, 1500))
def test_more_units_are_not_slower_once_there_is_work_for_them(heads: Heads, tokens: int) -> None:
    """A few tokens are moves and row changes alone, of which units at banks need more."""
    long = Heads(heads.cached, heads.queries, 128, tokens)
    ticks = [attention(level, long).end_tick for level in LEVELS]
    assert ticks == sorted(ticks)


@settings(max_examples=30)
@given(heads=shapes)
def test_the_power_limit_never_makes_faster(heads: Heads) -> None:
    for level in LEVELS:
        assert attention(level, heads, spec=UNLIMITED).end_tick <= attention(level, heads).end_tick


def test_the_power_limit_is_the_gap_between_macs() -> None:
    heads = Heads(2, 1, 128, 2048)
    macs = {"bank": 2 * 256, "bankgroup": 2 * 1024}
    for level, count in macs.items():
        gained = attention(level, heads).end_tick - attention(level, heads, spec=UNLIMITED).end_tick
        assert gained == pytest.approx(2 * count, rel=0.15)


def test_softmax_and_moves_of_one_head_hide_behind_the_other() -> None:
    """Without refresh two heads of a channel take their MACs and row changes, and what comes before the first MAC."""
    idle = LIMITED.model_copy(update={"controller": LIMITED.controller.model_copy(update={"refresh": "none"})})
    device, units = Device(idle), array("bank", 1)
    one, two = (device.run_program(attention_program(idle, units, Heads(n, 1, 128, 2048))).end_tick for n in (1, 2))
    macs, rows = 2 * 256, 2 * 8
    change = LIMITED.timings["nRTPL"] + LIMITED.timings["nRP"] + LIMITED.timings["nRCDRD"]
    bare = 6 * (macs - rows) + change * rows
    assert 2 * bare <= two <= 2 * bare + 100
    assert bare + 200 <= one


# Cycles of AttAcc's simulator (scale-snu/attacc_simulator at c600051), attention of one stack of sixteen channels.
PUBLISHED = [
    ("bank", 2049, 3, LIMITED, 3930),
    ("bank", 2048, 130, LIMITED, 36572),
    ("bank", 2048, 130, UNLIMITED, 26768),
    ("bank", 4096, 51, LIMITED, 32595),
    ("bankgroup", 2048, 130, LIMITED, 122255),
    ("buffer", 2048, 130, LIMITED, 326797),
]


@pytest.mark.parametrize(("level", "context", "heads", "spec", "cycles"), PUBLISHED)
def test_cycles_are_near_those_of_attaccs_simulator(
    level: Level, context: int, heads: int, spec: Dram, cycles: int
) -> None:
    found = attention(level, Heads(heads, 1, 128, context), channels=16, spec=spec)
    assert found.end_tick == pytest.approx(cycles, rel=0.06)


@pytest.mark.parametrize("level", LEVELS)
def test_a_token_writes_its_key_and_its_value(level: Level) -> None:
    found = run(append_program(LIMITED, array(level), Heads(3, 1, 128, 77)))
    assert found.commands["WR"] == 3 * 2 * 8
    assert found.write_bytes == 3 * 2 * 128 * 2


@pytest.mark.parametrize("level", LEVELS)
@given(tokens=st.integers(1, 5000), heads=st.integers(1, 40))
def test_the_cache_takes_the_rows_that_its_bytes_need_and_little_more(level: Level, tokens: int, heads: int) -> None:
    rows = cache_rows(array(level), heads, 128, tokens)
    room = rows * 64 * 1024
    needed = 2 * ceil(heads / 2) * tokens * 128 * 2
    # A row of each bank of a head at most, and the tokens that a partition lacks.
    assert needed <= room <= 2 * ceil(heads / 2) * (64 * 1024 + (tokens + 16) * 256)


def test_a_standard_without_units_is_refused() -> None:
    plain = build(load_document("hbm3_5.2g_16gb", expected_kind="dram"), Dram)
    with pytest.raises(MappingError, match="has no GEMV units at bank level: it lacks the commands MACAB, WRGB"):
        gemv_array(plain, 16, "bank", 2)
