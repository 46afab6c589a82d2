"""What held each op kind: shares of time by resource, gathered while a run goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

COMPUTE = "compute"
LANES = "vector lanes"
POWER = "power limit"
MAC_RATE = "near-bank MAC rate"
PINS = "DRAM data pins"
ROWS = "DRAM row activation"
REFRESH = "DRAM refresh"
MODE = "DRAM mode changes"
VERTICAL_BUS = "vertical bus"
DMA = "DMA"
THROTTLE = "thermal throttling"
HOST = "host"
LINKS = "links between devices"
LAUNCH = "launch of a collective"
CACHE = "last-level cache"
SOCKETS = "memory of another socket"
REQUESTS = "outstanding requests"
BANKS = "SRAM banks"
SRAM_STREAMS = "SRAM streams"
MESH = "mesh hops"
FAR_MEMORY = "far memory"
FAR_LINK = "link to a far memory"


class Limits:
    """Time in ps that each op kind was held by each resource. The units report what their own model says held them."""

    def __init__(self) -> None:
        self._ps: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, op_kind: str, held_ps: Mapping[str, int]) -> None:
        """An op of ``op_kind`` was held for these times."""
        ps = self._ps[op_kind]
        for resource, time_ps in held_ps.items():
            ps[resource] += time_ps

    def clear(self) -> None:
        """Forget everything, as between prompt and decode."""
        self._ps.clear()

    def held_ps(self) -> dict[str, dict[str, int]]:
        """By op kind the time for which each resource held it."""
        return {kind: dict(ps) for kind, ps in sorted(self._ps.items())}

    def bound_by(self) -> dict[str, str]:
        """By op kind the resource that held it longest; ties go to the one reported first."""
        return {kind: max(ps, key=lambda name: ps[name]) for kind, ps in sorted(self._ps.items())}
