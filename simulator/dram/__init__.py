"""DRAM channels: one table per standard, and the engines that read it (SimPy only in the reference)."""
