"""Executors: worker processes that outlive any fault of a point, on this machine or on a cluster."""
