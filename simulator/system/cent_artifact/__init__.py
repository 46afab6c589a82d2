"""CENT's published evaluation as its artifact computes it, defects included; only with ``compat.cent``."""
