"""A chain: programs that run one after the other, each a number of times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from simulator.dram.program import HostProgram


@dataclass(frozen=True, eq=False)
class Chain:
    """``parts``: (program, repeats) in order. ``mac_bytes``: bytes its MACab must read, counted from the shapes."""

    parts: tuple[tuple[HostProgram, int], ...]
    mac_bytes: int = 0

    @cached_property
    def key(self) -> tuple[tuple[bytes, int], ...]:
        """Equal chains have equal keys."""
        return tuple((program.key, repeats) for program, repeats in self.parts)


def joined(chains: Iterable[Chain]) -> Chain:
    """One chain after the other; equal neighbours become repeats."""
    parts: list[tuple[HostProgram, int]] = []
    mac_bytes = 0
    for chain in chains:
        mac_bytes += chain.mac_bytes
        for program, repeats in chain.parts:
            if parts and parts[-1][0].key == program.key:
                parts[-1] = (parts[-1][0], parts[-1][1] + repeats)
            else:
                parts.append((program, repeats))
    return Chain(tuple(parts), mac_bytes)
