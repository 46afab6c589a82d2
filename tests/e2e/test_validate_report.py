"""`nearbank validate --report`: every case of a suite by its basis, as a page and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from simulator.report.page.validation import page
from simulator.report.validation_text import markdown
from tests.e2e.test_validate_platforms import folder


def case(name: str, got: float | None, **more: Any) -> dict[str, Any]:
    error = None if got is None else 100 * (got / 10.0 - 1)
    common = {
        "kind": "<k>",
        "source": f"paper of {name}",
        "limit_pct": 5.0,
        "basis": "compat",
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
    second = case("f", 9.0, basis="prediction", fitted=False, **platform)
    found = page(
        [
            report("one", case("a", 10.0), case("b", 12.0), case("c", None), case("d", 9.0)),
            report("two", case("e", 10.0, basis="fit", fitted=True, **platform), second, goals=[]),
        ],
        {"one": "nearbank validate --suite one", "two": "nearbank validate --suite two"},
    )
    cases = rows(found, "Compat")
    assert [row[0] for row in cases] == ["a", "b", "c", "d"]
    assert [row[5] for row in cases] == ["agrees", "DISAGREES", "not run: why", "DISAGREES"]
    assert cases[1] == ["b", "<k>", "10.0", "12.0", "20.0", "DISAGREES", "paper of b"]
    assert [row[0] for row in rows(found, "Prediction")] == ["f"]
    assert [row[0] for row in rows(found, "Fit")] == ["e"]
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


def test_the_markdown_has_each_basis_of_each_suite_and_names_what_disagrees() -> None:
    cases = [case("a", 10.0), case("b | c", 12.0), case("d", None), case("e", 9.0, basis="fit", limit_pct=None)]
    lines = markdown([report("one", *cases)], {"one": "nearbank validate --suite one"}).splitlines()
    assert "| one | FAILED | compat | 3 | 2 | 3 | 1 | 10.00 % | 18.00 % | 20.00 % |" in lines
    assert "| one | FAILED | fit | 1 | 1 | 0 | - | 10.00 % | 10.00 % | 10.00 % |" in lines
    assert "- b / c: DISAGREES" in lines
    assert "- d: not run: why" in lines
    assert "- paper of a (1)" in lines


def test_a_report_of_another_form_is_refused(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    shown = nearbank("validate", "--suite", "aim", "--report", tmp_path / "v.pdf")
    assert (shown.code, shown.err) == (2, "--report: '.pdf' is no form of a report (allowed: .html, .md)\n")
