"""Stacked memories made from the shipped parts, with buses as wide as a test wants."""

from typing import Any

from parts import frozen, wired

from simulator.config.loader import load_document
from simulator.hooks import Instrument
from simulator.system.builder import System
from simulator.units.stacked_memory import StackedMemory


class Moved(Instrument):
    """Bytes by component and hop."""

    def __init__(self) -> None:
        self.n_bytes: dict[tuple[str, str], int] = {}

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        self.n_bytes[component, hop] = self.n_bytes.get((component, hop), 0) + n_bytes


def part(name: str, **changes: Any) -> Any:
    return frozen(load_document(name).data | changes)


def stack(
    changes: dict[str, dict[str, Any]] | None = None, *instruments: Instrument, name: str = "ndp3d_tsv"
) -> System:
    return wired(name, changes, exact=True, instruments=instruments)


def memory_of(system: System) -> StackedMemory:
    found = system.components["memory"]
    assert isinstance(found, StackedMemory)
    return found
