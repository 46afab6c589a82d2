"""What a validation suite is: a function from a folder of reference data to judged cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from simulator.config.registry import Registry
from simulator.errors import ConfigError

DATA = Path("experiments", "validation", "data")
"""Where the visible part of each suite lies, below the working directory or the source tree."""


Basis = Literal["fit", "prediction", "compat", "closed form"]
"""What agreement of a case says; `report.validation_groups` puts it into words."""


@dataclass(frozen=True)
class Case:
    """One reference case.

    ``got``: None where the simulator cannot run the case. ``limit_pct``: the largest error that passes; None: reported,
    not judged. ``differences``: further disagreements
    (such as command counts), each of which fails a judged case. ``beside``: figures shown with it and not judged.
    """

    case: str
    expected: float
    got: float | None
    kind: str
    source: str
    limit_pct: float | None
    basis: Basis
    differences: tuple[str, ...] = ()
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def error_pct(self) -> float | None:
        """Signed error in percent of the expected value; None without a figure of ours."""
        if self.got is None:
            return None
        if self.expected == self.got:
            return 0.0
        return 100.0 * (self.got - self.expected) / self.expected if self.expected else float("inf")

    @property
    def passed(self) -> bool:
        """Whether the case agrees, or is not judged."""
        if self.limit_pct is None:
            return True
        return self.error_pct is not None and abs(self.error_pct) <= self.limit_pct and not self.differences


@dataclass(frozen=True)
class Report:
    """All cases of one suite. The errors are those of the judged cases."""

    suite: str
    cases: tuple[Case, ...]

    @property
    def errors_pct(self) -> list[float]:
        """Absolute errors of the judged cases."""
        return [abs(c.error_pct) for c in self.cases if c.limit_pct is not None and c.error_pct is not None]

    @property
    def passed(self) -> bool:
        """Whether there are judged cases and all of them agree."""
        return bool(self.errors_pct) and all(case.passed for case in self.cases)

    def document(self) -> dict[str, Any]:
        """The report as data (DESIGN section 5), plus per case the limit, the differences and the figures beside."""
        errors = self.errors_pct
        return {
            "suite": self.suite,
            "cases": [_case_document(case) for case in self.cases],
            "median_abs_error_pct": median(errors) if errors else None,
            "max_abs_error_pct": max(errors, default=None),
            "passed": self.passed,
        }


def _case_document(case: Case) -> dict[str, Any]:
    return {
        "case": case.case,
        "expected": case.expected,
        "got": case.got,
        "error_pct": case.error_pct,
        "kind": case.kind,
        "source": case.source,
        "basis": case.basis,
        "limit_pct": case.limit_pct,
        "differences": list(case.differences),
        "passed": case.passed,
    } | case.beside


Progress = Callable[[int, int], None]
Suite = Callable[[Path, Progress], Report]
"""Runs all cases of a folder; reports (cases done, cases in all)."""

SUITES: Registry[Suite] = Registry("validation suite")


def default_data(suite: str) -> Path:
    """The folder of the suite's visible cases. Raises ConfigError when it is not shipped with this installation."""
    source_tree = Path(__file__).resolve().parents[3]
    for root in (Path(), source_tree):
        if (root / DATA / suite).is_dir():
            return root / DATA / suite
    raise ConfigError(f"the data of suite '{suite}' is not in {DATA / suite}: run from the source tree or give --data")
