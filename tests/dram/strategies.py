"""Standards, and Hypothesis strategies for streams on them, for every test of the DRAM engines."""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path
from typing import Literal

from hypothesis import strategies as st

from simulator.cli.suites.dram_golden import read_golden
from simulator.cli.suites.dram_spec import build_spec
from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.reference import MemoryRequest, ProgramEntry

GOLDEN = Path(__file__).parents[2] / "experiments" / "validation" / "data" / "dram"
DATA = Path(__file__).parents[1] / "data" / "dram"
STANDARDS = ("gddr6_aim", "gddr6_aim_ref", "hbm2_2.0g", "hbm2_pim", "hbm3_6.4g")
NEAR_BANK_STANDARDS = ("gddr6_aim", "gddr6_aim_ref", "hbm2_pim")
GANGS_ACROSS = "hbm3_attacc_5.2g"
"""A standard whose near-bank commands reach banks that are no neighbours."""


@cache
def standard(name: str) -> Dram:
    """A shipped standard."""
    return build(load_document(name, expected_kind="dram"), Dram)


def with_policy(
    spec: Dram,
    *,
    page_policy: Literal["open", "closed"] | None = None,
    refresh: Literal["none", "REFab"] | None = None,
    scheduler: Literal["FRFCFS", "FCFS"] | None = None,
    contention: Literal["skip", "cancel"] | None = None,
) -> Dram:
    """The standard with other controller policies."""
    changes = {"page_policy": page_policy, "refresh": refresh, "scheduler": scheduler, "contention": contention}
    controller = spec.controller.model_copy(update={key: value for key, value in changes.items() if value is not None})
    return spec.model_copy(update={"controller": controller})


def with_controller(spec: Dram, **changes: object) -> Dram:
    """The standard with other keys of its controller."""
    return spec.model_copy(update={"controller": spec.controller.model_copy(update=changes)})


@cache
def golden(name: str, simulator: str = "ramulator2.1") -> Dram:
    """The standard of a golden configuration of suite `dram`."""
    found = {(config.simulator, config.name): config for config in read_golden(GOLDEN)}
    return build_spec(found[simulator, name])


def same_bank_refresh() -> Dram:
    """DDR5 with REFsb and PREsb: one bank of every bank group (JESD79-5 gives tRFCsb 130 ns for 16 Gb)."""
    spec = standard("ddr5_4800_16gb_x8")
    document = spec.model_dump(by_alias=True, exclude_none=True)
    everywhere = {"scope": "bank", "across": "bankgroup", "bus": "row"}
    document["timings"] = {**document["timings"], "nRFCsb": 313, "nREFSBRD": 73}
    document["commands"]["PREsb"] = {**everywhere, "row": "any", "closes": True}
    document["commands"]["REFsb"] = {
        **everywhere,
        "row": "closed",
        "closer": "PREsb",
        "refreshes": True,
        "latency": "nRFCsb",
    }
    document["constraints"] = [
        *document["constraints"],
        {"level": "bank", "from": ["ACT"], "to": ["PREsb"], "gap": "nRAS"},
        {"level": "bank", "from": ["RD"], "to": ["PREsb"], "gap": "nRTP"},
        {"level": "bank", "from": ["WR"], "to": ["PREsb"], "gap": "nCWL + nBL + nWR"},
        {"level": "bank", "from": ["PREsb"], "to": ["ACT", "REFsb"], "gap": "nRP"},
        {"level": "bank", "from": ["PREpb"], "to": ["REFsb"], "gap": "nRP"},
        {"level": "bank", "from": ["RDA"], "to": ["REFsb"], "gap": "nRTP + nRP"},
        {"level": "bank", "from": ["WRA"], "to": ["REFsb"], "gap": "nCWL + nBL + nWR + nRP"},
        {"level": "bank", "from": ["REFsb"], "to": ["ACT", "REFsb"], "gap": "nRFCsb"},
        {"level": "rank", "from": ["REFsb"], "to": ["REFsb", "ACT"], "gap": "nREFSBRD"},
        {"level": "rank", "from": ["PREsb", "PREpb", "PREab"], "to": ["PREsb", "PREpb", "PREab"], "gap": "nPPD"},
    ]
    return Dram.model_validate(document)


def bank_count(spec: Dram) -> int:
    """Banks of one channel."""
    return prod(spec.organization.levels.values())


def near_bank_commands(spec: Dram) -> tuple[str, ...]:
    """The commands that a near-bank program may ask for: those that move data and are not for memory requests."""
    return tuple(
        name
        for name, row in spec.commands.items()
        if row.bus == "column" and name not in ("RD", "WR") and row.auto_precharge_of is None
    )


@st.composite
def request_lists(draw: st.DrawFn, spec: Dram, max_size: int = 60) -> list[MemoryRequest]:
    """Reads and writes to few banks and rows, so that they conflict; arrivals at once or in order."""
    banks = draw(st.lists(st.integers(0, bank_count(spec) - 1), min_size=1, max_size=6, unique=True))
    request = st.tuples(st.sampled_from("RRW"), st.sampled_from(banks), st.integers(0, 2), st.integers(0, 3))
    fields = draw(st.lists(request, max_size=max_size))
    spread = draw(st.sampled_from((0, 3, 40, 300)))
    pauses = draw(st.lists(st.integers(0, spread), min_size=len(fields), max_size=len(fields)))
    requests = []
    arrival = 0
    for (kind, bank, row, column), pause in zip(fields, pauses, strict=True):
        arrival += pause
        requests.append(MemoryRequest(kind, bank, row, column, arrival))
    return requests


@st.composite
def programs(draw: st.DrawFn, spec: Dram, max_size: int = 12) -> list[ProgramEntry]:
    """Runs of near-bank commands over few banks and rows; empty for a standard that has none."""
    commands = near_bank_commands(spec)
    if not commands:
        return []
    banks = draw(st.lists(st.integers(0, bank_count(spec) - 1), min_size=1, max_size=4, unique=True))
    entry = st.builds(
        ProgramEntry, st.sampled_from(commands), st.integers(1, 40), st.sampled_from(banks), st.integers(0, 2)
    )
    return draw(st.lists(entry, max_size=max_size))


PAGE_POLICIES = st.sampled_from(("open", "closed"))
CONTENTIONS = st.sampled_from(("skip", "cancel"))
SCHEDULERS = st.sampled_from(("FRFCFS", "FCFS"))


def refresh_policies(spec: Dram) -> st.SearchStrategy[str]:
    """Refresh on and off, where the standard has it."""
    return st.sampled_from(("none",) if spec.controller.refresh == "none" else ("none", spec.controller.refresh))
