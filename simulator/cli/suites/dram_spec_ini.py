"""The DRAM standard that a golden configuration in DRAMsim3's terms describes: its .ini sections, nothing else.

What such a file leaves unsaid is here: defaults of that program for missing keys, how its timings combine into gaps,
and which of its policies have which name among ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.cli.suites.dram_golden import GoldenConfig

DEFAULTS = {
    "AL": 0, "CL": 12, "CWL": 12, "tCCD_L": 6, "tCCD_S": 4, "tRTRS": 2, "tRTP": 5, "tWTR_L": 5, "tWTR_S": 5, "tWR": 10,
    "tRP": 10, "tRRD_L": 4, "tRRD_S": 4, "tRAS": 24, "tRCD": 10, "tRFC": 74, "tREFI": 7800, "tFAW": 50, "tRCDRD": 24,
    "tRCDWR": 20, "tPPD": 0, "t32AW": 330,
}  # fmt: skip
"""Clocks that the program takes where the file has no such key (``tRTP_S`` and ``tRTP_L`` are not its keys)."""

BEATS_PER_CLOCK = {"GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}
"""Data beats of a clock in which that program counts; 2 for all other protocols."""

SEPARATE_RCD = ("GDDR", "HBM")
LONG_WINDOW = 32
"""GDDR: activations in the window t32AW."""

BURSTS_BEFORE_DRAIN = 8
"""A write buffer with no more entries is not drained for want of other work."""

ROW_HIT_CAP = 4
SCHEDULERS = {"PER_BANK": "BANK_QUEUES", "PER_RANK": "RANK_QUEUES"}
PAGES = {"OPEN_PAGE": "open", "CLOSE_PAGE": "closed"}
REFRESH_ORDERS = {"RANK_LEVEL_SIMULTANEOUS": "together", "RANK_LEVEL_STAGGERED": "staggered"}
FIELDS = {"Column": "Co", "BankGroup": "Bg", "Bank": "Ba", "Rank": "Ra", "Row": "Ro", "Channel": "Ch"}

COLUMNS = ["RD", "RDA"], ["WR", "WRA"]
Row = dict[str, Any]


def described(config: GoldenConfig) -> bool:
    """Whether the configuration is given by such a file."""
    return isinstance(config.entry.get("config"), Mapping)


def unsupported(config: GoldenConfig) -> list[str]:
    """What of the configuration has no counterpart here."""
    system = config.value("config")["system"]
    reasons = [
        f"{key} '{system[key]}'"
        for key, known in (
            ("queue_structure", SCHEDULERS),
            ("row_buf_policy", PAGES),
            ("refresh_policy", REFRESH_ORDERS),
        )
        if key in system and system[key] not in known
    ]
    unified = str(system.get("unified_queue", "False")).lower() not in ("false", "0", "no")
    return [*reasons, *(["unified_queue"] if unified else [])]


def document(config: GoldenConfig) -> dict[str, Any]:
    """The standard as plain data. Raises KeyError, TypeError or ValueError for a description that is none."""
    sections = config.value("config")
    structure, system = sections["dram_structure"], sections["system"]
    protocol = structure["protocol"]
    sizes = {level: 1 << bits for level, bits in config.value("mapping_LSB_first")}
    levels = {"rank": sizes.get("Rank", 1), "bankgroup": sizes.get("BankGroup", 1), "bank": sizes["Bank"]}
    names = _timings(sections["timing"], protocol, int(structure["BL"]))
    burst_bytes = config.value("tx_bytes")
    return {
        "kind": "dram",
        "name": config.name,
        "standard": protocol,
        "description": config.title,
        "source": config.value("source"),
        "organization": {
            "levels": levels,
            "rows": sizes["Row"],
            "row_bytes": sizes["Column"] * burst_bytes,
            "burst_bytes": burst_bytes,
            "data_pins": int(system["bus_width"]),
            "data_rate_mbps": round(
                1e3 * int(structure["BL"]) / names["nBL"] / float(_first(sections["timing"]["tCK"]))
            ),
        },
        "tCK_ps": round(1e3 * float(_first(sections["timing"]["tCK"]))),
        "timings": names,
        "commands": _commands(),
        "constraints": _constraints(protocol, one_group=levels["bankgroup"] == 1),
        "controller": _controller(config, system, protocol),
        # The suite compares cycles only.
        "energy": {"commands": {}, "background_active_mw": 0.0, "background_precharged_mw": 0.0, "source": "none"},
    }


def _first(value: object) -> str:
    """A value without the comment that may follow it."""
    return str(value).partition(";")[0].strip()


def _timings(given: Mapping[str, object], protocol: str, beats: int) -> dict[str, int]:
    """Timings in clocks under the names of the standards."""
    clocks = {key: int(float(_first(given.get(key, default)))) for key, default in DEFAULTS.items()}
    separate = protocol.startswith(SEPARATE_RCD)
    return {
        "nBL": max(1, beats // BEATS_PER_CLOCK.get(protocol, 2)),
        "nCL": clocks["AL"] + clocks["CL"],
        "nCWL": clocks["AL"] + clocks["CWL"],
        "nRCDRD": clocks["tRCDRD"] if separate else clocks["tRCD"] - clocks["AL"],
        "nRCDWR": clocks["tRCDWR"] if separate else clocks["tRCD"] - clocks["AL"],
        "nRTP": clocks["AL"] + clocks["tRTP"],
        "nCCDS": clocks["tCCD_S"],
        "nCCDL": clocks["tCCD_L"],
        "nWTRS": clocks["tWTR_S"],
        "nWTRL": clocks["tWTR_L"],
        "nRRDS": clocks["tRRD_S"],
        "nRRDL": clocks["tRRD_L"],
        "nRTRS": clocks["tRTRS"],
        "nWR": clocks["tWR"],
        "nRP": clocks["tRP"],
        "nRAS": clocks["tRAS"],
        "nRFC": clocks["tRFC"],
        "nREFI": clocks["tREFI"],
        "nFAW": clocks["tFAW"],
        "nPPD": clocks["tPPD"],
        "n32AW": clocks["t32AW"],
    }


def _commands() -> dict[str, Row]:
    access = {"scope": "bank", "row": "open", "opener": "ACT", "closer": "PREpb", "bus": "column"}
    close = {"row": "any", "closes": True, "bus": "row"}
    read = access | {"data": "read", "latency": "nCL + nBL"}
    write = access | {"data": "write", "latency": "nCWL + nBL"}
    return {
        "ACT": {"scope": "bank", "row": "closed", "opens": True, "closer": "PREpb", "bus": "row"},
        "PREpb": {"scope": "bank", **close},
        "PREab": {"scope": "rank", **close},
        "RD": read,
        "WR": write,
        "RDA": read | {"closes": True, "auto_precharge_of": "RD"},
        "WRA": write | {"closes": True, "auto_precharge_of": "WR"},
        "REFab": {"scope": "rank", "row": "closed", "closer": "PREpb", "bus": "row", "refreshes": True},
    }


def _row(level: str, before: list[str], after: list[str], gap: str, **more: object) -> Row:
    return {"level": level, "from": before, "to": after, "gap": gap, **more}


def _constraints(protocol: str, *, one_group: bool) -> list[Row]:
    """Gaps between commands. With one bank group, which is none, the spacings between groups hold within it."""
    reads, writes = COLUMNS
    rows = []
    for kind, sibling in (("S", True), ("S" if one_group else "L", False)):
        rows += [
            _row("bankgroup", reads, reads, f"max(nBL, nCCD{kind})", sibling=sibling),
            _row("bankgroup", writes, writes, f"max(nBL, nCCD{kind})", sibling=sibling),
            _row("bankgroup", writes, reads, f"nCWL + nBL + nWTR{kind}", sibling=sibling),
            _row("bankgroup", ["ACT"], ["ACT"], f"nRRD{kind}", sibling=sibling),
        ]
    rows += [
        _row("rank", reads, writes, "nCL + nBL - nCWL + nRTRS"),
        _row("rank", reads, reads, "nBL + nRTRS", sibling=True),
        _row("rank", writes, writes, "nBL", sibling=True),
        _row("rank", reads, writes, "nCL + nBL - nCWL + nRTRS", sibling=True),
        _row("rank", writes, reads, "nCWL + nBL + nRTRS - nCL", sibling=True),
        _row("rank", ["ACT"], ["ACT"], "nFAW", window=4),
        _row("rank", ["RDA"], ["REFab"], "nRTP + nRP"),
        _row("rank", ["WRA"], ["REFab"], "nCWL + nBL + nWR + nRP"),
        _row("rank", ["PREpb", "PREab"], ["REFab"], "nRP"),
        _row("rank", ["REFab"], ["ACT", "REFab"], "nRFC"),
        _row("bank", ["RDA"], ["ACT"], "nBL + nRTP + nRP"),
        _row("bank", ["WRA"], ["ACT"], "nCWL + nBL + nWR + nRP"),
        _row("bank", ["ACT"], ["ACT"], "nRAS + nRP"),
        _row("bank", ["ACT"], reads, "nRCDRD"),
        _row("bank", ["ACT"], writes, "nRCDWR"),
    ]
    for level, close in (("bank", "PREpb"), ("rank", "PREab")):
        rows += [
            _row(level, ["ACT"], [close], "nRAS"),
            _row(level, ["RD"], [close], "nRTP"),
            _row(level, ["WR"], [close], "nCWL + nBL + nWR"),
            _row(level, [close], ["ACT"], "nRP"),
        ]
    if protocol.startswith("GDDR"):
        rows += [
            _row("rank", ["PREpb"], ["PREpb"], "nPPD"),
            _row("rank", ["ACT"], ["ACT"], "n32AW", window=LONG_WINDOW),
        ]
    return rows


def _controller(config: GoldenConfig, system: Mapping[str, str], protocol: str) -> Row:
    depth = int(system["trans_queue_size"])
    fields = [FIELDS[level] for level, _ in config.value("mapping_LSB_first") if level != "tx_offset"]
    order = system.get("refresh_policy", "RANK_LEVEL_STAGGERED")
    return {
        "scheduler": SCHEDULERS[system["queue_structure"]],
        "command_queue": int(system["cmd_queue_size"]),
        "row_hit_cap": ROW_HIT_CAP,
        "forwarding": True,
        "page_policy": PAGES[system["row_buf_policy"]],
        "read_queue": depth,
        "write_queue": depth,
        "write_drain": {"low": min(1.0, BURSTS_BEFORE_DRAIN / depth), "high": 1.0},
        "refresh": "REFab",
        "refresh_order": REFRESH_ORDERS[order],
        "command_buses": "split" if protocol.startswith("HBM") else "single",
        "address_mapping": "".join(reversed(fields)),
    }
