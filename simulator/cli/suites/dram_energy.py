"""Energy cases of suite `dram`: DRAMsim3's energies against ours, from its currents, command counts and state times.

They are in `energy_dramsim3.json` (by configuration and stream) and beside the cycles in `golden.json`. DRAMsim3 counts
V x mA x cycles; times the clock these are pJ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.suites.base import Case, default_data
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.energy import ResolvedEnergy

FILE, GOLDEN, SIMULATOR = "energy_dramsim3.json", "golden.json", "dramsim3"
ENERGY = "energy"
LIMIT_PCT = 3.0
"""Energies within 3 % on the same inputs."""

STATS = "dramsim3_stats"
SECTIONS = {"dram_structure", "timing", "power", "system"}
COUNTS = {
    "ACT": "num_act_cmds",
    "RD": "num_read_cmds",
    "WR": "num_write_cmds",
    "REFab": "num_ref_cmds",
    "REFpb": "num_refb_cmds",
}
"""Our commands, and what DRAMsim3 calls their counts."""

COMPONENTS = {
    "ACT": "act_energy",
    "RD": "read_energy",
    "WR": "write_energy",
    "REFab": "ref_energy",
    "REFpb": "refb_energy",
}
STATES = {"act_stb": "act_stb_energy", "pre_stb": "pre_stb_energy", "sref": "sref_energy"}
TOTAL = "total_energy"


@dataclass(frozen=True)
class EnergyRun:
    """One run of DRAMsim3: its configuration file as sections of keys, and what it reported, in V mA cycles."""

    name: str
    config: Mapping[str, Any]
    reported: Mapping[str, Any]
    file: Path

    def error(self, message: str) -> ConfigError:
        """A fault of this run."""
        return ConfigError(f"{self.name}: {message}", file=str(self.file))


def energy_cases(folder: Path) -> Iterator[Case]:
    """All energy cases of a folder; none where it has no energies. Raises ConfigError for data that cannot be read."""
    for run in _listed(folder):
        try:
            yield from _judge(run)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            text = " ".join(repr(error).split())
            raise run.error(f"is not the energy of a DRAMsim3 run: {text}") from error


def own_energy_cases(folder: Path, cycles: Sequence[Case]) -> Iterator[Case]:
    """The total of each run whose stream ran here too, from our own commands and state times, for ``cycles`` cases."""
    own = {case.case: case.beside for case in cycles if case.got is not None}
    for run in _listed(folder):
        name = f"{SIMULATOR}/{run.name}" if run.name.count("/") > 1 else f"{SIMULATOR}/{run.name}/refresh_on"
        if name in own:
            found = own[name]
            counts = {COUNTS[command]: count for command, count in found["commands"].items() if command in COUNTS}
            active = found["active_ticks"]
            times = {"rank_active_cycles": active, "all_bank_idle_cycles": found["rank_ticks"] - active}
            reported = {**run.reported, **counts, **times}
            yield from _judge(replace(run, reported=reported), "own_", ("total",))


def _listed(folder: Path) -> list[EnergyRun]:
    try:
        return list(_runs(folder))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{FILE} or {GOLDEN} is not of its format: {error!r}", file=str(folder)) from error


def _runs(folder: Path) -> Iterator[EnergyRun]:
    golden = _read(folder / GOLDEN).get(SIMULATOR, {})
    file = folder / FILE
    for name, entry in _read(file).get("configs", {}).items():
        config = _config(name, entry, golden.get(name, {}))
        if not config.keys() >= SECTIONS:
            raise ConfigError(f"{name}: no 'config' here or in {GOLDEN}", file=str(file))
        for stream, found in entry.get("streams", {}).items():
            yield EnergyRun(f"{name}/{stream}", config, found["reported"], file)
    for name, entry in golden.items():
        for stream, modes in entry.get("streams", {}).items():
            for refresh, figures in modes.items():
                config = _config(name, {}, entry)
                if STATS in figures and config.keys() >= SECTIONS:
                    yield EnergyRun(f"{name}/{stream}/{refresh}", config, figures[STATS], folder / GOLDEN)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error
    if not isinstance(data, dict):
        raise ConfigError("a mapping is needed", file=str(path))
    return data


def _config(name: str, entry: Mapping[str, Any], golden: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of a configuration: given with the energies, else with the cycles, else as we ship them."""
    shipped = _read(default_data("dram") / FILE).get("configs", {}).get(name, {}).get("config", {})
    config = {**shipped, **golden.get("config", {}), **entry.get("config", {})}
    return config | ({"power": entry["IDD"]} if "IDD" in entry else {})


def _judge(run: EnergyRun, prefix: str = "", components: tuple[str, ...] = ()) -> Iterator[Case]:
    """One case for each component that is not zero on either side, and one for the total; or for ``components``."""
    from simulator.cli.suites.dram_energy_spec import build_energy

    clock_ns = float(run.config["timing"]["tCK"])
    expected = {key: _sum(run.reported.get(name, 0.0)) * clock_ns for key, name in (COMPONENTS | STATES).items()}
    expected["total"] = float(run.reported[TOTAL]) * clock_ns
    got = _ours(run, build_energy(run.config), clock_ns)
    for component, pj in expected.items():
        if (pj or got[component]) and (not components or component in components):
            yield Case(
                case=f"{SIMULATOR}/{run.name}/{ENERGY}/{prefix}{component}",
                expected=pj,
                got=got[component],
                kind=ENERGY,
                source=f"{SIMULATOR}, {run.file.name}, pJ",
                limit_pct=LIMIT_PCT,
                basis="compat",
            )


def _ours(run: EnergyRun, energy: ResolvedEnergy, clock_ns: float) -> dict[str, float]:
    """Our energy of the run's commands and states, in pJ."""
    from simulator.dram.energy import background_pj, command_pj

    found = run.reported
    counts = {command: int(found.get(name, 0)) for command, name in COUNTS.items()}
    got = {command: sum(command_pj(energy, {command: count}).values()) for command, count in counts.items()}
    active, closed = (int(_sum(found.get(key, 0))) for key in ("rank_active_cycles", "all_bank_idle_cycles"))
    tick_ps = clock_ns * 1e3
    got["act_stb"] = background_pj(energy, tick_ps, rank_ticks=active, active_ticks=active, bank_ticks=0)
    got["pre_stb"] = background_pj(energy, tick_ps, rank_ticks=closed, active_ticks=0, bank_ticks=0)
    asleep = _sum(found.get("sref_cycles", 0))
    got["sref"] = (energy.self_refresh_mw or 0.0) / energy.ranks * asleep * clock_ns
    return got | {"total": sum(got.values())}


def _sum(value: Any) -> float:
    """A figure, or the sum of those of all ranks."""
    return sum(map(float, value.values())) if isinstance(value, dict) else float(value)
