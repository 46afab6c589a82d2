"""PIM microkernels: the program in the command registers (CRF), stepped by the host's column commands.

One instruction a line: ``MAC GRF_B, EVEN_BANK, GRF_A``, destination first; ``JUMP -1, macs - 1`` goes back so many
instructions so many times, at no cost, its count an expression over names that the mapping knows; ``EXIT`` ends.
Every other instruction is executed by one column command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.config.expressions import evaluate
from simulator.config.nearest import hint
from simulator.errors import MappingError

Half = Literal[0, 1]
EVEN: Half = 0
ODD: Half = 1
HALVES: tuple[Half, ...] = (EVEN, ODD)

ARITHMETIC = ("MAC", "MAD", "ADD", "MUL")
DATA = ("MOV", "FILL")
CONTROL = ("NOP", "JUMP", "EXIT")
MNEMONICS = (*ARITHMETIC, *DATA, *CONTROL)
BANKS: dict[str, Half] = {"EVEN_BANK": EVEN, "ODD_BANK": ODD}
REGISTERS = ("GRF_A", "GRF_B", "SRF")
OPERANDS = (*REGISTERS, *BANKS)
FLAGS = ("RELU",)
STORE = "MOVhab"
MOST_JUMPS = 1 << 22

_JUMP = re.compile(r"JUMP\s+-(\d+)\s*,\s*(.+)")


@dataclass(frozen=True)
class Instruction:
    """One entry of the CRF. ``back`` and ``times``: of a JUMP."""

    text: str
    mnemonic: str
    destination: str = ""
    sources: tuple[str, ...] = ()
    back: int = 0
    times: str = ""

    @property
    def half(self) -> Half | None:
        """The bank of each unit that it uses, if any."""
        return next((BANKS[name] for name in (self.destination, *self.sources) if name in BANKS), None)

    @property
    def command(self) -> str:
        """The row of the command table that executes it: a write of the bank, or a read named after it."""
        if self.destination in BANKS:
            return STORE
        return "FILLhab" if self.mnemonic in DATA else f"{self.mnemonic}hab"


def parse(line: str) -> Instruction:
    """One line of a microkernel. Raises ValueError that says what is wrong with it."""
    text = " ".join(line.split())
    mnemonic, _, rest = text.partition(" ")
    if mnemonic not in MNEMONICS:
        raise ValueError(
            f"'{text}': no instruction '{mnemonic}' (known: {', '.join(MNEMONICS)}){hint(mnemonic, MNEMONICS)}"
        )
    if mnemonic == "JUMP":
        match = _JUMP.fullmatch(text)
        if match is None:
            raise ValueError(f"'{text}' is not JUMP -INSTRUCTIONS, TIMES")
        return Instruction(text, mnemonic, back=int(match[1]), times=match[2])
    operands = [word.strip() for word in rest.split(",")] if rest else []
    _check_operands(text, mnemonic, operands)
    return Instruction(text, mnemonic, operands[0] if operands else "", tuple(operands[1:]))


def _check_operands(text: str, mnemonic: str, operands: Sequence[str]) -> None:
    for name in operands:
        if name not in (*OPERANDS, *FLAGS):
            raise ValueError(f"'{text}': no operand '{name}' (known: {', '.join(OPERANDS)}){hint(name, OPERANDS)}")
    taken = [name for name in operands if name not in FLAGS]
    wanted = {"MAD": (4,), "MAC": (3,), "ADD": (3,), "MUL": (3,)}.get(mnemonic, (2,) if mnemonic in DATA else (0,))
    if len(taken) not in wanted:
        raise ValueError(f"'{text}' has {len(taken)} operands, not {wanted[0]}")
    if sum(name in BANKS for name in taken) > 1:
        raise ValueError(f"'{text}' uses more than one bank operand")
    if mnemonic in ARITHMETIC and taken[0] not in ("GRF_A", "GRF_B"):
        raise ValueError(f"'{text}' does not end in GRF_A or GRF_B")


@dataclass(frozen=True)
class Microkernel:
    """The instructions of one kernel, ended by EXIT."""

    instructions: tuple[Instruction, ...]

    @classmethod
    def from_lines(cls, lines: Sequence[str], most: int) -> Microkernel:
        """A kernel of at most ``most`` instructions. Raises ValueError."""
        instructions = tuple(parse(line) for line in lines)
        if not instructions or instructions[-1].mnemonic != "EXIT":
            raise ValueError("a microkernel ends with EXIT")
        if len(instructions) > most:
            raise ValueError(f"{len(instructions)} instructions do not fit the {most} of the CRF")
        for place, instruction in enumerate(instructions):
            if instruction.mnemonic == "JUMP" and not 1 <= instruction.back <= place:
                raise ValueError(f"'{instruction.text}' leads out of the microkernel")
        return cls(instructions)


def _times(instruction: Instruction, names: Mapping[str, int]) -> int:
    """How often a JUMP is taken, 0 for another instruction. Raises MappingError."""
    if instruction.mnemonic != "JUMP":
        return 0
    try:
        times = evaluate(instruction.times, names)
    except ValueError as error:
        raise MappingError(f"'{instruction.text}': {error} (known: {', '.join(names)})") from None
    if not 0 <= times <= MOST_JUMPS:
        raise MappingError(f"'{instruction.text}' jumps {times} times (allowed: 0..{MOST_JUMPS})")
    return times


class Sequencer:
    """The program counter of the PIM units, which all run the same instruction."""

    def __init__(self, kernel: Microkernel, names: Mapping[str, int]) -> None:
        self._code = kernel.instructions
        self._times = [_times(instruction, names) for instruction in self._code]
        self._left = list(self._times)
        self._at = 0
        self._settle()

    def _settle(self) -> None:
        """Follow jumps, which take no column command."""
        while self._code[self._at].mnemonic == "JUMP":
            if self._left[self._at] > 0:
                self._left[self._at] -= 1
                self._at -= self._code[self._at].back
            else:
                self._left[self._at] = self._times[self._at]
                self._at += 1

    def step(self, columns: int) -> list[tuple[Instruction, int]]:
        """What ``columns`` column commands execute, in runs of one instruction. Raises MappingError behind EXIT."""
        runs: list[tuple[Instruction, int]] = []
        while columns:
            instruction = self._code[self._at]
            if instruction.mnemonic == "EXIT":
                raise MappingError(f"a column command finds the microkernel at its end: {self._code[0].text} ...")
            count = self._repeats(columns)
            runs.append((instruction, count))
            columns -= count
        return runs

    def _repeats(self, most: int) -> int:
        """Execute the instruction here, and again while a ``JUMP -1`` behind it says so, at most ``most`` times."""
        behind = self._code[self._at + 1]
        count = 1
        if behind.mnemonic == "JUMP" and behind.back == 1:
            count = min(most, self._left[self._at + 1] + 1)
            self._left[self._at + 1] -= count - 1
        self._at += 1
        self._settle()
        return count

    @property
    def finished(self) -> bool:
        """Whether EXIT is reached."""
        return self._code[self._at].mnemonic == "EXIT"
