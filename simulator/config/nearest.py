"""The nearest valid name, for error messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name most like ``name``, whatever its case; None when none is."""
    by_lower = {candidate.lower(): candidate for candidate in valid}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def hint(name: str, valid: Iterable[str]) -> str:
    """``; nearest: 'x'`` for appending to a message, or nothing."""
    match = nearest(name, valid)
    return f"; nearest: '{match}'" if match is not None else ""
