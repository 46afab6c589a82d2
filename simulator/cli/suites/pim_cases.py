"""Cases of suite `pim`: CSV files with one case a row; experiments/validation/README.md describes the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulator.cli.suites.pim_attacc import table_kind
from simulator.cli.suites.pim_cent import HEADS as CENT_HEADS
from simulator.cli.suites.pim_cent import cent_cases
from simulator.cli.suites.pim_target import PimCase, Target
from simulator.errors import ConfigError

NEEDED = ("case", "arch", "workload", "overrides", "metric", "expected", "source")
OPTIONAL = ("kind", "limit_pct", "baseline_arch", "baseline_overrides")

LIMIT_PCT = 10.0
"""Where a row gives none."""

NOT_JUDGED = "none"


def read_cases(path: Path) -> list[PimCase]:
    """All cases of a CSV file, or of those CSV files of a folder that hold some; tables of CENT and AttAcc do, too.

    Raises ConfigError with file and line.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    cases = [case for file in files for case in _of_file(file, alone=not path.is_dir())]
    if not cases:
        raise ConfigError(f"there are no cases (CSV files with the columns {', '.join(NEEDED)})", file=str(path))
    return cases


def _of_file(path: Path, *, alone: bool) -> Iterator[PimCase]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            heads = reader.fieldnames or ()
            if heads and set(heads) >= CENT_HEADS:
                for row in reader:
                    yield from cent_cases(row, str(path), reader.line_num)
                return
            attacc_cases = table_kind(heads)
            if attacc_cases is not None:
                yield from attacc_cases([(reader.line_num, row) for row in reader], str(path))
                return
            if not alone and NEEDED[0] not in heads:
                return
            missing = [head for head in NEEDED if head not in heads]
            if missing:
                raise ConfigError(f"the columns {', '.join(missing)} are missing", file=str(path), line=1)
            for row in reader:
                yield _case(row, str(path), reader.line_num)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error


def _case(row: Mapping[str, str | None], file: str, line: int) -> PimCase:
    def text(head: str, default: str = "") -> str:
        return (row.get(head) or default).strip()

    def number(head: str, value: str) -> float:
        try:
            return float(value)
        except ValueError:
            raise ConfigError(f"{head}: '{value}' is not a number", file=file, line=line) from None

    workload, limit = text("workload"), text("limit_pct", str(LIMIT_PCT))
    target = Target(text("arch"), workload, _overrides(text("overrides")))
    baseline = None
    if text("baseline_arch"):
        baseline = Target(text("baseline_arch"), workload, _overrides(text("baseline_overrides")))
    return PimCase(
        case=text("case"),
        target=target,
        baseline=baseline,
        metric=text("metric"),
        expected=number("expected", text("expected")),
        limit_pct=None if limit == NOT_JUDGED else number("limit_pct", limit),
        kind=text("kind", "published"),
        source=text("source"),
        file=file,
        line=line,
    )


def _overrides(text: str) -> tuple[str, ...]:
    """``path=value`` parts, separated by semicolons."""
    return tuple(part.strip() for part in text.split(";") if part.strip())
