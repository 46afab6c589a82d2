"""`nearbank validate --suite aim` judges traces against golden cycles and command counts."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.validation_page import is_documented

AIM = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "aim"
CASE_KEYS = {"case", "expected", "got", "error_pct", "kind", "source"}


def folder(tmp_path: Path, *cases: str, **changes: str) -> Path:
    """A suite folder with some of the shipped cases; ``changes`` replaces columns of every row."""
    (tmp_path / "traces").mkdir()
    with (AIM / "golden_cases.csv").open(newline="") as stream:
        reader = csv.DictReader(stream)
        heads, rows = list(reader.fieldnames or ()), [row | changes for row in reader if row["case"] in cases]
    with (tmp_path / "golden_cases.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, heads)
        writer.writeheader()
        writer.writerows(rows)
    for case in cases:
        shutil.copy(AIM / "traces" / f"{case}.aim.gz", tmp_path / "traces")
    return tmp_path


def test_every_visible_case_agrees(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("validate", "--suite", "aim", "--json")
    report = shown.json
    assert is_documented(report)
    with (AIM / "golden_cases.csv").open(newline="") as stream:
        assert [case["case"] for case in report["cases"]] == [row["case"] for row in csv.DictReader(stream)]
    assert all(case.keys() >= CASE_KEYS for case in report["cases"])
    disagree = [
        (case["case"], case["error_pct"], case["differences"]) for case in report["cases"] if not case["passed"]
    ]
    assert disagree == []
    assert (shown.code, report["passed"]) == (0, True)
    assert report["max_abs_error_pct"] <= 0.5
    assert {case["error_pct"] for case in report["cases"] if case["kind"] == "micro"} == {0.0}
    assert [case["case"] for case in report["cases"] if case["limit_pct"] is None] == [
        case["case"] for case in report["cases"] if case["case"].startswith("q_")
    ]


def test_the_default_spec_is_slower_by_its_refresh_and_activation_limit(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    data = folder(tmp_path, "gemv_4096x4096_32ch_reuseGB32")
    (case,) = nearbank("validate", "--suite", "aim", "--data", data, "--json").json["cases"]
    assert case["default_spec"] == "gddr6_aim"
    assert case["default_cycles"] > case["got"]
    assert case["default_ratio"] == case["default_cycles"] / case["got"]


@pytest.mark.parametrize(
    ("case", "changes", "passes"),
    [
        ("m_mac64", {"cycles_head_0f28a07": "184"}, False),
        ("gemv_4096x4096_32ch_reuseGB32", {"cycles_head_0f28a07": "8126"}, True),
        ("gemv_4096x4096_32ch_reuseGB32", {"cycles_head_0f28a07": "8200"}, False),
        ("gemv_4096x4096_32ch_reuseGB32", {"TMOD": "10"}, False),
    ],
    ids=["micro cases are exact", "the rest within 0.5 %", "and not more", "command counts are exact"],
)
def test_a_case_that_differs_is_judged_by_its_kind(
    nearbank: Callable[..., Any], tmp_path: Path, case: str, changes: dict[str, str], passes: bool
) -> None:
    shown = nearbank("validate", "--suite", "aim", "--data", folder(tmp_path, case, **changes))
    assert shown.code == (0 if passes else 1)
    assert ("DISAGREES" in shown.out) is not passes


def test_quirks_alone_pass_nothing(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    shown = nearbank("validate", "--suite", "aim", "--data", folder(tmp_path, "q_sync_keep"), "--json")
    assert (shown.code, shown.json["passed"], shown.json["median_abs_error_pct"]) == (1, False, None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("case,cycles_head_x\nm_gone,1\n", "case 'm_gone' of golden_cases.csv has no trace"),
        (
            "case,cycles_head_x\nm_mac64,many\n",
            "golden_cases.csv:2: every cycles and command column holds a whole number",
        ),
        ("case,cycles\nm_mac64,1\n", "golden_cases.csv:1: a column 'case' and a column 'cycles_head_<revision>'"),
        (None, "golden_cases.csv: cannot be read"),
    ],
)
def test_data_that_cannot_be_read_is_one_line(
    nearbank: Callable[..., Any], tmp_path: Path, table: str | None, said: str
) -> None:
    if table is not None:
        (tmp_path / "golden_cases.csv").write_text(table)
    shown = nearbank("validate", "--suite", "aim", "--data", tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert shown.err.count("\n") == 1


def test_an_unknown_suite_names_the_known_ones(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("validate", "--suite", "ami")
    assert shown.code == 2
    assert "'ami'" in shown.err
    assert "aim" in shown.err
