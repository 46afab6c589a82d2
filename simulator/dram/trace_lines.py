"""Lines and words of text traces, with their places."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from simulator.errors import TraceError


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text without its comment) of each line that says something; `.gz` is unpacked.

    Raises TraceError for a file that cannot be read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                text = (line[: line.index("#")] if "#" in line else line).rstrip()
                if text:
                    yield number, text
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise TraceError(f"cannot be read: {error}", file=str(path), line=1, column=1) from error


def split_words(text: str) -> Iterator[tuple[int, str]]:
    """(column, counted from 1, and text) of each word."""
    start = 0
    for word in text.split():
        start = text.index(word, start)
        yield start + 1, word
        start += len(word)
