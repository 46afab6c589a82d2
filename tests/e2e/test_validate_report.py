"""`nearbank validate --report`: every case of a suite on one page, fit and prediction apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from simulator.report.page.validation import page
from tests.e2e.test_validate_platforms import folder


def case(name: str, got: float | None, **more: Any) -> dict[str, Any]:
    error = None if got is None else 100 * (got / 10.0 - 1)
    common = {
        "kind": "<k>",
        "source": f"paper of {name}",
        "limit_pct": 5.0,
        "differences": ["why"] if got is None else [],
    }
    return common | {"case": name, "expected": 10.0, "got": got, "error_pct": error, "passed": error == 0.0} | more


def report(suite: str, *cases: dict[str, Any], **more: Any) -> dict[str, Any]:
    figures = {"median_abs_error_pct": 1.0, "max_abs_error_pct": 2.0, "passed": False}
    return {"suite": suite, "cases": list(cases)} | figures | more


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    part = text.split(f"<h3>{heading}</h3>")[1].split("</table>", maxsplit=1)[0].split("<tbody>")[1]
    return [
        [unescape(re.sub("<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in part.split("</tr>")[:-1]
    ]


def test_each_case_stands_in_the_table_of_its_suite_and_fits_apart() -> None:
    platform = {"metric": "W", "family": "gpu"}
    found = page(
        [
            report("one", case("a", 10.0), case("b", 12.0), case("c", None), case("d", 9.0)),
            report("two", case("e", 10.0, fitted=True, **platform), case("f", 9.0, fitted=False, **platform), goals=[]),
        ],
        {"one": "nearbank validate --suite one", "two": "nearbank validate --suite two"},
    )
    cases = rows(found, "Cases")
    assert [row[0] for row in cases] == ["a", "b", "c", "d"]
    assert [row[5] for row in cases] == ["agrees", "DISAGREES", "not run: why", "DISAGREES"]
    assert cases[1] == ["b", "<k>", "10.0", "12.0", "20.0", "DISAGREES", "paper of b"]
    assert [row[0] for row in rows(found, "Predicted")] == ["f"]
    assert [row[0] for row in rows(found, "Fitted: a calibration was made from these")] == ["e"]
    assert found.count('<figure class="pic') == 2
    assert found.count("nearbank validate --suite two") == 2


def test_a_report_is_written_beside_what_is_printed(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "v.html"
    shown = nearbank(
        "validate", "--suite", "platforms", "--data", folder(tmp_path, ("M050", "M066")), "--report", path, "--json"
    )
    text = path.read_text()
    assert all(unescape(text).count(case["case"]) for case in shown.json["cases"])
    assert "nearbank validate --suite platforms --data" in text
    assert "http" not in re.sub(r"<t[hd].*?</t[hd]>", "", text).replace("http://www.w3.org", "")
