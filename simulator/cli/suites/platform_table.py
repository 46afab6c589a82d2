"""Rows of a CSV table of reference data."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from simulator.errors import ConfigError

Row = dict[str, str]


def rows(path: Path, needed: Iterable[str]) -> list[tuple[int, Row]]:
    """(line, row) of a table. Raises ConfigError when it cannot be read or lacks a column."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(f"there is no column {', '.join(missing)}", file=str(path), line=1)
            return [(reader.line_num, {key: value or "" for key, value in row.items() if key}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=str(path)) from error


def number(path: Path, line: int, row: Row, name: str) -> float:
    """A number above 0. Raises ConfigError."""
    try:
        value = float(row[name])
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ConfigError(f"{name}: '{row[name]}' is not a number above 0", file=str(path), line=line)
    return value


def whole(path: Path, line: int, row: Row, name: str, default: int | None = None) -> int:
    """A whole number above 0; ``default`` where the cell is empty. Raises ConfigError."""
    text = row[name]
    if not text and default is not None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"{name}: '{text}' is not a whole number above 0", file=str(path), line=line)
    return int(text)
