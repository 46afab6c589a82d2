"""Programs of a host over several channels, and the figures of what devices made of them."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import strategies as st
from strategies import standard

from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.dram.runs import DeviceRun


def figures(run: DeviceRun) -> dict[str, object]:
    """All plain fields of a run."""
    return {f.name: getattr(run, f.name) for f in dataclasses.fields(run) if f.name not in ("issued", "completions")}


def program(builder: ProgramBuilder, rows: int, channels: np.ndarray | None = None) -> None:
    """A GEMV of a few rows."""
    builder.add("WRGB", 64, channels=channels)
    for row in range(rows):
        builder.add("WRMACab", channels=channels)
        builder.add("MACab", 64, row=row, channels=channels)
        builder.add("RDMACab", blocking=True, channels=channels)


@st.composite
def host_programs(draw: st.DrawFn, name: str, channels: int) -> HostProgram:
    """Programs, reads, writes and barriers for changing sets of channels."""
    builder = ProgramBuilder(standard(name), channels)
    for _ in range(draw(st.integers(1, 12))):
        mask = np.array(draw(st.lists(st.booleans(), min_size=channels, max_size=channels)))
        everyone = draw(st.booleans())
        if not mask.any():
            continue
        kind = draw(st.sampled_from(("program", "program", "write", "read", "sync")))
        bank, row = draw(st.integers(0, 15)), draw(st.integers(0, 3))
        if kind == "program":
            program(builder, draw(st.integers(1, 3)), None if everyone else mask)
        elif kind == "sync":
            builder.sync()
        else:
            builder.add("WR" if kind == "write" else "RD", 3, bank=bank, row=row, channels=mask, memory=True)
    if draw(st.booleans()):
        builder.end()
    return builder.build()
