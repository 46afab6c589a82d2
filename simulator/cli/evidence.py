"""What lies in result folders, as a report wants it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.output import COMPARISON_FILE
from simulator.cli.result_folder import RESULT_FILE, commands_in
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.metrics.result import Result
    from simulator.report.evidence import Evidence, Run, SweepTable
    from simulator.report.money import Terms

Points = dict[str, Mapping[str, Any]]
"""Content hash of a platform -> its design point."""


def points_of(platforms: Iterable[tuple[str, Sequence[str]]]) -> Points:
    """The design points of platforms, each given by its name or path and its overrides."""
    from simulator import api
    from simulator.cli.arguments import split_overrides
    from simulator.report.design_point import describe

    found: Points = {}
    for ref, overrides in dict.fromkeys((ref, tuple(overrides)) for ref, overrides in platforms):
        arch = api.load_arch(ref, split_overrides(list(overrides))[0])
        if arch.content_hash not in found:
            found[arch.content_hash] = describe(arch.spec)
    return found


def point_of(result: Result) -> dict[str, Any] | None:
    """The design point of ``result``; None where its platform is not to be found here as it was."""
    from simulator.cli.reproduce import again
    from simulator.report.design_point import describe

    found = again(result)
    return describe(found.arch.spec) if found else None


def evidence_of(folders: Sequence[Path], max_power_w: float | None = None, terms: Terms | None = None) -> Evidence:
    """All runs and sweeps below ``folders``, priced by ``terms``, or as the comparisons among them were.

    Raises ConfigError for a folder that holds neither, or something unreadable, and for comparisons with other prices.
    """
    from simulator.explore.folder import Folder
    from simulator.report.evidence import Evidence, named_apart
    from simulator.report.money import price

    runs: list[Run] = []
    failed: dict[str, str] = {}
    sweeps: list[SweepTable] = []
    caps: list[float] = []
    priced: list[Mapping[str, Any]] = []
    for folder in folders:
        if Folder(folder).is_frozen:
            sweeps.append(_sweep(folder))
        elif (folder / COMPARISON_FILE).is_file():
            comparison = _json(folder / COMPARISON_FILE)
            runs += _compared(folder, comparison)
            failed |= {row["name"]: row["error"] for row in comparison["runs"] if "error" in row}
            caps += [comparison["max_power_w"]] if comparison.get("max_power_w") else []
            priced += [comparison["money"]["terms"]] if comparison.get("money") else []
        elif (folder / RESULT_FILE).is_file():
            runs.append(_run(folder / RESULT_FILE))
        else:
            raise ConfigError(_nothing_in(folder))
    cap = max_power_w if max_power_w is not None else min(caps, default=None)
    runs, terms = named_apart(runs), terms or _terms(priced)
    money = price(terms, runs) if terms else None
    return Evidence(runs, failed, sweeps, cap, None, money)


def _terms(priced: Sequence[Mapping[str, Any]]) -> Terms | None:
    """What the comparisons were priced by."""
    from simulator.config.cost_schema import Costs
    from simulator.report.money import Terms

    if not priced:
        return None
    if any(other != priced[0] for other in priced):
        raise ConfigError("the folders were priced differently: give one --costs for all")
    first = priced[0]
    return Terms(Costs.model_validate(first["costs"]), first["baseline"], first["tokens_per_day"])


def _nothing_in(folder: Path) -> str:
    what = f"neither {RESULT_FILE} (run -o), {COMPARISON_FILE} (compare -o) nor a sweep"
    return f"{folder}: holds {what}" if folder.is_dir() else f"{folder}: there is no such folder"


def _compared(folder: Path, comparison: Mapping[str, Any]) -> Iterator[Run]:
    for row in comparison["runs"]:
        if "error" not in row:
            run = _run(folder / row["name"] / RESULT_FILE)
            yield replace(run, name=row["name"], design=row["design"], command=row.get("command"))


def _run(path: Path) -> Run:
    from pydantic import ValidationError

    from simulator.cli.reproduce import again
    from simulator.metrics.result import Result
    from simulator.report.design_point import describe
    from simulator.report.evidence import Run

    try:
        result = Result.from_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "result"
        raise ConfigError(f"{path}: {where}: is not a result of this version: {first['msg']}") from None
    found = again(result)
    point = describe(found.arch.spec) if found else None
    command = found.command if found else None
    return Run(result.arch.name, result.arch.name, result, point, command, commands_in(path.parent))


def _sweep(folder: Path) -> SweepTable:
    from simulator.explore.folder import Folder
    from simulator.explore.pareto import feasible, front
    from simulator.explore.run import load_finished
    from simulator.report.evidence import SweepTable

    finished = load_finished(Folder(folder))
    terms, rows = finished.terms, finished.rows
    best = front(feasible(rows, terms.conditions), terms.objectives)
    place = {id(row): position for position, row in enumerate(rows)}
    table = SweepTable(
        terms.name,
        rows,
        [axis for axis in terms.labels if axis in terms.varied] or terms.varied,
        {objective.column: objective.direction for objective in terms.objectives},
        [place[id(row)] for row in best],
        f"nearbank sweep {folder}/sweep.yaml -o DIR",
        finished.missing,
    )
    return replace(table, parquet=_parquet(table))


def _parquet(table: SweepTable) -> bytes:
    """The columns that the page shows, as Parquet; nothing where pyarrow is not installed."""
    from importlib.util import find_spec

    from simulator.report.sweep_columns import columns

    if find_spec("pyarrow") is None:
        return b""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    shown = {
        column.name: [None if v is None else str(v) for v in column.values]
        if column.categories
        else list(column.values)
        for column in columns(table)
    }
    pq.write_table(pa.table(shown), out, compression="zstd")
    return out.getvalue()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("runs"), list):
        raise ConfigError(f"{path}: is not a comparison")
    return found
