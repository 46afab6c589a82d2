"""The energy of a DRAMsim3 configuration, resolved by our own formulas from its currents and timings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.config.dram_schema import Dram
from simulator.config.energy import ResolvedEnergy, resolve_energy

BEATS_PER_CLOCK = {"GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}
"""DRAMsim3 2981759, configuration.cc: what a burst's length is divided by for its cycles; else 2."""

NOT_GIVEN = {"VDD": 1.2, "IDD2P": 25.0, "IDD3P": 37.0, "IDD6x": 31.0}
"""Its own values for currents that a configuration leaves out."""

_BANK = {"scope": "bank", "row": "open", "opener": "ACT", "closer": "PREpb", "bus": "column", "latency": 1}
_NOTHING = {"source": "DRAMsim3 has none"}


def build_energy(config: Mapping[str, Any]) -> ResolvedEnergy:
    """Energy of the configuration. Raises KeyError, TypeError or ValueError for one that does not say enough."""
    structure, timing = config["dram_structure"], config["timing"]
    power = NOT_GIVEN | {name: float(value) for name, value in config["power"].items()}
    protocol = structure["protocol"]
    row_ns = {name: int(timing[f"t{name}"]) for name in ("RAS", "RP", "RFC")}
    spec = Dram.model_validate(
        {
            "kind": "dram",
            "name": protocol,
            "standard": protocol,
            "description": "as DRAMsim3",
            "source": "its configuration",
            "organization": _organization(structure, config),
            "tCK_ps": round(float(timing["tCK"]) * 1e3),
            "timings": {
                "nRAS": row_ns["RAS"],
                "nRC": row_ns["RAS"] + row_ns["RP"],
                "nRFC": row_ns["RFC"],
                "nRFCb": int(timing.get("tRFCb", 20)),
                "nBL": int(structure["BL"]) // BEATS_PER_CLOCK.get(protocol, 2),
            },
            "commands": _commands(per_bank=power.get("IDD5PB", 0.0) > power["IDD3N"]),
            "constraints": [],
            "controller": _controller(),
            "energy": {"source": "DRAMsim3", "idd": _currents(structure, config["system"], power)},
        }
    )
    return resolve_energy(spec)


def _organization(structure: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    levels = {"bankgroup": int(structure["bankgroups"]), "bank": int(structure["banks_per_group"])}
    pins = int(config["system"]["bus_width"])
    burst = pins * int(structure["BL"]) // 8
    return {
        "levels": {"rank": 1} | levels,
        "rows": int(structure["rows"]),
        "row_bytes": burst,
        "burst_bytes": burst,
        "data_pins": pins,
        "data_rate_mbps": 1,
    }


def _commands(*, per_bank: bool) -> dict[str, Any]:
    """The commands; a refresh of one bank only where its current is above standing by (DRAMsim3 has it below)."""
    one_bank = {"scope": "bank", "row": "closed", "closer": "PREpb", "refreshes": True, "latency": "nRFCb"}
    close = {"row": "any", "closes": True}
    return {
        "ACT": {"scope": "bank", "row": "closed", "opens": True, "closer": "PREpb"},
        "PREpb": {"scope": "bank"} | close,
        "PREab": {"scope": "rank"} | close,
        "RD": _BANK | {"data": "read"},
        "WR": _BANK | {"data": "write"},
        "REFab": {"scope": "rank", "row": "closed", "closer": "PREab", "refreshes": True, "latency": "nRFC"},
    } | ({"REFpb": one_bank} if per_bank else {})


def _controller() -> dict[str, Any]:
    drain = {"low": 0.2, "high": 0.8}
    queues = {"read_queue": 32, "write_queue": 32, "write_drain": drain}
    return queues | {"refresh": "none", "address_mapping": "RoBaBgRaCoCh"}


def _currents(structure: Mapping[str, Any], system: Mapping[str, Any], power: Mapping[str, float]) -> dict[str, Any]:
    """One rail; its refresh is what IDD5AB draws beyond IDD3N, and nothing is spent on the pins."""
    names = {name: f"{name}_ma" for name in ("IDD0", "IDD2N", "IDD3N", "IDD4R", "IDD4W", "IDD2P", "IDD3P")}
    rail = {key: power[name] for name, key in names.items()}
    rail |= {"supply_v": power["VDD"], "IDD5B_ma": power["IDD5AB"], "IDD6_ma": power["IDD6x"]}
    rail |= {"IDD5PB_ma": power["IDD5PB"]} if "IDD5PB" in power else {}
    return {
        "devices_per_rank": int(system["bus_width"]) / int(structure["device_width"]),
        "rails": {"VDD": rail},
        "refresh_base": "IDD3N",
        "array_share": 1.0,
        "interface": {"pj_per_bit": 0.0} | _NOTHING,
        "source": "DRAMsim3",
    }
