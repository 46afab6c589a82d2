"""The library's front door: load a platform and a workload, simulate, get a `Result`."""

from simulator.api.arch import Arch, build_for, load_arch
from simulator.api.simulation import load_workload, simulate
from simulator.api.single_op import mappings, run_op
from simulator.api.sweeping import EVALUATE, evaluate_point, read_sweep, sweep

__all__ = [
    "EVALUATE",
    "Arch",
    "build_for",
    "evaluate_point",
    "load_arch",
    "load_workload",
    "mappings",
    "read_sweep",
    "run_op",
    "simulate",
    "sweep",
]
