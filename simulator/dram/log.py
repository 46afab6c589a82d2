"""The command log of one channel: records, and their CSV form (docs/dram-engine.md section 7)."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from simulator.config.dram_schema import Dram
from simulator.dram.trace_lines import read_text_lines
from simulator.errors import TraceError

HEADER = "# standard: "


class LoggedCommand(NamedTuple):
    """A command as issued: first tick, node by level below the channel (-1: not addressed), row and column or -1."""

    tick: int
    command: str
    address: tuple[int, ...]
    row: int
    column: int


class CommandLog(NamedTuple):
    """A log file's content: the standard that it names, the levels below the channel, the commands in file order."""

    standard: str
    levels: tuple[str, ...]
    commands: tuple[LoggedCommand, ...]


def format_log(spec: Dram, commands: Iterable[LoggedCommand]) -> Iterator[str]:
    """The lines of a log file, without line ends."""
    yield HEADER + spec.name
    yield ",".join(("clk", "command", *spec.organization.levels, "row", "column"))
    for entry in commands:
        yield ",".join(map(str, (entry.tick, entry.command, *entry.address, entry.row, entry.column)))


def write_log(spec: Dram, commands: Iterable[LoggedCommand], path: Path) -> None:
    """Write a log file, gzipped if its name ends in ``.gz``."""
    text = "".join(f"{line}\n" for line in format_log(spec, commands)).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def read_log(path: Path) -> CommandLog:
    """Read a log file, gzipped or not; raises TraceError with the place of the first thing that is wrong."""
    return parse_log([line.rstrip("\r\n") for _, line in read_text_lines(path)], str(path))


def parse_log(lines: Sequence[str], name: str) -> CommandLog:
    """The log in ``lines``; ``name`` is the file named in errors. Raises TraceError.

    Another program's log may begin with its column names, and call the command ``cmd``.
    """
    named = bool(lines) and lines[0].startswith(HEADER)
    if not named and not (lines and lines[0].startswith("clk,cmd,")):
        raise TraceError(f"a log begins with '{HEADER}NAME'", file=name, line=1, column=1)
    first = 1 if named else 0
    levels = _levels(lines[first] if len(lines) > first else "", name, first + 1)
    body = enumerate(lines[first + 1 :], first + 2)
    entries = tuple(_entry(line, number, levels, name) for number, line in body if line.strip())
    return CommandLog(lines[0].removeprefix(HEADER).strip() if named else "", levels, entries)


def _levels(line: str, name: str, number: int) -> tuple[str, ...]:
    """The levels that the line of column names lists."""
    names = line.lower().split(",")
    known = names[:2] in (["clk", "command"], ["cycle", "command"], ["clk", "cmd"])
    if not known or names[-2:] != ["row", "column"] or len(names) < 5:
        raise TraceError("the column names must be clk,command,<levels>,row,column", file=name, line=number, column=1)
    return tuple(names[2:-2])


def _entry(line: str, number: int, levels: tuple[str, ...], name: str) -> LoggedCommand:
    """One record."""
    fields = line.split(",")
    if len(fields) != len(levels) + 4:
        message = f"{len(fields)} fields, not {len(levels) + 4}"
        raise TraceError(message, file=name, line=number, column=1)
    numbers = []
    for index, field in enumerate(fields):
        if index == 1:
            continue
        try:
            numbers.append(int(field))
        except ValueError:
            column = sum(len(earlier) + 1 for earlier in fields[:index]) + 1
            raise TraceError(f"'{field}' is not a whole number", file=name, line=number, column=column) from None
    return LoggedCommand(numbers[0], fields[1].strip(), tuple(numbers[1:-2]), numbers[-2], numbers[-1])
