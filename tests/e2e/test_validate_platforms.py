"""`nearbank validate --suite platforms` on a few points, and its bad input."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator import api
from simulator.cli.suites import platform_points

DATA = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "platforms"
POINTS, KERNELS = "measured_points.csv", "llmcompass_measured_kernels.csv"


def folder(tmp_path: Path, points: tuple[str, ...], kernels: tuple[str, ...] = (), **changes: str) -> Path:
    """A data folder with some of the shipped rows; ``changes`` replaces columns of every point."""
    for table, key, wanted in ((POINTS, "id", points), (KERNELS, "shape", kernels)):
        with (DATA / table).open(newline="") as stream:
            reader = csv.DictReader(stream)
            heads, found = list(reader.fieldnames or ()), [row for row in reader if row[key] in wanted]
        with (tmp_path / table).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, heads)
            writer.writeheader()
            writer.writerows(row | (changes if table == POINTS else {}) for row in found)
    return tmp_path


def test_points_and_kernels_are_judged_by_their_median(tmp_path: Path, nearbank: Callable[..., Any]) -> None:
    data = folder(tmp_path, ("M050", "M066"), ("M=1024,K=12288,N=12288", "4096x512"))
    shown = nearbank("validate", "--suite", "platforms", "--data", data, "--json")
    report = shown.json
    assert shown.code == 0
    assert report["passed"]
    kinds = [case["kind"] for case in report["cases"]]
    assert {kind.split(",")[0] for kind in kinds} == {"tokens/s", "W", "kernel us"}
    assert {(goal["metric"], goal["fitted"]) for goal in report["goals"]} >= {("W", False), ("us", False)}
    assert [case for case in report["cases"] if case["fitted"]], "M066 decides a calibration"
    assert all(abs(case["error_pct"]) < 40 for case in report["cases"])


def test_what_is_not_modelled_is_listed_with_its_reason(tmp_path: Path, nearbank: Callable[..., Any]) -> None:
    shown = nearbank("validate", "--suite", "platforms", "--data", folder(tmp_path, ("M001",), n_devices="3"), "--json")
    assert shown.code == 1
    (case,) = shown.json["cases"]
    assert case["got"] is None
    assert case["differences"] == ["parallelism.tensor: 32 heads of llama2_7b do not deal out evenly to 3 devices"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("tokens_per_s", "fast", "tokens_per_s: 'fast' is not a number above 0"),
        ("batch", "many", "batch: 'many' is not a whole number above 0"),
    ],
)
def test_bad_rows_are_one_line(
    tmp_path: Path, nearbank: Callable[..., Any], column: str, value: str, message: str
) -> None:
    shown = nearbank("validate", "--suite", "platforms", "--data", folder(tmp_path, ("M001",), **{column: value}))
    assert shown.code == 2
    assert message in shown.err


def test_the_view_names_goals_groups_and_the_worst_with_what_held_them(
    tmp_path: Path, nearbank: Callable[..., Any]
) -> None:
    data = folder(tmp_path, ("M050", "M066"), ("4096x512",))
    out = nearbank("validate", "--suite", "platforms", "--data", data, "--all-cases").out
    for words in ("predicted", "fitted", "90th pct", "gpu", "worst predictions", "held by", "goals hold"):
        assert words in out
    assert "M050 | A100-SXM-40GB" in out


def test_several_devices_and_their_collectives_are_predictions(tmp_path: Path, nearbank: Callable[..., Any]) -> None:
    data = folder(tmp_path, ("M011",), ("8192 B", "8x12288", "[8,12288]x[12288,12288]"))
    report = nearbank("validate", "--suite", "platforms", "--data", data, "--json").json
    ran = {case["case"]: case for case in report["cases"] if case["got"] is not None}
    assert len(ran) == 9
    tensor = next(case for name, case in ran.items() if name.endswith("8 devices"))
    assert abs(tensor["error_pct"]) < 30
    assert not tensor["fitted"]
    reduced = next(case for name, case in ran.items() if "all-reduce" in name)
    assert 0.5 < reduced["got"] / reduced["expected"] < 2
    assert {group["family"] for group in report["groups"]} == {"gpu"}


def test_plots_are_written_for_what_was_measured(tmp_path: Path, nearbank: Callable[..., Any]) -> None:
    data = folder(tmp_path, ("M050",), ("4096x512",))
    nearbank("validate", "--suite", "platforms", "--data", data, "--plots", tmp_path / "plots")
    written = {path.name for path in (tmp_path / "plots").iterdir() if path.suffix == ".svg"}
    assert written == {f"platforms_{name}.svg" for name in ("tokens_per_s", "power_w", "kernels_us")}
    shown = nearbank("validate", "--suite", "aim", "--plots", tmp_path / "plots")
    assert shown.code == 2
    assert "--plots is for the suite 'platforms'" in shown.err


def test_watts_of_a_whole_run_hold_its_prompt_and_the_rest_after_it() -> None:
    workload = api.load_workload("decode_512", ["model=llama32_1b", "prompt_tokens=512", "output_tokens=2"])
    result = api.simulate(api.load_arch("a100_sxm_40g"), workload)
    whole, e2e_s = platform_points.mean_power_w(result, 1, 0.0), result.latency.e2e_s
    rest_w = platform_points.mean_power_w(result, 1, 1e9)
    assert whole * e2e_s == pytest.approx(result.energy_j.total)
    assert rest_w < (result.power_w or 0) < whole
    assert platform_points.mean_power_w(result, 3, 3 * e2e_s) == pytest.approx((whole + rest_w) / 2, rel=1e-6)
