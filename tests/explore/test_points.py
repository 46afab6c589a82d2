"""Frozen points: their ids, and that they are what loading the YAML anew gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator import load_arch, load_workload
from simulator.api import read_sweep
from simulator.explore import points as points_module
from simulator.explore.points import Catalog, Point, content_hash
from tests.explore.conftest import PlanOf

AXES = {
    "memory.channels": [16, 32],
    "memory.dram.use": ["dram/gddr6_aim", "dram/gddr6_aim_ref"],
    "workload.batch": [1, 2],
    "near_bank.source": ["mine", None],
    "placement.options.sampling": ["host"],
}


def test_a_frozen_point_is_the_design_that_overrides_give(plan_of: PlanOf) -> None:
    plan = plan_of(AXES)
    points = list(plan.points())
    catalog = Catalog.from_json(plan.catalog.to_json())
    assert len(points) == 16
    for point in [Point.from_json(point.to_json()) for point in points]:
        sets = [f"{path}={'null' if value is None else value}" for path, value in point.labels.items()]
        arch = load_arch("aim_1card", [text for text in sets if not text.startswith("workload.")])
        workload = load_workload("llama2_7b_512_64", [f"batch={point.labels['workload.batch']}"])
        assert catalog.arch_values(point) == arch.values
        assert catalog.archs[point.arch].files == arch.files
        assert catalog.load_workload(point) == workload
        assert content_hash(catalog.arch_values(point)) == arch.content_hash


def test_equal_designs_have_equal_ids_whatever_they_are_called(plan_of: PlanOf) -> None:
    (first, second), (third,) = (
        list(plan_of({"memory.channels": [32, 64]}).points()),
        list(plan_of({"big": {"set": {"yes": {"components.memory.channels": 64}}}}).points()),
    )
    assert second.id == third.id != first.id


def test_ids_depend_on_design_workload_mode_and_simulator(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    def ids(axes: dict[str, Any], **keys: Any) -> set[str]:
        return {point.id for point in plan_of(axes, **keys).points()}

    base = ids({"memory.channels": [32]})
    others = [ids({"memory.channels": [31]}), ids({"workload.batch": [3]}), ids({"memory.channels": [32]}, exact=True)]
    assert len(set().union(base, *others)) == 4
    assert ids({"memory.channels": [32]}) == base
    monkeypatch.setattr(points_module, "simulator_version", lambda: "another")
    assert ids({"memory.channels": [32]}).isdisjoint(base)


def test_relative_paths_start_from_the_folder_of_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "card.yaml").write_text(
        "kind: platform\nextends: aim_1card\nname: card\ncomponents: {memory: {channels: 4}}\n"
    )
    (folder / "work.yaml").write_text("extends: llama2_7b_512_64\nbatch: 3\n")
    spec = folder / "s.yaml"
    spec.write_text(
        "arch: card.yaml\nworkload: ./work.yaml\naxes: {workload.batch: [5], arch: [card.yaml, aim_1card]}\n"
    )
    monkeypatch.chdir(tmp_path)
    plan = read_sweep("deep/s.yaml")
    card, shipped = plan.points()
    assert plan.catalog.arch_values(card)["components"]["memory"]["channels"] == 4
    assert plan.catalog.arch_values(shipped)["components"]["memory"]["channels"] == 32
    assert plan.catalog.load_workload(card).batch == 5
