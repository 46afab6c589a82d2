"""A workload on many equal devices: equal devices, stages, blocks are simulated once and counted as often as real."""

from simulator.system.parallel.runner import ParallelRunner
from simulator.system.parallel.spread import Spread, spread_of, spread_workload

__all__ = ["ParallelRunner", "Spread", "spread_of", "spread_workload"]
