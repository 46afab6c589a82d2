"""Where a verb's output goes: the result to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(*renderables: RenderableType) -> None:
    """Print for people, on stdout; colours only on a terminal."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    for renderable in renderables:
        console.print(renderable)


def text(line: str) -> None:
    """Print one plain line on stdout."""
    raw(f"{line}\n")


def raw(content: str) -> None:
    """Put text that already ends its last line on stdout."""
    sys.stdout.write(content)


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
        folder.mkdir(parents=True, exist_ok=True)


def write_atomically(path: Path, content: str) -> None:
    """Write a file so that readers see the old one or the whole new one, never a part."""
    prepare(path.parent)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
