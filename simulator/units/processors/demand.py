"""What an op asks of a processor, and how long its arithmetic takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Demand:
    """What an op asks: DRAM bytes, bytes of the last-level cache, arithmetic time, and cores that have work.

    ``macs``: multiply-adds that run, those of padding included.
    """

    read_bytes: int
    write_bytes: int
    cache_bytes: int
    compute_ps: int
    workers: int
    resource: str
    macs: int = 0
    mapping: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Arithmetic:
    """How a product runs: arithmetic time, bytes that cores fetch from the last-level cache, and cores with work.

    ``macs``: multiply-adds that run, those of padding included.
    ``stored_bytes`` of the stored operand come from the memory and, beyond what of its activations does not fit the
    cache, ``moving_bytes`` of the moving one. ``mapping``: the choices behind it, for the user.
    """

    compute_ps: int
    fetched_bytes: int
    workers: int
    macs: int
    stored_bytes: int
    moving_bytes: int = 0
    mapping: Mapping[str, int | str] = field(default_factory=dict)
