"""The page in a browser: quiet, complete, usable by pointer and by keyboard, readable in both themes and widths."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn_runs import run, sweep

from simulator.config.cost_schema import Costs
from simulator.config.loader import build, load_document
from simulator.report.evidence import Evidence
from simulator.report.money import Terms, price
from simulator.report.page.build import page
from simulator.report.page.validation import page as validation_page

Open = Callable[..., Any]

BROUGHT_INTO_VIEW = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [1280, 400])
def test_it_opens_quietly_and_fits_its_window(open_report: Open, theme: str, width: int) -> None:
    opened = open_report(width, theme)
    opened.page.evaluate(BROUGHT_INTO_VIEW)
    assert opened.page.evaluate(WIDER_THAN_WINDOW) <= 0
    assert opened.said == []


@pytest.mark.parametrize("width", [1280, 400])
def test_each_picture_is_drawn_once_with_data_and_a_table(open_report: Open, width: int) -> None:
    page = open_report(width).page
    page.evaluate(BROUGHT_INTO_VIEW)
    pictures = page.evaluate(
        """Array.from(document.querySelectorAll("figure")).map((figure) => {
          const drawn = Array.from(figure.querySelectorAll("svg")).filter((svg) => svg.getClientRects().length);
          const zoom = drawn[0].getBoundingClientRect().width / drawn[0].viewBox.baseVal.width;
          const texts = Array.from(drawn[0].querySelectorAll("text"));
          const sizes = texts.map((text) => parseFloat(getComputedStyle(text).fontSize));
          return { name: figure.dataset.picture, drawn: drawn.length, label: drawn[0].getAttribute("aria-label"),
            marks: drawn[0].querySelectorAll("[data-tip],.points,.lines").length,
            rows: figure.querySelectorAll("tbody tr").length, smallest: zoom * Math.min(...sizes) };
        })"""
    )
    assert len(pictures) >= 40
    for picture in pictures:
        assert (picture["drawn"], bool(picture["label"])) == (1, True), picture
        assert picture["marks"] > 0, picture
        assert picture["rows"] > 0, picture
        assert picture["smallest"] >= 9.5, picture


def test_the_first_screen_says_who_wins_and_another_cap_changes_it(open_report: Open) -> None:
    page = open_report().page
    cards = page.locator("#answer .card")
    assert cards.count() == 4
    assert cards.last.bounding_box()["y"] + cards.last.bounding_box()["height"] < 900
    assert "Most tokens/s within 100 W" in cards.last.inner_text()
    before = cards.last.locator(".who").inner_text()
    field = cards.last.get_by_label("Power cap (W)")
    field.fill("1e9")
    assert cards.last.locator(".who").inner_text() == cards.first.locator(".who").inner_text()
    field.fill("0")
    assert cards.last.locator(".figure").inner_text() == "none qualifies"
    field.fill("100")
    assert cards.last.locator(".who").inner_text() == before


def test_a_mark_says_what_it_is_under_the_pointer(open_report: Open) -> None:
    page = open_report().page
    mark = page.locator("#survey .wide .dot[data-tip]").first
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator("#tip")
    assert tip.is_visible()
    assert tip.inner_text().split("\n")[0] in mark.get_attribute("data-tip")
    page.mouse.move(2, 2)
    assert not tip.is_visible()


def test_arrow_keys_go_through_every_mark_of_a_picture(open_report: Open) -> None:
    page = open_report().page
    stage = page.locator("#batch-speed .stage")
    stage.focus()
    seen = set()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        seen.add(page.locator("#tip").inner_text())
    assert len(seen) == page.locator("#batch-speed .wide [data-tip]").count() == 8
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()


@pytest.mark.parametrize("kind", ["whole", "validation"])
def test_tab_reaches_every_control(open_report: Open, tmp_path: Path, kind: str) -> None:
    page = open_report().page
    if kind == "validation":
        (tmp_path / "v.html").write_text(pages()[kind], encoding="utf-8")
        page.goto((tmp_path / "v.html").as_uri())
    wanted = page.evaluate(
        """(() => {
          const shown = Array.from(document.querySelectorAll("a[href],button,input,summary,[tabindex='0']"))
            .filter((one) => one.checkVisibility({ contentVisibilityAuto: true }));
          shown.forEach((one, n) => { one.dataset.stop = n; });
          return shown.length;
        })()"""
    )
    reached = set()
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.stop"))
    reached -= {None}
    assert len(reached) == wanted


def test_chips_hide_marks_and_rows_together(open_report: Open) -> None:
    page = open_report().page
    page.evaluate(BROUGHT_INTO_VIEW)
    shown = "Array.from(document.querySelectorAll('#survey %s')).filter((one) => one.getClientRects().length).length"
    marks, rows = shown % ".wide [data-tip]", shown % "tbody tr"
    everything = page.evaluate(marks)
    assert everything == page.evaluate(rows) == 188
    chip = page.locator("#survey .chip", has_text="GPU")
    chip.focus()
    page.keyboard.press("Enter")
    assert chip.get_attribute("aria-pressed") == "false"
    assert page.evaluate(marks) == page.evaluate(rows) == 188 - 82 - 2
    chip.click()
    assert page.evaluate(marks) == everything


def test_a_column_sorts_by_its_figures(open_report: Open) -> None:
    page = open_report().page
    head = page.locator("table.runs th", has_text="tokens/s")
    values = "Array.from(document.querySelectorAll('table.runs tbody tr'), (row) => +row.cells[1].dataset.v)"
    for order in ("descending", "ascending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        found = page.evaluate(values)
        assert found == sorted(found, reverse=order == "descending")


def test_the_theme_follows_the_system_until_the_button_says_otherwise(open_report: Open, theme: str) -> None:
    page = open_report(scheme=theme).page
    paper = "getComputedStyle(document.body).backgroundColor"
    looks = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}
    assert page.evaluate(paper) == looks[theme]
    for chosen in ("light", "dark"):
        page.locator("#theme").click()
        assert page.evaluate(paper) == looks[chosen]
    page.locator("#theme").click()
    assert page.evaluate(paper) == looks[theme]


def count(page: Any) -> int:
    return int(page.locator(".sweep .count").inner_text().split()[0].replace(",", ""))


def test_a_brush_and_the_fields_make_the_same_selection(open_report: Open) -> None:
    page = open_report().page
    assert count(page) == 400
    brush = page.locator(".sweep figure .wide .brush[data-form=scatter]").first
    brush.scroll_into_view_if_needed()
    box = brush.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    page.wait_for_function("!document.querySelector('.sweep .count').textContent.startsWith('400')")
    brushed = count(page)
    assert 0 < brushed < 400
    least = page.locator(".sweep input[aria-label='tokens/s: least']").input_value()
    assert float(least) > 0
    rows = page.evaluate(
        """(() => { const data = JSON.parse(document.querySelector(".sweep script.data").textContent);
          const values = data.columns.find((column) => column.name === "tokens_per_s").values;
          return values; })()"""
    )
    most = float(page.locator(".sweep input[aria-label='tokens/s: most']").input_value())
    assert brushed == sum(float(least) <= value <= most for value in rows)
    page.get_by_role("button", name="Show all").click()
    assert count(page) == 400
    page.locator(".sweep input[value=open]").focus()
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.sweep .count').textContent.startsWith('200')")
    assert page.locator(".sweep canvas").count() > 0


def test_the_table_of_a_sweep_sorts_pages_and_is_downloaded(open_report: Open) -> None:
    page = open_report().page
    first = page.locator("table.live tbody tr").first
    page.locator("table.live th", has_text="power (W)").locator("button").click()
    largest = float(first.locator("td").nth(4).inner_text().replace(",", ""))
    page.locator("table.live th", has_text="power (W)").locator("button").click()
    assert float(first.locator("td").nth(4).inner_text()) < largest
    page.get_by_role("button", name="Next").click()
    assert page.locator(".pager .where").inner_text() == "page 2 of 8"
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV of these points").click()
    lines = waiting.value.path().read_text().splitlines()
    assert lines[0].startswith("memory.channels,workload.batch,memory.dram.controller.page_policy,tokens_per_s")
    assert len(lines) == 401


def pages() -> dict[str, str]:
    """Each kind of page, small, with each kind of part once."""
    pair = [run("aim_1card", 1), run("aim_1card", 8)]
    costs = build(load_document("onprem_pilot", expected_kind="cost"), Costs)
    paid = price(Terms(costs, "aim_1card", 1e8), pair)
    case = {"case": "c", "kind": "k", "source": "s", "expected": 1.0, "got": 1.1, "error_pct": 10.0, "limit_pct": 5.0}
    cases = [case | {"basis": basis, "passed": False, "differences": []} for basis in ("fit", "prediction", "compat")]
    return {
        "sweep": page(Evidence(pair[:1], sweeps=[sweep(4, 2)])),
        "compared": page(Evidence(pair, {"tiny": "does not fit"}, (), 100.0, "nearbank compare ...", paid)),
        "validation": validation({"suite": "s", "passed": False, "cases": cases}),
    }


def validation(report: dict[str, Any]) -> str:
    return validation_page([report], {"s": "nearbank validate --suite s"})


@pytest.mark.parametrize("kind", ["sweep", "compared", "validation"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_axe_finds_no_serious_issue(browser: Any, tmp_path: Path, kind: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    path = tmp_path / "index.html"
    path.write_text(pages()[kind], encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened.goto(path.as_uri())
    assert opened.evaluate(WIDER_THAN_WINDOW) <= 0
    opened.evaluate(BROUGHT_INTO_VIEW)
    # Of long tables a few rows stand for all.
    opened.evaluate("document.querySelectorAll('tbody tr:nth-child(n+6)').forEach((row) => row.remove())")
    found = axe.Axe().run(opened).response["violations"]
    serious = [issue for issue in found if issue["impact"] in {"serious", "critical"}]
    shown = [
        (issue["id"], issue["nodes"][0]["html"][:300], issue["nodes"][0].get("failureSummary")) for issue in serious
    ]
    opened.close()
    assert not shown, json.dumps(shown, indent=1)
