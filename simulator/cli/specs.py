"""The DRAM standard that a command-line argument names."""

from __future__ import annotations

from simulator.config.dram_schema import Dram
from simulator.errors import ConfigError


def load_dram(ref: str) -> Dram:
    """The standard called ``ref``, or that of the only DRAM component of the platform called ``ref``."""
    from simulator.config import loader

    document = loader.load_document(ref, expected_kind=("dram", "platform"))
    if document.data["kind"] == "dram":
        return loader.build(document, Dram)
    from simulator import api
    from simulator.units.memory import MemorySpec

    memories = [part.dram for part in api.load_arch(ref).spec.components.values() if isinstance(part, MemorySpec)]
    if len(memories) != 1:
        raise ConfigError(f"{ref} has {len(memories)} DRAM components; name the standard itself (nearbank list drams)")
    return memories[0]
