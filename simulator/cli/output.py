"""Where a verb's output goes: the result to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType


_RESULTS: ContextVar[TextIO] = ContextVar("results")
"""The process's stdout, while `only_results_on_stdout` keeps others away from it."""

COMPARISON_FILE = "comparison.json"
"""Where `nearbank compare -o` leaves its result, and `nearbank report` looks for it."""

MIN_COLUMNS = 72
"""Figures are never cut to fit a terminal narrower than this."""


@contextmanager
def only_results_on_stdout() -> Iterator[None]:
    """While it lasts, what others print (a plug-in, a library) goes to stderr, only this module's output to stdout."""
    token = _RESULTS.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
        sys.stdout.flush()
    finally:
        _RESULTS.reset(token)


def stdout() -> TextIO:
    """Where results go."""
    return _RESULTS.get(sys.stdout)


def show(*renderables: RenderableType) -> None:
    """Print for people, on stdout; colours only on a terminal."""
    from rich.console import Console

    console = Console(file=stdout(), highlight=False)
    console.width = max(console.width, MIN_COLUMNS)
    for renderable in renderables:
        console.print(renderable)


def text(line: str) -> None:
    """Print one plain line on stdout."""
    raw(f"{line}\n")


def raw(content: str) -> None:
    """Put text that already ends its last line on stdout."""
    stdout().write(content)


def document(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document on stdout, keys sorted."""
    raw(to_json(value))


def to_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Deterministic JSON: keys sorted, floats in shortest exact form, a newline at the end."""
    return json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n"


def warn(line: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(f"{line}\n")


def prepare(*folders: Path) -> None:
    """Make sure before a long run that its results can be written below ``folders``."""
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file, not a directory", str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "nothing can be written there", str(folder))


def prepare_file(path: Path) -> None:
    """Make sure before a long run that ``path`` can be written."""
    prepare(path.parent)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a directory, not a file", str(path))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of writing an open file, which do not say which, as errors about ``path``."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error


def write_atomically(path: Path, content: str) -> None:
    """Write a file so that readers see the old one or the whole new one, never a part."""
    prepare(path.parent)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            partial.write_text(content, encoding="utf-8")
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
