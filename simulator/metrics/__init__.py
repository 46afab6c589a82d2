"""What a run is measured by: observers of the models' hooks, and the `Result` they add up to.

May import units, mapping, workload, dram, config, hooks, quantities and errors; never system, report, api or cli.
"""
