"""A page with runs and a sweep, open in a headless Chromium; without a browser its tests are skipped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "report"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Opened:
    """A page in the browser, and what its console said."""

    page: Any
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no browser is installed (Debian: chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of eight runs and a sweep of 400 points."""
    from drawn_runs import money, runs, sweep

    from simulator.report.evidence import Evidence
    from simulator.report.page.build import page

    failed = {"tiny_batch8": "does not fit"}
    evidence = Evidence(runs(), failed, [sweep(50, 4)], 100.0, "nearbank compare ...", money())
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(evidence), encoding="utf-8")
    return path


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """The theme of the system."""
    return str(request.param)


@pytest.fixture
def open_report(browser: Any, report: Path) -> Iterator[Any]:
    """Opens the page in a window of a width and a theme."""
    opened = []

    def at(width: int = 1280, scheme: str = "light") -> Opened:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        found = Opened(page)
        page.on("console", lambda message: found.said.append(message.text))
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                found.said.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:")) else None
            ),
        )
        page.goto(report.as_uri())
        opened.append(page)
        return found

    yield at
    for page in opened:
        page.close()
