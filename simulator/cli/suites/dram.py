"""Suite `dram`: request streams on a channel against the cycles of other DRAM simulators, refresh on and off.

The standard of each case is built from the golden file itself. Where a shipped standard has the same presets, its table
is compared with the golden one, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from simulator.cli.suites import dram_energy
from simulator.cli.suites.base import SUITES, Case, Progress, Report
from simulator.cli.suites.dram_golden import CYCLES, FILE, GoldenConfig, GoldenRun, read_golden
from simulator.cli.suites.dram_logs import KIND as LOG
from simulator.cli.suites.dram_logs import log_cases
from simulator.cli.suites.dram_peers import policy_cases
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.dram_schema import Dram
    from simulator.dram.device import Device, DeviceRun, Issued, RequestList

LIMITS_PCT = {"refresh_on": 2.0, "refresh_off": 1.0}
MEDIAN_LIMIT_PCT = 0.5
TABLE_LIMIT_PCT = 0.0
"""Every case within 2 %, within 1 % with refresh off, the median within 0.5 %; equal tables are equal."""

TABLE = "table"
UNSUPPORTED = "unsupported"
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True)
class DramReport(Report):
    """All cases; tables, logs and energies have no part in the errors of the cycles, which have a median to keep."""

    @property
    def errors_pct(self) -> list[float]:
        """Absolute errors of the judged streams; of the energies where there are no streams."""
        judged = [case for case in self.cases if case.limit_pct is not None and case.error_pct is not None]
        streams = [case for case in judged if case.kind not in (TABLE, LOG, dram_energy.ENERGY)]
        return [abs(case.error_pct or 0.0) for case in streams or judged if case.kind not in (TABLE, LOG)]

    @property
    def passed(self) -> bool:
        """Whether each judged case agrees and the median does."""
        return super().passed and median(self.errors_pct) <= MEDIAN_LIMIT_PCT


@SUITES.register("dram")
def run(folder: Path, progress: Progress) -> Report:
    """Run every stream of the folder's golden file. Raises ConfigError or TraceError for data that cannot be read."""
    energies = list(dram_energy.energy_cases(folder))
    configs = () if energies and not (folder / FILE).exists() else read_golden(folder)
    total = sum(len(list(config.runs())) for config in configs)
    cases: list[Case] = []
    done = 0
    for config in configs:
        for case in _cases(config):
            cases.append(case)
            done += case.kind != TABLE
            progress(done, total)
    energies = [*energies, *dram_energy.own_energy_cases(folder, cases)]
    cases += policy_cases(configs, _cycles_of)
    cases += log_cases(folder, configs)
    return DramReport("dram", (*cases, *energies))


def _cases(config: GoldenConfig) -> Iterator[Case]:
    from simulator.cli.suites.dram_spec import build_spec, unsupported
    from simulator.cli.suites.dram_streams import KNOWN

    reason = unsupported(config)
    if reason:
        yield from (_unsupported(config, run, reason) for run in config.runs())
        return
    spec = build_spec(config)
    yield from _table(config, spec)
    device = devices_of(spec)
    stream = _streams(config, spec)
    for golden in config.runs():
        if golden.stream not in KNOWN:
            yield _unsupported(config, golden, f"not supported yet: stream '{golden.stream}'")
            continue
        yield _judge(config, golden, device(golden.refresh), stream(golden))


def devices_of(spec: Dram) -> Callable[[str], Device]:
    """The configuration with refresh on or off."""
    from simulator.dram.device import Device

    controllers = {
        "refresh_on": spec.controller,
        "refresh_off": spec.controller.model_copy(update={"refresh": "none"}),
    }
    devices = {
        refresh: Device(spec.model_copy(update={"controller": controller}))
        for refresh, controller in controllers.items()
    }
    return devices.__getitem__


def _streams(config: GoldenConfig, spec: Dram) -> Callable[[GoldenRun], RequestList]:
    """The requests of a run, made once for both refresh modes."""
    from functools import cache

    from simulator.cli.suites.dram_streams import requests

    made = cache(lambda stream, count: requests(config, spec, stream, count))
    return lambda golden: made(golden.stream, golden.requests)


def _case_name(config: GoldenConfig, golden: GoldenRun) -> str:
    return f"{config.title}/{golden.stream}/{golden.refresh}"


def _source(config: GoldenConfig) -> str:
    return f"{config.simulator} at {config.entry.get('git')}, {CYCLES} of {FILE}"


def _unsupported(config: GoldenConfig, golden: GoldenRun, reason: str) -> Case:
    return Case(
        _case_name(config, golden), golden.cycles, None, UNSUPPORTED, _source(config), None, "compat", (reason,)
    )


def _judge(config: GoldenConfig, golden: GoldenRun, device: Device, stream: RequestList) -> Case:
    from simulator.cli.suites.dram_spec_ini import described as stops_early

    run, first, last = _span(config, golden, device, stream)
    got = last - first
    commands = _commands_until(run.issued, last, device.spec) if stops_early(config) and run.issued else run.commands
    return Case(
        case=_case_name(config, golden),
        expected=golden.cycles,
        got=got,
        kind=f"{config.title} {golden.refresh}",
        source=_source(config),
        limit_pct=LIMITS_PCT[golden.refresh],
        basis="compat",
        beside={
            "commands": commands,
            "expected_commands": dict(golden.commands),
            "same_commands": commands == dict(golden.commands),
            "active_ticks": run.active_ticks,
            "rank_ticks": run.rank_ticks,
        },
    )


def _span(config: GoldenConfig, golden: GoldenRun, device: Device, stream: RequestList) -> tuple[DeviceRun, int, int]:
    """The run, the tick of its first command, and the tick at which its last read's data has moved."""
    run = device.run_requests(stream, log=True)
    reads = run.completions[~stream.writes]
    if run.issued is None or not len(reads) or not len(run.issued.tick):
        raise ConfigError(f"{_case_name(config, golden)}: the stream has no read", file=str(config.file))
    return run, int(run.issued.tick[0]), int(reads.max())


def _cycles_of(config: GoldenConfig, spec: Dram, golden: GoldenRun) -> int:
    """Cycles of a configuration's stream on another standard."""
    _, first, last = _span(config, golden, devices_of(spec)(golden.refresh), _streams(config, spec)(golden))
    return last - first


def _commands_until(issued: Issued, tick: int, spec: Dram) -> dict[str, int]:
    """Commands by name up to a tick, at which the other program stopped."""
    counts = Counter(issued.command[issued.tick <= tick].tolist())
    return {name: counts[index] for index, name in enumerate(spec.commands) if counts[index]}


def _table(config: GoldenConfig, spec: Dram) -> Iterator[Case]:
    from simulator.cli.specs import load_dram
    from simulator.cli.suites.dram_shipped import disagreements, of_main_source, shipped_name
    from simulator.config.timing import resolve_dram

    name = shipped_name(config)
    if name is None:
        return
    stated, differences = disagreements(resolve_dram(spec), resolve_dram(of_main_source(load_dram(name))))
    shown = differences[:SHOWN_DIFFERENCES]
    more = len(differences) - len(shown)
    yield Case(
        case=f"{config.title}/table/{name}",
        expected=stated,
        got=stated - sum(difference.startswith("lacks") for difference in differences),
        kind=TABLE,
        source=_source(config),
        limit_pct=TABLE_LIMIT_PCT,
        basis="compat",
        differences=(*shown, f"and {more} more") if more > 0 else shown,
    )
