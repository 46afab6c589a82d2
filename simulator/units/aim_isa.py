"""The AiM instruction set as a text trace (`*.aim`): one host request a line.

``AiM OP fields``, ``R|W MEM channel bank row``, ``R|W GPR id``, ``W CFR id value``, ``# comment``; numbers decimal or
0x; an optional prefix ``ISR_``. Bit i of a channel mask selects channel ``channels - 1 - i``. Semantics:
docs/near-bank-isa.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.engines import EngineName, device_engine
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.dram.replay import ReplayRun, replay_run
from simulator.dram.trace_lines import read_lines, split_words
from simulator.errors import TraceError

N_CHANNELS = 32
"""Channels of the AiM host interface; SYNC and EOC go to all of them."""

MAX_OPSIZE = 1024
"""Longest run of one instruction. A row holds 64 bursts, but published traces ask for up to 512 in one."""

AF_FIRST_ROW = 1 << 29
"""Pseudo row of the first activation-function table; function n of CFR 2 has row AF_FIRST_ROW + n."""

MAX_VALUE = 2**32 - 1
"""Largest value of a configuration register, which holds 32 bits."""

CFR_ACTIVATION = 2
"""Configuration register that selects the activation function."""


@dataclass(frozen=True)
class Instruction:
    """One line form: the fields after the mnemonic, and the DRAM command that they lead to."""

    fields: tuple[str, ...]
    command: str | None = None
    memory: bool = False
    blocking: bool = False


INSTRUCTIONS: dict[str, Instruction] = {
    "WR_SBK": Instruction(("gpr", "mask", "bank", "row"), "WR", memory=True),
    "RD_SBK": Instruction(("gpr", "mask", "bank", "row"), "RD", memory=True),
    "WR_ABK": Instruction(("gpr", "mask", "row"), "WRAab"),
    "WR_GB": Instruction(("opsize", "gpr", "mask"), "WRGB"),
    "WR_BIAS": Instruction(("gpr", "mask"), "WRMACab"),
    "RD_MAC": Instruction(("gpr", "mask"), "RDMACab", blocking=True),
    "RD_AF": Instruction(("gpr", "mask"), "RDAFab", blocking=True),
    "COPY_BKGB": Instruction(("opsize", "mask", "bank", "row"), "RDCP"),
    "COPY_GBBK": Instruction(("opsize", "mask", "bank", "row"), "WRCP"),
    "MAC_SBK": Instruction(("opsize", "mask", "bank", "row"), "MACpb"),
    "MAC_ABK": Instruction(("opsize", "mask", "row"), "MACab"),
    "AF": Instruction(("mask",), "AFab"),
    "EWMUL": Instruction(("opsize", "mask", "row"), "EWMULab"),
    "EWADD": Instruction(("bursts", "gpr", "gpr")),
    "SYNC": Instruction(()),
    "EOC": Instruction(()),
}

HOST_LINES: dict[tuple[str, str], tuple[str, ...]] = {
    ("R", "MEM"): ("channel", "bank", "row"),
    ("W", "MEM"): ("channel", "bank", "row"),
    ("R", "GPR"): ("gpr",),
    ("W", "GPR"): ("gpr",),
    ("W", "CFR"): ("register", "value"),
}


class _Reader:
    """Turns lines into host requests; keeps the activation function selected by CFR 2."""

    def __init__(self, spec: Dram, path: Path) -> None:
        self._spec = spec
        self._path = path
        self._builder = ProgramBuilder(spec, N_CHANNELS)
        self._banks = _banks(spec)
        self._activation = 0
        self._known: dict[str, list[int]] = {}
        self._masks: dict[int, npt.NDArray[np.bool_]] = {}

    def _fail(self, number: int, column: int, message: str) -> TraceError:
        return TraceError(message, file=str(self._path), line=number, column=column)

    def _mask(self, bits: int) -> npt.NDArray[np.bool_]:
        if bits not in self._masks:
            self._masks[bits] = np.array([bits >> (N_CHANNELS - 1 - c) & 1 for c in range(N_CHANNELS)], dtype=np.bool_)
        return self._masks[bits]

    def _limits(self) -> dict[str, tuple[int, int]]:
        rows = self._spec.organization.rows
        return {
            "opsize": (1, MAX_OPSIZE),
            "mask": (1, 2**N_CHANNELS - 1),
            "value": (0, MAX_VALUE),
            "channel": (0, N_CHANNELS - 1),
            "bank": (0, self._banks - 1),
            "row": (0, rows - 1),
        }

    def _values(self, number: int, words: list[tuple[int, str]], fields: tuple[str, ...], what: str) -> dict[str, int]:
        if len(words) != len(fields):
            column = words[len(fields)][0] if len(words) > len(fields) else (words[-1][0] if words else 1)
            wanted = " ".join(fields) or "no fields"
            raise self._fail(number, column, f"{what} takes {wanted}, found {len(words)} fields")
        values: dict[str, int] = {}
        limits = self._limits()
        for name, (column, word) in zip(fields, words, strict=True):
            try:
                value = int(word, 0)
            except ValueError:
                raise self._fail(number, column, f"{name}: '{word}' is not a whole number") from None
            low, high = limits.get(name, (0, 2**63 - 1))
            if not low <= value <= high:
                raise self._fail(number, column, f"{name}: {word} is out of range (allowed: {low}..{high})")
            values[name] = value
        return values

    def line(self, number: int, text: str) -> bool:
        """Take one line; True after EOC."""
        known = self._known.get(text)
        if known is not None:
            self._builder.extend(known)
            return False
        before = len(self._builder)
        ended = self._parse(number, text)
        if not ended and "AF" not in text and "CFR" not in text:
            self._known[text] = self._builder.since(before)
        return ended

    def _parse(self, number: int, text: str) -> bool:
        words = list(split_words(text))
        column, head = words[0]
        if head == "AiM":
            if len(words) == 1:
                raise self._fail(number, column, "AiM without an instruction")
            return self._instruction(number, words[1:])
        kind = (head, words[1][1]) if len(words) > 1 else (head, "")
        if kind not in HOST_LINES:
            allowed = ", ".join(["AiM OP", *(" ".join(pair) for pair in HOST_LINES)])
            raise self._fail(number, column, f"'{' '.join(kind).strip()}' is not a host request (allowed: {allowed})")
        self._host(kind, self._values(number, words[2:], HOST_LINES[kind], " ".join(kind)))
        return False

    def _host(self, kind: tuple[str, str], values: dict[str, int]) -> None:
        if kind[1] == "MEM":
            mask = self._mask(1 << (N_CHANNELS - 1 - values["channel"]))
            command = "RD" if kind[0] == "R" else "WR"
            self._builder.add(command, bank=values["bank"], row=values["row"], channels=mask, memory=True)
            return
        if kind == ("W", "CFR") and values["register"] == CFR_ACTIVATION:
            self._activation = values["value"]
        self._builder.host_cycles(1)

    def _instruction(self, number: int, words: list[tuple[int, str]]) -> bool:
        column, mnemonic = words[0]
        name = mnemonic.removeprefix("ISR_")
        if name not in INSTRUCTIONS:
            raise self._fail(number, column, f"'{mnemonic}' is not an AiM instruction{_nearest(name)}")
        form = INSTRUCTIONS[name]
        values = self._values(number, words[1:], form.fields, name)
        if name in {"SYNC", "EOC"}:
            (self._builder.sync if name == "SYNC" else self._builder.end)()
            return name == "EOC"
        if form.command is None:
            self._builder.host_cycles(1)
            return False
        if form.command not in self._spec.commands:
            raise self._fail(
                number, column, f"{name} needs the command {form.command}, which {self._spec.name} does not have"
            )
        row = AF_FIRST_ROW + self._activation if name == "AF" else values.get("row", 0)
        self._builder.add(
            form.command,
            values.get("opsize", 1),
            bank=values.get("bank", 0),
            row=row,
            channels=self._mask(values["mask"]),
            blocking=form.blocking,
            memory=form.memory,
        )
        return False

    def build(self) -> HostProgram:
        return self._builder.build()


def _banks(spec: Dram) -> int:
    banks = 1
    for count in spec.organization.levels.values():
        banks *= count
    return banks


def _nearest(name: str) -> str:
    close = get_close_matches(name, INSTRUCTIONS, 1)
    return f"; did you mean '{close[0]}'?" if close else f" (allowed: {', '.join(INSTRUCTIONS)})"


def read_aim(spec: Dram, path: Path, progress: Callable[[int], None] | None = None) -> HostProgram:
    """The host program of an AiM trace for ``spec``.

    Raises TraceError with file:line:column for a line that is no request, a field out of range, lines after EOC or a
    missing EOC.
    """
    reader = _Reader(spec, path)
    ended_at = last = 0
    for number, text in read_lines(path):
        if ended_at:
            raise TraceError(f"a request after the EOC of line {ended_at}", file=str(path), line=number, column=1)
        if reader.line(number, text):
            ended_at = number
        last = number
        if progress is not None:
            progress(number)
    if not ended_at:
        raise TraceError("the trace must end with 'AiM EOC'", file=str(path), line=last + 1, column=1)
    return reader.build()


def replay_aim(spec: Dram, path: Path, *, log: bool = False, engine: EngineName = "compiled") -> ReplayRun:
    """Run an AiM trace on `N_CHANNELS` channels; the log is that of the first channel that issued anything."""
    started = time.perf_counter()
    run = device_engine(spec, engine).run_program(read_aim(spec, path), log=log)
    return replay_run(spec, run, started)
