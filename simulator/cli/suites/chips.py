"""Suite `chips`: systolic and SRAM-resident chips against published speeds, as CSV files of the form of suite `pim`."""

from __future__ import annotations

from pathlib import Path

from simulator.cli.suites.base import SUITES, Progress, Report
from simulator.cli.suites.pim import run_cases


@SUITES.register("chips")
def run(folder: Path, progress: Progress) -> Report:
    """Run every case of a folder (all its CSV files) or of one file. Raises ConfigError for data that is no case."""
    return run_cases("chips", folder, progress)
