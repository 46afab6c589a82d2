"""Suite `platforms`: CPUs, GPUs, FPGAs and ASICs against measured decode points and kernels.

Points that a calibration was fitted to are reported apart; the goals hold for predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.cli.suites import platform_groups, platform_kernels, platform_points
from simulator.cli.suites.base import SUITES, Progress, Report
from simulator.cli.suites.platform_names import read_names


@dataclass(frozen=True)
class PlatformReport(Report):
    """All cases; judged are not the single ones but the medians and 90th percentiles of the predictions.

    ``known``: case id -> why its prediction is off.
    """

    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors_pct(self) -> list[float]:
        """Absolute errors of the predictions."""
        return [abs(c.error_pct) for c in self.cases if c.error_pct is not None and not c.beside["fitted"]]

    @property
    def passed(self) -> bool:
        """Whether every goal with predictions holds."""
        goals = platform_groups.goals(self.cases)
        return bool(goals) and all(goal["passed"] for goal in goals)

    def document(self) -> dict[str, Any]:
        """The report as data, with the goals, the errors by kind of platform and the worst predictions."""
        return super().document() | {
            "goals": platform_groups.goals(self.cases),
            "groups": platform_groups.groups(self.cases),
            "worst": platform_groups.worst(self.cases, self.known),
        }


@SUITES.register("platforms")
def run(folder: Path, progress: Progress) -> Report:
    """Simulate every point and kernel of the folder. Raises ConfigError for data that cannot be read."""
    names = read_names(folder)
    total = platform_points.count(folder) + platform_kernels.count(folder)
    finished = 0

    def done() -> None:
        nonlocal finished
        finished += 1
        progress(finished, total)

    cases = list(platform_points.cases(folder, names, done))
    if platform_kernels.count(folder):
        cases += platform_kernels.cases(folder, names, done)
    return PlatformReport("platforms", tuple(cases), names.known)
