"""What the compiled engine remembers of sequential streams: channel states and the stretches that follow them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.dram.address import LEVEL_OF_FIELD, AddressMapping
from simulator.dram.kernel import state as k

STATES = 1024
"""States remembered for one command; a stream with more of them goes on being simulated. About 30 MB."""


@dataclass(frozen=True)
class StreamMemory:
    """Arrays of `kernel.stream.run_stream` for one standard and command; they fill as streams run."""

    keys: k.Ints
    saved: k.Ints
    steps: k.Ints
    slots: k.Ints
    used: k.Ints

    @classmethod
    def empty(cls, tables: k.Ints) -> StreamMemory:
        """Room for `STATES` states of a channel with these tables."""
        rings = int(tables[k.AT_ORDER] - tables[k.AT_RING])
        length = 9 + int(tables[k.AT_BANK] - tables[k.AT_READY]) + rings + 2 * int(tables[k.H_ENTRIES])
        return cls(
            keys=np.zeros((STATES + 1, length + 1), dtype=np.int64),
            saved=np.zeros((STATES, int(tables[k.H_SIZE]) + 1), dtype=np.int64),
            steps=np.zeros((STATES + 1, k.S_COMMANDS + int(tables[k.H_KINDS])), dtype=np.int64),
            slots=np.full(4 * STATES + 1, k.NO_STATE, dtype=np.int64),
            used=np.zeros(1, dtype=np.int64),
        )

    def arrays(self) -> tuple[k.Ints, ...]:
        """In the order of `run_stream`'s arguments."""
        return self.keys, self.saved, self.steps, self.slots, self.used


def channel_mapping(mapping: AddressMapping) -> tuple[k.Ints, int]:
    """A mapping within one channel as the kernel's rows, and its sweep: bursts after which only the row has moved.

    Raises ValueError where the row is not the most significant field of the channel.
    """
    levels = mapping.levels
    weights = dict(zip(levels, _weights(tuple(levels.values())), strict=True))
    rows: list[tuple[int, int, int]] = []
    sweep = 1
    for field, count in mapping.fields:
        if field == "Ch" or count == 1:
            continue
        if rows and rows[-1][0] == k.TO_ROW:
            raise ValueError(
                f"address mapping {mapping.name}: a stream needs the row as the channel's top field, not {field}"
            )
        if field == "Ro":
            rows.append((k.TO_ROW, count, 1))
            continue
        sweep *= count
        target = k.TO_COLUMN if field == "Co" else k.TO_BANK
        rows.append((target, count, 1 if field == "Co" else weights[LEVEL_OF_FIELD[field]]))
    if mapping.hashed_banks > 1:
        rows.append((k.TO_HASH, 1, mapping.hashed_banks))
    return np.array(rows, dtype=np.int64), sweep


def _weights(counts: tuple[int, ...]) -> list[int]:
    """Banks that one step of each level moves on."""
    weights = [1]
    for count in reversed(counts[1:]):
        weights.append(weights[-1] * count)
    return weights[::-1]
