"""The DRAM standard that a golden configuration describes, built from the description alone.

Names, sizes, timings, constraints, command lengths, mapping and policies are those of the description. What it leaves
unsaid, since it is the same for every standard of that simulator, is in the tables here: what each command does, which
controllers have a row and a column bus, and that commands longer or shorter than a clock begin on its rising edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from simulator.cli.suites import dram_spec_ini
from simulator.cli.suites.dram_golden import GoldenConfig
from simulator.config.address_mapping import COLUMN_FIELD, FIELD_OF_LEVEL, ROW_FIELD
from simulator.config.dram_schema import Dram
from simulator.config.tree import Origin, Path
from simulator.config.validation import build

COMMAND_BUSES = {"GenericDDR": "single", "LPDDR5": "single", "HBM12": "split", "HBM34": "split"}
"""Controllers whose rules the engine has, and their command buses."""

_PRECHARGE = {"row": "any", "closes": True, "bus": "row"}
_ACCESS = {"row": "open", "opener": "ACT", "closer": "PREpb", "bus": "column"}
_REFRESH = {"row": "closed", "bus": "row"}
EFFECTS: dict[str, dict[str, Any]] = {
    "ACT": {"row": "closed", "opens": True, "closer": "PREpb", "bus": "row"},
    "ACT1": {
        "row": "closed",
        "opens": True,
        "closer": "PREpb",
        "bus": "row",
        "completed_by": "ACT2",
        "complete_within": "nAAD",
    },
    "ACT2": {"row": "open", "opener": "ACT1", "closer": "PREpb", "bus": "row"},
    "CAS_RD": {"row": "any", "bus": "column"},
    "CAS_WR": {"row": "any", "bus": "column"},
    "PREpb": _PRECHARGE,
    "PREab": _PRECHARGE,
    "RD": _ACCESS | {"data": "read"},
    "WR": _ACCESS | {"data": "write"},
    "RDA": _ACCESS | {"data": "read", "closes": True, "auto_precharge_of": "RD"},
    "WRA": _ACCESS | {"data": "write", "closes": True, "auto_precharge_of": "WR"},
    "REFab": _REFRESH | {"closer": "PREab", "refreshes": True},
    "REFpb": _REFRESH | {"closer": "PREpb", "refreshes": True, "activations": 1},
    "RFMab": _REFRESH | {"closer": "PREab"},
    "RFMpb": _REFRESH | {"closer": "PREpb"},
}
"""What each known command does to rows and data."""

SYNC = {"read": "CAS_RD", "write": "CAS_WR"}
SYNC_HOLDS = {"read": "nCL + {burst} + nWCKPST", "write": "nCWL + {burst} + nWCKPST"}
"""Where there are such commands: they synchronise the data clock, which runs on for so long after an access."""

FIELDS = FIELD_OF_LEVEL | {"row": ROW_FIELD, "column": COLUMN_FIELD}
OFFSET = "tx_offset"
ALL_BANKS = "ab"
NOT_OF_A_BANK = ("channel", "row", "column")


@dataclass(frozen=True)
class _Described:
    """A standard as plain data; every fault of it is placed in the golden file."""

    data: Any
    config: GoldenConfig

    def locate(self, path: Path) -> Origin:  # noqa: ARG002 -- one place for all
        """The file: built data has no lines of its own."""
        return Origin(f"{self.config.file} ({self.config.title})")


def unsupported(config: GoldenConfig) -> str | None:
    """Why the engine cannot stand in for this configuration's simulator; None when it can."""
    reasons = "; ".join(_reasons(config))
    return f"not supported yet: {reasons}" if reasons else None


def _reasons(config: GoldenConfig) -> Iterator[str]:
    entry = config.entry
    if dram_spec_ini.described(config):
        yield from dram_spec_ini.unsupported(config)
        return
    if entry.get("controller") not in COMMAND_BUSES:
        yield f"controller '{entry.get('controller')}'"
    unknown = [name for name in config.value("command_cycles_ticks") if name not in EFFECTS]
    if unknown:
        yield f"commands {', '.join(unknown)}"
    for key, known in (("scheduler", "FRFCFS"), ("row_policy", "Open"), ("refresh", "AllBank")):
        if not str(entry.get(key)).startswith(known):
            yield f"{key} '{entry.get(key)}'"


def build_spec(config: GoldenConfig) -> Dram:
    """The standard, with refresh. Raises ConfigError for a description that is none."""
    try:
        data = dram_spec_ini.document(config) if dram_spec_ini.described(config) else _document(config)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise config.error(f"is not a description of a DRAM: {error!r}") from error
    return build(_Described(data, config), Dram)


def _document(config: GoldenConfig) -> dict[str, Any]:
    timing = config.value("timing_CK")
    sizes = {
        level.lower(): size for level, size in zip(config.value("levels"), config.value("level_sizes"), strict=True)
    }
    levels = {level: size for level, size in sizes.items() if level not in NOT_OF_A_BANK}
    burst_bytes = config.value("tx_bytes")
    constraints = [_constraint(row) for row in config.value("timing_constraints")]
    return {
        "kind": "dram",
        "name": config.name,
        "standard": config.value("class"),
        "description": config.title,
        "source": config.value("source"),
        "organization": {
            "levels": levels,
            "rows": sizes["row"],
            "row_bytes": config.value("bursts_per_row") * burst_bytes,
            "burst_bytes": burst_bytes,
            "data_pins": config.value("organisation")["channel_width"] * levels.get("pseudochannel", 1),
            "data_rate_mbps": timing["rate"],
        },
        "tCK_ps": timing["tCK_ps"],
        "ticks_per_clock": config.value("tick_multiplier"),
        "gaps_from_last_tick": True,
        "timings": {name: value for name, value in timing.items() if name.startswith("n")},
        "commands": _commands(config, constraints, tuple(levels)),
        "constraints": constraints,
        "controller": _controller(config, sizes),
        # The suite compares cycles only.
        "energy": {"commands": {}, "background_active_mw": 0.0, "background_precharged_mw": 0.0, "source": "none"},
    }


def _constraint(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "level": row["level"].lower(),
        "from": list(row["preceding"]),
        "to": list(row["following"]),
        "gap": row["latency"],
        "window": row["window"],
        "sibling": row["sibling"],
    }


def _commands(
    config: GoldenConfig, constraints: list[dict[str, Any]], levels: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    ticks_per_clock = config.value("tick_multiplier")
    burst = "nBL" if "nBL" in config.value("timing_CK") else "nBL_min"
    latency = {"read": config.value("read_latency_ticks") // ticks_per_clock, "write": f"nCWL + {burst}"}
    named = config.value("command_cycles_ticks")
    commands = {}
    for name, ticks in named.items():
        command = {"scope": "bank", "bus_ticks": ticks} | EFFECTS[name]
        if name.endswith(ALL_BANKS):
            command["scope"] = _finest_level(name, constraints, ("channel", *levels))
        if not name.startswith("PRE"):
            command["align"] = ticks_per_clock
        if "data" in command:
            command["latency"] = latency[command["data"]]
            command["opener"] = "ACT1" if "ACT1" in named else "ACT"
            if SYNC[command["data"]] in named:
                command["sync"] = SYNC[command["data"]]
                command["sync_holds"] = SYNC_HOLDS[command["data"]].format(burst=burst)
        commands[name] = command
    return commands


def _finest_level(name: str, constraints: list[dict[str, Any]], levels: tuple[str, ...]) -> str:
    """The scope of an all-bank command: the finest level at which a constraint names it."""
    return levels[max(levels.index(row["level"]) for row in constraints if name in (*row["from"], *row["to"]))]


def _controller(config: GoldenConfig, sizes: Mapping[str, int]) -> dict[str, Any]:
    low, high = config.value("wr_watermarks")
    return {
        "scheduler": "FRFCFS",
        "page_policy": "open",
        "read_queue": config.value("read_buffer"),
        "write_queue": config.value("write_buffer"),
        "write_drain": {"low": low, "high": high},
        "refresh": "REFab",
        "command_buses": COMMAND_BUSES[config.value("controller")],
        "address_mapping": _mapping(config, sizes),
    }


def _mapping(config: GoldenConfig, sizes: Mapping[str, int]) -> str:
    """The order string of the description's fields, which it gives from the least significant one up."""
    counts = dict(sizes) | {"column": config.value("bursts_per_row")}
    name = ""
    for field, bits in config.value("mapping_LSB_first"):
        if field == OFFSET:
            continue
        if bits != log2(counts[field.lower()]):
            raise ValueError(f"{bits} address bits for {counts[field.lower()]} of {field}")
        name = FIELDS[field.lower()] + name
    one_channel = "" if FIELDS["channel"] in name else FIELDS["channel"]
    return name + one_channel
