"""Validation suites: reference cases that the simulator is judged against. Importing this package registers ours."""

from simulator.cli.suites import aim, chips, dram, pim, platforms
from simulator.cli.suites.base import SUITES, Case, Report

__all__ = ["SUITES", "Case", "Report", "aim", "chips", "dram", "pim", "platforms"]
