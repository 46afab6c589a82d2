"""Shares that are one number for all blocks of a model, or one for each."""

from __future__ import annotations

from simulator.workload.model import Model
from simulator.workload.optimizations.base import Optimization

Given = float | tuple[float, ...]


def share_of(given: Given, layer: int) -> float:
    """The share of one block."""
    return given[layer] if isinstance(given, tuple) else given


def check_shares(method: Optimization, key: str, given: Given, model: Model) -> None:
    """There is a share for each block of ``model``. Raises WorkloadError at ``key`` of ``method``."""
    if isinstance(given, tuple) and len(given) != model.n_layers:
        raise method.fault(key, f"{len(given)} shares for the {model.n_layers} blocks of {model.name}")
