"""Platforms put together and run: components wired in one SimPy environment, and the executor of op graphs.

May import metrics, units, mapping, workload, dram, config, hooks, quantities and errors; never report, explore, api
or cli.
"""
