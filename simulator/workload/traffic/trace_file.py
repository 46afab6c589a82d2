"""Trace files of requests: CSV with a header line, or JSON lines.

Columns: ``arrival_s`` (seconds, not falling), ``prompt_tokens``, ``output_tokens`` and, if prompts share beginnings,
``prefix`` (any name) with ``prefix_tokens``. Lines that begin with ``#`` and empty lines are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulator.config.nearest import hint
from simulator.errors import TraceError

NEEDED = ("arrival_s", "prompt_tokens", "output_tokens")
ALLOWED = (*NEEDED, "prefix", "prefix_tokens")
JSON_LINES = (".jsonl", ".ndjson")
MOST_TOKENS = 2**24


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One request of a trace; times in seconds from its first moment."""

    arrival_s: float
    prompt_tokens: int
    output_tokens: int
    prefix: str | None = None
    prefix_tokens: int = 0


@dataclass(frozen=True)
class _Line:
    """A line of the file, for its errors."""

    file: str
    number: int
    values: Mapping[str, Any]

    def error(self, message: str, key: str = "") -> TraceError:
        """An error at this line."""
        return TraceError(message, file=self.file, line=self.number, key=key)


def read_trace(path: Path, shown: str) -> tuple[TraceRow, ...]:
    """The requests of the file at ``path``, which errors call ``shown``. Raises TraceError with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TraceError("is not a text file in UTF-8", file=shown) from None
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror}", file=shown) from None
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    parse = _json_lines if path.suffix in JSON_LINES else _csv_lines
    rows = tuple(_row(line) for line in parse(lines, shown))
    if not rows:
        raise TraceError("holds no request", file=shown)
    _check_order(rows, shown)
    return rows


def _csv_lines(lines: list[tuple[int, str]], shown: str) -> Iterator[_Line]:
    if not lines:
        return
    first, header = lines[0]
    names = [name.strip() for name in header.split(",")]
    _check_names(_Line(shown, first, dict.fromkeys(names)))
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(names):
            raise TraceError(f"{len(cells)} values, the header has {len(names)}", file=shown, line=number)
        values = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        yield _Line(shown, number, {name: _number(cell) if name != "prefix" else cell for name, cell in values.items()})


def _number(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _json_lines(lines: list[tuple[int, str]], shown: str) -> Iterator[_Line]:
    for number, line in lines:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            raise TraceError("is not a JSON object", file=shown, line=number) from None
        if not isinstance(values, dict):
            raise TraceError("is not a JSON object", file=shown, line=number)
        found = _Line(shown, number, values)
        _check_names(found)
        yield found


def _check_names(line: _Line) -> None:
    for name in line.values:
        if name not in ALLOWED:
            raise line.error(f"unknown column '{name}' (allowed: {', '.join(ALLOWED)}){hint(name, ALLOWED)}")
    missing = [name for name in NEEDED if name not in line.values]
    if missing:
        raise line.error(f"the column '{missing[0]}' is missing (needed: {', '.join(NEEDED)})")


def _row(line: _Line) -> TraceRow:
    arrival = line.values.get("arrival_s")
    if isinstance(arrival, bool) or not isinstance(arrival, int | float) or not 0 <= arrival <= 1e9:
        raise line.error(f"'{arrival}' is not a time in seconds (allowed: 0..1e9)", "arrival_s")
    prompt, output = (_tokens(line, key, 1) for key in ("prompt_tokens", "output_tokens"))
    prefix, shared = line.values.get("prefix"), 0
    if prefix is not None:
        shared = _tokens(line, "prefix_tokens", 0)
        if shared >= prompt:
            raise line.error(f"{shared} leave no token of the prompt's {prompt}", "prefix_tokens")
    return TraceRow(float(arrival), prompt, output, None if prefix is None else str(prefix), shared)


def _tokens(line: _Line, key: str, least: int) -> int:
    value = line.values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_TOKENS:
        raise line.error(f"'{value}' is not a number of tokens (allowed: {least}..{MOST_TOKENS})", key)
    return value


def _check_order(rows: tuple[TraceRow, ...], shown: str) -> None:
    for before, after in pairwise(rows):
        if after.arrival_s < before.arrival_s:
            raise TraceError(
                f"a request at {after.arrival_s} s stands after one at {before.arrival_s} s",
                file=shown,
                key="arrival_s",
            )
