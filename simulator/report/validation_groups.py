"""Cases of validation suites by what their agreement says: fit, prediction, compatibility, closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Case = Mapping[str, Any]

MEANING = {
    "prediction": "nothing was fitted to it",
    "fit": "a calibration was made from it",
    "compat": "another program's own rules, run again: agreement says that they are the same here",
    "closed form": "a formula worked out by hand from the same rules",
}
"""Basis of a case -> what agreement with it says, in the order in which they are shown."""


@dataclass(frozen=True)
class Group:
    """Cases of one basis, or of one kind. ``errors_pct``: absolute ones, of the cases that ran."""

    name: str
    basis: str
    cases: Sequence[Case]

    @property
    def errors_pct(self) -> list[float]:
        """Absolute errors of those that ran."""
        return sorted(abs(case["error_pct"]) for case in self.cases if case["error_pct"] is not None)

    @property
    def judged(self) -> int:
        """Those that are judged one by one."""
        return sum(case["limit_pct"] is not None for case in self.cases)

    @property
    def agree(self) -> int:
        """Those of the judged that agree."""
        return sum(bool(case["passed"]) for case in self.cases if case["limit_pct"] is not None)

    @property
    def median_pct(self) -> float | None:
        """Median of the errors."""
        return median(self.errors_pct) if self.errors_pct else None

    @property
    def p90_pct(self) -> float | None:
        """90th percentile of the errors."""
        errors = self.errors_pct
        return quantiles(errors, n=10, method="inclusive")[-1] if len(errors) > 1 else self.largest_pct

    @property
    def largest_pct(self) -> float | None:
        """Largest error."""
        return self.errors_pct[-1] if self.errors_pct else None


def by_basis(cases: Sequence[Case]) -> list[Group]:
    """A group for each basis that any case has, predictions first."""
    groups = [Group(basis, basis, [case for case in cases if case["basis"] == basis]) for basis in MEANING]
    return [group for group in groups if group.cases]


def by_kind(cases: Sequence[Case]) -> list[Group]:
    """A group for each kind and basis, in the order in which they come."""
    keys = dict.fromkeys((case["kind"], case["basis"]) for case in cases)
    return [
        Group(kind, basis, [case for case in cases if (case["kind"], case["basis"]) == (kind, basis)])
        for kind, basis in keys
    ]


def verdict(case: Case) -> str:
    """What is to be said of one case."""
    differences = "; ".join(case["differences"])
    if case["got"] is None:
        return f"not run: {differences}"
    judged = "not judged" if case["limit_pct"] is None else "agrees" if case["passed"] else "DISAGREES"
    return f"{judged}: {differences}" if differences else judged
