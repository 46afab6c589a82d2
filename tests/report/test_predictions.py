"""The scatter of the platform suite: each case once, at its place, fit and prediction told apart without colour."""

import math
import re
from typing import Any

from simulator.report.pictures.picture import standalone_svg
from simulator.report.pictures.predictions import pictures


def case(family: str, expected: float, got: float | None, *, fitted: bool = False, metric: str = "tokens/s") -> Any:
    error = None if got is None else 100 * (got / expected - 1)
    name = f"{family} <{expected}>"
    return {
        "case": name, "metric": metric, "family": family, "fitted": fitted,
        "expected": expected, "got": got, "error_pct": error,
    }  # fmt: skip


REPORT = {
    "cases": [
        case("gpu", 100.0, 100.0),
        case("gpu", 1000.0, 500.0, fitted=True),
        case("cpu", 10.0, 10.0),
        case("asic", 10.0, None),
        case("fpga", 5.0, 6.0, metric="W"),
    ]
}


def test_each_metric_has_a_picture_of_the_cases_that_ran() -> None:
    drawn = {picture.name: picture for picture in pictures(REPORT)}
    assert {name: len(picture.table.rows) for name, picture in drawn.items()} == {"tokens_per_s": 3, "power_w": 1}
    assert drawn["tokens_per_s"].summary == "2 predictions and 1 points that calibrations were fitted to, in tokens/s"


def test_marks_lie_on_the_line_where_both_agree_and_below_it_where_too_little_is_simulated() -> None:
    (picture, _) = pictures(REPORT)
    svg = standalone_svg(picture, 640)
    equal = re.search(r'x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="roof"', svg)
    assert equal is not None
    x1, y1, x2, y2 = (float(value) for value in equal.groups())
    cpu = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4.2"', svg)
    assert cpu is not None
    x, y = float(cpu[1]), float(cpu[2])
    assert math.isclose((y - y1) / (x - x1), (y2 - y1) / (x2 - x1), rel_tol=0.01)
    hollow = re.findall(r'<polygon points="([\d.]+),([\d.]+)[^"]*" class="hollow s-c2"', svg)
    ((left, top),) = hollow
    assert float(top) > y1 + (float(left) - x1) * (y2 - y1) / (x2 - x1)


def test_shapes_tell_kinds_apart_and_names_are_escaped() -> None:
    (picture, _) = pictures(REPORT)
    svg = standalone_svg(picture, 640)
    assert svg.count("<polygon") == 1 + 2, "two squares of GPUs, and the key's"
    assert "gpu &lt;100.0&gt;" in svg
    assert standalone_svg(picture, 640) == svg
