"""The engines of whole devices by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram
from simulator.dram.runs import DeviceRun, RequestList, Stream

EngineName = Literal["compiled", "reference"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


class DeviceEngine(Protocol):
    """All channels of one standard; every run starts at tick 1 on idle channels with all banks precharged."""

    spec: Dram

    def run_program(self, program: HostProgram, *, refresh_phase: int | None = None, log: bool = False) -> DeviceRun:
        """Run a host program (docs/near-bank-isa.md, docs/dram-engine.md section 8)."""

    def run_requests(
        self,
        requests: RequestList,
        program: HostProgram | None = None,
        *,
        refresh_phase: int | None = None,
        log: bool = False,
    ) -> DeviceRun:
        """Serve memory requests on one channel, beside near-bank commands."""

    def run_streams(self, segments: Sequence[Stream], *, refresh_phase: int | None = None) -> DeviceRun:
        """Serve sequential streams side by side."""


def device_engine(spec: Dram, engine: EngineName) -> DeviceEngine:
    """The engine called ``engine`` for a standard: ``compiled``, or ``reference`` (SimPy, one event per command)."""
    if engine == "reference":
        from simulator.dram.reference_device import ReferenceDevice

        return ReferenceDevice(spec)
    from simulator.dram.device import Device

    return Device(spec)
