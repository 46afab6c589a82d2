"""Expressions over timings, and standards in ticks."""

import pytest
from config_samples import DRAM, Write
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.expressions import evaluate
from simulator.config.loader import build, load_document
from simulator.config.timing import ResolvedDram, resolve_dram

NAMES = {"nCL": 14, "nBL": 2, "nWR": 16, "nZero": 0}

leaves = st.integers(0, 1000).map(str) | st.sampled_from(sorted(NAMES))
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("({} // {})".format, inner, st.integers(1, 9)),
    ),
    max_leaves=6,
)


@given(expressions)
def test_expressions_mean_what_they_mean_in_python(text: str) -> None:
    expected = eval(text, {"max": max, "min": min, "__builtins__": {}}, NAMES)
    if abs(expected) < 2**40:
        assert evaluate(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nCLL + 1", "no timing 'nCLL'; nearest: 'nCL'"),
        ("nCL +", "is not an expression"),
        ("", "is not an expression"),
        ("nCL / 2", r"'nCL / 2' is not allowed"),
        ("nCL ** 9", "is not allowed"),
        ("1.5", "is not allowed"),
        ("True", "is not allowed"),
        ("'a'", "is not allowed"),
        ("nCL.real", "is not allowed"),
        ("abs(1)", "is not allowed"),
        ("max()", "is not allowed"),
        ("max(1, key=2)", "is not allowed"),
        ("__import__('os')", "is not allowed"),
        ("[1][0]", "is not allowed"),
        ("1 if nCL else 2", "is not allowed"),
        ("1 // nZero", "divides by zero"),
        ("9999999999 * 9999999999", "is too large"),
        ("1 + " * 500 + "1", "too long"),
        ("(" * 240 + "1" + ")" * 240, "is not an expression"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(text, NAMES)


def resolved(write: Write, text: str = DRAM) -> ResolvedDram:
    write("standard.yaml", text)
    return resolve_dram(build(load_document("standard"), Dram))


def test_times_become_whole_clocks_under_their_n_name(write: Write) -> None:
    dram = resolved(write, DRAM.replace("nRAS: 34", "tRAS_ps: 33001"))
    assert (dram.timings["nRAS"], dram.timings["nREFI"]) == (34, 3900)
    assert "tRAS_ps" not in dram.timings


def test_levels_count_nodes_from_the_channel_down(write: Write) -> None:
    dram = resolved(write, DRAM.replace("{bankgroup: 2, bank: 2}", "{bankgroup: 4, bank: 8}"))
    assert dram.levels == ("channel", "bankgroup", "bank")
    assert (dram.level_counts, dram.node_counts) == ((1, 4, 8), (1, 4, 32))


def test_commands_are_in_ticks(write: Write) -> None:
    text = DRAM.replace("tCK_ps: 1000", "tCK_ps: 625\nticks_per_clock: 2")
    dram = resolved(write, text.replace("ACT: {scope: bank,", "ACT: {scope: bank, bus_ticks: 3,"))
    assert dram.commands["RD"].latency == 2 * (14 + 2)
    assert (dram.commands["ACT"].bus_ticks, dram.commands["RD"].bus_ticks) == (3, 2)
    assert dram.refresh_interval == 2 * 6240
    assert (dram.tCK_ps, dram.ticks_per_clock) == (625, 2)


def test_a_command_weighs_as_many_activations_as_it_opens_banks(write: Write) -> None:
    gang = "  ACTbg: {scope: bankgroup, row: closed, opens: true, closer: PREab}\n  RD:"
    dram = resolved(write, DRAM.replace("  RD:", gang, 1))
    assert {name: dram.commands[name].activations for name in ("ACT", "ACTbg", "RD")} == {"ACT": 1, "ACTbg": 2, "RD": 0}


def test_gaps_between_last_ticks_are_shifted_to_first_ticks(write: Write) -> None:
    text = DRAM.replace("tCK_ps: 1000", "tCK_ps: 1000\nticks_per_clock: 2\ngaps_from_last_tick: true")
    text = text.replace("ACT: {scope: bank,", "ACT: {scope: bank, bus_ticks: 3,")
    row, window = resolved(write, text).constraints
    assert row.base_gap == 28
    assert row.gap("ACT", "RD") == 28 + (3 - 1) - (2 - 1)
    assert window.gap("ACT", "ACT") == 30


def test_gaps_between_first_ticks_are_not_shifted(write: Write) -> None:
    row, _ = resolved(write, DRAM.replace("ACT: {scope: bank,", "ACT: {scope: bank, bus_ticks: 3,")).constraints
    assert row.gap("ACT", "RD") == 14


def test_without_refresh_there_is_no_interval(write: Write) -> None:
    assert resolved(write, DRAM.replace("refresh: REFab", "refresh: none")).refresh_interval == 0
