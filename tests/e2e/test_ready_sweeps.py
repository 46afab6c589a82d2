"""The sweeps and clusters of experiments/ can be read, and docs/sweeps.md shows what works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator.api import evaluate_point, read_sweep
from simulator.explore.cluster import read_cluster
from simulator.explore.points import Catalog

ROOT = Path(__file__).resolve().parents[2]
SWEEPS = sorted((ROOT / "experiments" / "sweeps").glob("*.yaml"))
CLUSTERS = sorted((ROOT / "experiments" / "cluster").glob("*.yaml"))
DOCS = (ROOT / "docs" / "sweeps.md").read_text()
SIZES = {
    "asic": 72,
    "methods": 434,
    "near_bank": 180,
    "near_bank_10k": 10_200,
    "platforms": 50,
    "quality": 28,
    "stack3d": 60,
}


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_ready_sweep_has_its_points_and_the_first_runs(path: Path) -> None:
    plan = read_sweep(path)
    if plan.is_adaptive:
        assert plan.spec.samples == 400
        return
    assert sum(1 for _ in plan.space.grid()) == SIZES[path.stem]
    # The design as swept, with as little work for it as there can be.
    small = read_sweep({"arch": "aim_1card", "workload": "llama2_7b_512_64", "axes": SMALL})
    (workload,) = (small.catalog.workloads[point.workload] for point in small.points())
    point = plan.resolver.point(next(plan.space.grid()))
    archs = plan.catalog.archs
    figures = evaluate_point(point, Catalog(archs, {point.workload: workload}))
    assert figures.figures["tokens_per_s"]


SMALL = {"workload.prompt_tokens": [4], "workload.output_tokens": [2]}


@pytest.mark.parametrize("path", CLUSTERS, ids=lambda path: path.stem)
def test_a_ready_cluster_can_be_read(path: Path) -> None:
    assert read_cluster(path).kind == "cluster"


def test_the_readme_of_the_sweeps_names_them_all_with_their_sizes() -> None:
    readme = (ROOT / "experiments" / "sweeps" / "README.md").read_text()
    assert set(re.findall(r"experiments/sweeps/(\w+)\.yaml", readme)) == {path.stem for path in SWEEPS}
    named = dict(re.findall(r"experiments/sweeps/(\w+)\.yaml -o [\w/]+` \(([\d,]+) points\)", readme))
    assert {name: int(size.replace(",", "")) for name, size in named.items()} == SIZES


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL), ids=["sweep", "array", "dask"])
def test_a_shown_document_can_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(text)
    assert read_sweep(path).name == "shown" if "axes:" in text else read_cluster(path).kind == "cluster"
