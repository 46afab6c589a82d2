"""Simulated ticks and commands per second: the compiled engine against the SimPy reference engine, on the same work.

    python experiments/benchmarks/engines.py

Work: random reads and writes and a row-walking read stream on each plain standard, a GEMV's commands on each near-bank
standard. The compiled engine gets `SCALE` times more of it, so that both run long enough; figures are per second of
processor time.
"""

from __future__ import annotations

import time
from math import prod
from random import Random

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.device import Device, RequestList
from simulator.dram.program import ProgramBuilder
from simulator.dram.reference import MemoryRequest, ProgramEntry, run_reference

PLAIN = ("hbm2_2.0g", "hbm3_6.4g")
NEAR_BANK = ("gddr6_aim", "gddr6_aim_ref", "hbm2_pim")
SCALE = 20


def random_requests(spec: Dram, n: int) -> list[MemoryRequest]:
    """Reads and writes all over the channel."""
    random = Random(1)
    banks = prod(spec.organization.levels.values())
    columns = spec.organization.row_bytes // spec.organization.burst_bytes
    rows = spec.organization.rows
    return [
        MemoryRequest(random.choice("RW"), random.randrange(banks), random.randrange(rows), random.randrange(columns))
        for _ in range(n)
    ]


def row_walk(spec: Dram, n: int) -> list[MemoryRequest]:
    """Reads through the rows of one bank after the other."""
    columns = spec.organization.row_bytes // spec.organization.burst_bytes
    banks = prod(spec.organization.levels.values())
    return [MemoryRequest("R", i // columns % banks, i // columns // banks, i % columns) for i in range(n)]


def gemv(rows: int) -> list[ProgramEntry]:
    """Rows of a GEMV, each with its bias and its read-out."""
    entries = [ProgramEntry("WRGB", 32)]
    for row in range(rows):
        entries += [ProgramEntry("WRMACab"), ProgramEntry("MACab", 32, 0, row), ProgramEntry("RDMACab")]
    return entries


def request_list(requests: list[MemoryRequest]) -> RequestList:
    """The compiled engine's form of memory requests."""
    columns = [np.array([getattr(r, f) for r in requests], dtype=np.int64) for f in ("bank", "row", "column")]
    return RequestList(np.array([r.kind == "W" for r in requests], dtype=np.bool_), *columns)


def compiled(device: Device, requests: list[MemoryRequest], entries: list[ProgramEntry]) -> tuple[int, int, float]:
    """(ticks, commands, processor seconds) of the compiled engine."""
    builder = ProgramBuilder(device.spec, 1)
    for entry in entries:
        builder.add(entry.command, entry.count, bank=entry.bank, row=entry.row)
    program, queued = builder.build(), request_list(requests)
    started = time.process_time()
    run = device.run_requests(queued, program)
    return run.end_tick, sum(run.commands.values()), time.process_time() - started


def reference(spec: Dram, requests: list[MemoryRequest], entries: list[ProgramEntry]) -> tuple[int, int, float]:
    """(ticks, commands, processor seconds) of the reference engine."""
    started = time.process_time()
    run = run_reference(spec, requests, entries)
    return run.end_tick, sum(run.counts.values()), time.process_time() - started


def report(name: str, fast: tuple[int, int, float], slow: tuple[int, int, float]) -> None:
    """One line."""
    (ticks, commands, wall), (ticks_r, commands_r, wall_r) = fast, slow
    print(
        f"{name:26} compiled {ticks / wall / 1e6:9.2f} M ticks/s {commands / wall / 1e6:8.2f} M commands/s"
        f"   reference {ticks_r / wall_r / 1e6:7.4f} M ticks/s {commands_r / wall_r / 1e6:7.4f} M commands/s"
        f"   ratio {(ticks / wall) / (ticks_r / wall_r):8.0f}"
    )


def main() -> None:
    """Measure and print."""
    for name in (*PLAIN, *NEAR_BANK):
        spec = build(load_document(name, expected_kind="dram"), Dram)
        device = Device(spec)
        compiled(device, random_requests(spec, 10), [])
        work = (
            {"gemv": (lambda n: ([], gemv(n // 10)))}
            if name in NEAR_BANK
            else {
                "random": lambda n, s=spec: (random_requests(s, n), []),
                "row walk": lambda n, s=spec: (row_walk(s, n), []),
            }
        )
        for title, make in work.items():
            report(f"{name} {title}", compiled(device, *make(1000 * SCALE)), reference(spec, *make(1000)))


if __name__ == "__main__":
    main()
