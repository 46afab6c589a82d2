"""AttAcc's published evaluation as its simulator computes it, defects included; only with ``compat.attacc``."""

from simulator.system.attacc_artifact.evaluate import evaluate

__all__ = ["evaluate"]
