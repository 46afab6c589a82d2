"""Sweeps small enough to look at, and workers that do as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.api import read_sweep
from simulator.explore.plan import Plan
from simulator.explore.points import Point

SHORT = {"workload.prompt_tokens": [4], "workload.output_tokens": [2]}
"""Axes that make a point of aim_1card cheap."""


def point(index: int, **labels: Any) -> Point:
    """A point for an evaluator of `evaluators`; its id is its index."""
    return Point(index, f"{index:020d}", labels, arch="a", changes=(), workload="w", cost=1)


PlanOf = Callable[..., Plan]


@pytest.fixture
def plan_of() -> PlanOf:
    """A plan of aim_1card with the given axes and keys."""

    def make(axes: dict[str, Any], **keys: Any) -> Plan:
        return read_sweep({"arch": "aim_1card", "workload": "llama2_7b_512_64", "axes": axes} | keys)

    return make


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., Path]:
    """A sweep's YAML (as JSON, which is YAML) of aim_1card with the given axes and keys."""

    def write(axes: dict[str, Any], name: str = "spec.yaml", **keys: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"arch": "aim_1card", "workload": "llama2_7b_512_64", "axes": axes} | keys))
        return path

    return write
