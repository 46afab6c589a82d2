"""Microkernels: what an instruction may say, and that loops run as written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import MappingError
from simulator.mapping.microkernel import EVEN, ODD, Instruction, Microkernel, Sequencer, parse


def kernel(*lines: str) -> Microkernel:
    return Microkernel.from_lines(lines, 32)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("MACC GRF_B, EVEN_BANK, GRF_A", "no instruction 'MACC' .*nearest: 'MAC'"),
        ("MAC GRF_B, EVEN_BNK, GRF_A", "no operand 'EVEN_BNK' .*nearest: 'EVEN_BANK'"),
        ("MAC GRF_B, EVEN_BANK", "has 2 operands, not 3"),
        ("MAD GRF_A, EVEN_BANK, SRF", "has 3 operands, not 4"),
        ("MAC EVEN_BANK, GRF_A, GRF_B", "does not end in GRF_A or GRF_B"),
        ("ADD GRF_A, EVEN_BANK, ODD_BANK", "more than one bank"),
        ("JUMP 1, 7", "is not JUMP -INSTRUCTIONS, TIMES"),
        ("EXIT GRF_A", "has 1 operands, not 0"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(line)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "ends with EXIT"),
        (["MOV EVEN_BANK, GRF_A"], "ends with EXIT"),
        (["JUMP -1, 2", "EXIT"], "leads out of the microkernel"),
        (["FILL GRF_A, EVEN_BANK"] * 32 + ["EXIT"], "33 instructions do not fit the 32"),
    ],
)
def test_a_kernel_fits_its_registers_and_ends(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Microkernel.from_lines(lines, 32)


def test_an_instruction_knows_its_bank_and_its_command() -> None:
    found = {line: (parse(line).half, parse(line).command) for line in (
        "MAC GRF_B, ODD_BANK, GRF_A", "MOV EVEN_BANK, GRF_B", "MOV GRF_A, EVEN_BANK", "FILL GRF_A, ODD_BANK, RELU",
    )}  # fmt: skip
    assert list(found.values()) == [(ODD, "MAChab"), (EVEN, "MOVhab"), (EVEN, "FILLhab"), (ODD, "FILLhab")]


def test_a_jump_needs_names_that_the_mapping_knows() -> None:
    looped = kernel("MAC GRF_B, EVEN_BANK, GRF_A", "JUMP -1, rounds - 1", "EXIT")
    with pytest.raises(MappingError, match=r"'JUMP -1, rounds - 1': .*'rounds' \(known: macs\)"):
        Sequencer(looped, {"macs": 3})
    with pytest.raises(MappingError, match=r"jumps -1 times \(allowed: 0\.\.4194304\)"):
        Sequencer(looped, {"rounds": 0})


def test_a_column_command_behind_exit_is_refused() -> None:
    once = Sequencer(kernel("FILL GRF_A, EVEN_BANK", "EXIT"), {})
    assert [count for _, count in once.step(1)] == [1]
    assert once.finished
    with pytest.raises(MappingError, match="at its end"):
        once.step(1)


def by_hand(code: tuple[Instruction, ...], counts: dict[str, int]) -> list[str]:
    """Every executed instruction, one by one."""
    left = [counts.get(i.times, -1) if i.mnemonic == "JUMP" else 0 for i in code]
    at, done = 0, []
    while code[at].mnemonic != "EXIT":
        if code[at].mnemonic != "JUMP":
            done.append(code[at].text)
            at += 1
        elif left[at]:
            left[at] -= 1
            at -= code[at].back
        else:
            left[at] = counts[code[at].times]
            at += 1
    return done


@given(inner=st.integers(0, 5), outer=st.integers(0, 3), chunks=st.lists(st.integers(1, 7), min_size=1, max_size=80))
def test_nested_loops_run_as_written_however_the_host_groups_them(inner: int, outer: int, chunks: list[int]) -> None:
    nested = kernel(
        "FILL GRF_A, EVEN_BANK",
        "JUMP -1, inner",
        "MAC GRF_B, EVEN_BANK, GRF_A",
        "JUMP -2, inner",
        "JUMP -4, outer",
        "MOV ODD_BANK, GRF_B",
        "EXIT",
    )
    names = {"inner": inner, "outer": outer}
    expected = by_hand(nested.instructions, names)
    sequencer, found = Sequencer(nested, names), []
    for chunk in chunks:
        size = min(chunk, len(expected) - len(found))
        for instruction, count in sequencer.step(size):
            found += [instruction.text] * count
        if sequencer.finished:
            break
    assert found == expected[: len(found)]
    assert sequencer.finished == (len(found) == len(expected))
