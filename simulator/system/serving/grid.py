"""Grids on which costs are simulated, and the places of values between their points."""

from __future__ import annotations

Between = tuple[tuple[int, float], ...]
"""Grid points around a value with their weights, which add up to 1: one point on the grid, else the two next to it."""


def between(value: int, per_octave: int, most: int) -> Between:
    """Where ``value`` lies on a grid of ``per_octave`` (a power of two) points from each power of two to the next.

    All whole numbers up to ``2 * per_octave`` are on the grid, and ``most``, beyond which there is none.
    """
    step = max(1, (1 << max(0, value.bit_length() - 1)) // per_octave)
    low = value // step * step
    high = min(low + step, max(most, value))
    if value in (low, high):
        return ((value, 1.0),)
    share = (value - low) / (high - low)
    return ((low, 1.0 - share), (high, share))


def whole(value: int) -> Between:
    """A value that is a point itself."""
    return ((value, 1.0),)
