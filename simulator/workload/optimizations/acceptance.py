"""Acceptance of drafted tokens, and how many tokens a step yields by it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import Annotated

from pydantic import Field

Probability = Annotated[float, Field(ge=0, le=1)]
Profile = Probability | Annotated[tuple[Probability, ...], Field(min_length=1, max_length=64)]
"""Of each drafted position, given that the one before it was accepted; one number for all positions."""


def by_position(profile: float | Sequence[float], depth: int) -> tuple[float, ...]:
    """The acceptance of each of ``depth`` positions."""
    return (float(profile),) * depth if isinstance(profile, int | float) else tuple(profile)


def expected_tokens(acceptance: Sequence[float]) -> float:
    """1 + a1 + a1 a2 + ...: the accepted draft tokens, and the one that the model itself adds."""
    return 1.0 + float(sum(accumulate(acceptance, mul)))
