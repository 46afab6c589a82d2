"""Which numbers of a document are guesses."""

from __future__ import annotations

from typing import Any

from simulator.config.tree import dotted

ASSUMED = "assumed"


def guesses(data: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    """The dotted paths of all blocks of plain ``data`` whose ``source`` begins with ``assumed``, in document order."""
    found: list[str] = []
    if isinstance(data, dict):
        source = data.get("source")
        if isinstance(source, str) and source.strip().lower().startswith(ASSUMED):
            found.append(dotted(path))
        for key, value in data.items():
            found += guesses(value, (*path, key))
    elif isinstance(data, list | tuple):
        for position, value in enumerate(data):
            found += guesses(value, (*path, position))
    return found
