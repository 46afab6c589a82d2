"""CENT's published evaluation as its artifact computes it, defects included; only with ``compat.cent``."""

from simulator.system.cent_artifact.evaluate import evaluate

__all__ = ["evaluate"]
