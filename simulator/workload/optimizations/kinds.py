"""Op kinds that a block names: those that there are none of are faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.config.faults import Fault
from simulator.config.nearest import hint
from simulator.workload.ops import OP_KINDS


def unknown_kinds(key: str, kinds: Sequence[str]) -> Iterator[Fault]:
    """A fault for each of ``kinds``, the list under ``key``, that is no op kind."""
    for position, kind in enumerate(kinds):
        if kind not in OP_KINDS:
            yield Fault((key, position), f"there is no op kind '{kind}'{hint(kind, OP_KINDS.names())}")
