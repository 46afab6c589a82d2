"""Suite `aim`: traces in the AiM instruction set against the cycles of the published AiM simulator.

Judged on the compatibility spec; the cycles of the default spec (refresh, activation limit) stand beside it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.suites.base import SUITES, Case, Progress, Report
from simulator.errors import ConfigError, TraceError

if TYPE_CHECKING:
    from simulator.dram.device import Device, DeviceRun

REFERENCE_SPEC = "gddr6_aim_ref"
DEFAULT_SPEC = "gddr6_aim"
TABLE = "golden_cases.csv"
TRACES = "traces"
CYCLES = re.compile(r"cycles_head_\w+")
COMMAND = re.compile(r"(?P<name>[A-Z]+[0-9]*)( \(one channel\))?")
SOURCE = "arkhadem/aim_simulator, column {column} of {table}"

EXACT_PCT = 0.0
LIMIT_PCT = 0.5
"""DESIGN section 6: exact for micro cases, within 0.5 % for the rest."""

MICRO = "m"
QUIRK = "q"


@dataclass(frozen=True)
class Golden:
    """One row of the table: expected cycles, and commands of the lowest-numbered channel that issues any."""

    case: str
    cycles: int
    commands: Mapping[str, int]
    column: str


@SUITES.register("aim")
def run(folder: Path, progress: Progress) -> Report:
    """Replay every trace of the folder's table. Raises ConfigError or TraceError for data that cannot be read."""
    from simulator.cli.specs import load_dram
    from simulator.dram.device import Device

    rows = list(_read_table(folder / TABLE))
    reference, default = Device(load_dram(REFERENCE_SPEC)), Device(load_dram(DEFAULT_SPEC))
    cases = []
    for done, row in enumerate(rows, 1):
        cases.append(_judge(row, _trace(folder, row.case), reference, default))
        progress(done, len(rows))
    return Report("aim", tuple(cases))


def _read_table(path: Path) -> Iterator[Golden]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            heads = reader.fieldnames or ()
            column = next((head for head in heads if CYCLES.fullmatch(head)), None)
            if column is None or "case" not in heads:
                raise ConfigError(
                    "a column 'case' and a column 'cycles_head_<revision>' are needed", file=str(path), line=1
                )
            commands = {head: match["name"] for head in heads if (match := COMMAND.fullmatch(head))}
            for row in reader:
                try:
                    counts = {name: int(row[head]) for head, name in commands.items()}
                    yield Golden(row["case"], int(row[column]), counts, column)
                except (TypeError, ValueError):
                    message = "every cycles and command column holds a whole number"
                    raise ConfigError(message, file=str(path), line=reader.line_num) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=str(path)) from error


def _trace(folder: Path, case: str) -> Path:
    for suffix in (".aim.gz", ".aim"):
        path = folder / TRACES / f"{case}{suffix}"
        if path.is_file():
            return path
    raise TraceError(f"case '{case}' of {TABLE} has no trace {case}.aim or {case}.aim.gz", file=str(folder / TRACES))


def _judge(row: Golden, trace: Path, reference: Device, default: Device) -> Case:
    run = _replay(reference, trace)
    prefix = row.case.split("_", 1)[0]
    limit_pct = {MICRO: EXACT_PCT, QUIRK: None}.get(prefix, LIMIT_PCT)
    return Case(
        case=row.case,
        expected=row.cycles,
        got=run.end_tick,
        kind={MICRO: "micro", QUIRK: "quirk"}.get(prefix, prefix),
        source=SOURCE.format(column=row.column, table=TABLE),
        limit_pct=limit_pct,
        basis="compat",
        differences=tuple(_differences(row, _one_channel(run), reference)),
        beside=_beside(trace, default, run.end_tick),
    )


def _replay(device: Device, trace: Path) -> DeviceRun:
    from simulator.units.aim_isa import read_aim

    return device.run_program(read_aim(device.spec, trace))


def _one_channel(run: DeviceRun) -> Mapping[str, int]:
    """Commands of the lowest-numbered channel that issued any."""
    by_channel = (run.by_class[channel_class] for channel_class in run.class_of)
    return next((counts for counts in by_channel if any(counts.values())), {})


def _differences(row: Golden, got: Mapping[str, int], device: Device) -> Iterator[str]:
    names = {command.alias or name: name for name, command in device.spec.commands.items()}
    for alias, expected in row.commands.items():
        found = got.get(names.get(alias, alias), 0)
        if found != expected:
            yield f"{alias}: {found}, expected {expected}"


def _beside(trace: Path, default: Device, reference_cycles: int) -> dict[str, object]:
    try:
        cycles = _replay(default, trace).end_tick
    except TraceError:
        # The default spec need not offer every command of the compatibility spec.
        return {"default_spec": DEFAULT_SPEC, "default_cycles": None, "default_ratio": None}
    return {
        "default_spec": DEFAULT_SPEC,
        "default_cycles": cycles,
        "default_ratio": cycles / reference_cycles if reference_cycles else None,
    }
