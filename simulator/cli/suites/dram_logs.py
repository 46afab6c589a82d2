"""Command logs of the other simulators, where the folder has any: legal by the table of their configuration?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.cli.suites.base import Case
from simulator.cli.suites.dram_golden import REFRESH, GoldenConfig

FOLDER = "traces"
KIND = "log"
LIMIT_PCT = 0.0
SHOWN_VIOLATIONS = 3


def log_cases(folder: Path, configs: Sequence[GoldenConfig]) -> Iterator[Case]:
    """One case a log: its violations, of which none is expected. Raises TraceError for a log that cannot be read."""
    from simulator.cli.suites.dram_spec import unsupported

    for config in configs:
        if unsupported(config):
            continue
        for stream in config.value("streams"):
            for refresh in REFRESH:
                path = folder / FOLDER / f"{config.simulator.partition('.')[0]}_{config.name}_{stream}_{refresh}.csv"
                if path.is_file():
                    yield judge_log(config, path, refresh)


def judge_log(config: GoldenConfig, path: Path, refresh: str) -> Case:
    """Judge one log by the table that its configuration describes."""
    from simulator.cli.suites.dram_spec import build_spec
    from simulator.dram.checker import check_log_file

    spec = build_spec(config)
    if refresh != "refresh_on":
        spec = spec.model_copy(update={"controller": spec.controller.model_copy(update={"refresh": "none"})})
    violations = [str(violation) for violation in check_log_file(spec, path)]
    return Case(
        case=f"{config.title}/log/{path.stem.partition(config.name + '_')[2]}",
        expected=0,
        got=len(violations),
        kind=KIND,
        source=f"{FOLDER}/{path.name}",
        limit_pct=LIMIT_PCT,
        basis="compat",
        differences=tuple(violations[:SHOWN_VIOLATIONS]),
    )
