"""Lines and words of text traces and logs, with their places."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from simulator.errors import TraceError

DAMAGE = (OSError, EOFError, zlib.error)
"""What reading raises for a file that is there."""


def read_text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line, without a byte order mark; `.gz` is unpacked.

    Raises TraceError for a file that cannot be read, at the line that cannot.
    """
    number = 0
    try:
        with io.TextIOWrapper(_open(path), encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                yield number, line
    except UnicodeDecodeError:
        raise _bad_byte(path) from None
    except FileNotFoundError as error:
        raise TraceError("there is no such file", file=str(path)) from error
    except DAMAGE as error:
        raise _unreadable(path, number + 1, error) from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text without its comment) of each line that says something. Raises as `read_text_lines` does."""
    for number, line in read_text_lines(path):
        text = (line[: line.index("#")] if "#" in line else line).rstrip()
        if text:
            yield number, text


def split_words(text: str) -> Iterator[tuple[int, str]]:
    """(column, counted from 1, and text) of each word."""
    start = 0
    for word in text.split():
        start = text.index(word, start)
        yield start + 1, word
        start += len(word)


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _unreadable(path: Path, line: int, error: Exception) -> TraceError:
    damaged = isinstance(error, EOFError | zlib.error)
    what = f"damaged gzip data: {error}" if damaged else f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return TraceError(what, file=str(path), line=line, column=1)


def _bad_byte(path: Path) -> TraceError:
    """The error about the first byte that is not UTF-8, or about damage before it."""
    number = 0
    try:
        with _open(path) as raw:
            for line in raw:
                number += 1
                line.decode("utf-8")
    except UnicodeDecodeError as error:
        column = len(error.object[: error.start].decode("utf-8")) + 1
        message = f"not UTF-8: byte 0x{error.object[error.start]:02x} cannot be read"
        return TraceError(message, file=str(path), line=number, column=column)
    except DAMAGE as error:
        return _unreadable(path, number + 1, error)
    return TraceError("not UTF-8 text", file=str(path), line=1, column=1)
