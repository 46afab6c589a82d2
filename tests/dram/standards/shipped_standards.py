"""The shipped standards, found by glob: a new YAML file is tested without a change here."""

from __future__ import annotations

from pathlib import Path

from strategies import bank_count

from simulator.config.dram_schema import Dram
from simulator.config.paths import list_names

SHIPPED = tuple(sorted(Path(name).name for name in list_names("drams")))


def pseudochannels(spec: Dram) -> int:
    """Data buses of a channel."""
    return spec.organization.levels.get("pseudochannel", 1)


def spread_banks(spec: Dram) -> list[int]:
    """Banks whose columns follow each other without a wait: one in each bank group (else four) of each data bus."""
    levels = spec.organization.levels
    step = levels["bank"] if "bankgroup" in levels else 1
    on_each = levels.get("bankgroup", 4)
    buses = pseudochannels(spec)
    return [bus * bank_count(spec) // buses + group * step for group in range(on_each) for bus in range(buses)]
