"""Whole processors that run every op of a model: GPUs, CPUs and FPGAs, each under a software stack."""
