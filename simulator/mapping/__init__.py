"""Where ops run and how near-bank parts run them: placement, layout, programs of GEMV, attention and cache writes.

May import workload, dram, config, hooks, quantities and errors; never units, metrics, system, report, api or cli.
"""

from simulator.mapping import placement_cooperation

__all__ = ["placement_cooperation"]
