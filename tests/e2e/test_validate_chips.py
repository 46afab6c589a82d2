"""`nearbank validate --suite chips` compares chips with published speeds."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.validation_page import is_documented

CHIPS = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "chips"


def test_shipped_cases_run_and_those_that_are_judged_agree(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("validate", "--suite", "chips", "--json")
    assert shown.code == 0
    assert is_documented(shown.json)
    with (CHIPS / "published.csv").open(newline="") as stream:
        rows = {row["case"]: row for row in csv.DictReader(stream)}
    assert [case["case"] for case in shown.json["cases"]] == list(rows)
    assert all(case["got"] is not None and case["source"] for case in shown.json["cases"])
    judged = [case for case in shown.json["cases"] if rows[case["case"]]["limit_pct"] != "none"]
    assert len(judged) == 5
    assert all(abs(case["error_pct"]) <= 40 for case in judged)
