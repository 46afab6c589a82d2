"""The page as one string."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from simulator.report.evidence import Evidence
from simulator.report.page.answer import answer, heading
from simulator.report.page.designs import designs
from simulator.report.page.html import code, figure, grid
from simulator.report.page.money import money_section
from simulator.report.page.requests import requests_section
from simulator.report.page.sweeps import sweep_section
from simulator.report.pictures.catalog import batch_pictures, energy_pictures, field_pictures, time_pictures
from simulator.report.pictures.picture import Picture
from simulator.report.svg.style import DARK, FONT, LIGHT, classes, variables

ASSETS = Path(__file__).parent


def page(evidence: Evidence) -> str:
    """The whole report; the same evidence gives the same bytes."""
    scripts = _asset("page.js") + (_asset("sweep.js") if evidence.sweeps else "")
    return frame(heading(evidence), _sections(evidence), _footer(evidence), scripts)


def frame(title: str, sections: Mapping[str, tuple[str, str]], footer: str, scripts: str | None = None) -> str:
    """A page of ``sections``: id -> heading and content. ``scripts``: the pictures' own when None."""
    links = "".join(f'<a href="#{name}">{escape(words)}</a>' for name, (words, _) in sections.items() if words)
    body = "".join(
        f'<section id="{name}" aria-label="{escape(words or "Answer")}">{f"<h2>{escape(words)}</h2>" if words else ""}'
        f"{content}</section>"
        for name, (words, content) in sections.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_style()}</style></head><body>"
        '<a class="skip" href="#main">Skip to the report</a>'
        f'<header><b class="brand">nearbank</b><nav aria-label="Sections">{links}</nav>'
        '<button type="button" id="theme">Theme: system</button></header>'
        f'<main id="main"><h1>{escape(title)}</h1>{body}</main>'
        f"<footer>{footer}</footer>"
        '<div id="tip" role="status" aria-live="polite" hidden></div>'
        f"<script>{_asset('page.js') if scripts is None else scripts}</script></body></html>\n"
    )


def _sections(evidence: Evidence) -> Mapping[str, tuple[str, str]]:
    """Id -> heading and content, of the sections that have any."""
    runs = evidence.runs
    found = {
        "answer": ("", answer(evidence)),
        "requests": ("Requests", requests_section(runs)),
        "field": ("The published field", _figures(field_pictures(runs, evidence.max_power_w))),
        "batch": ("Batch and latency", _figures(batch_pictures(runs))),
        "money": ("What tokens cost", money_section(runs, evidence.money)),
        "time": ("Where the time goes", _figures(time_pictures(runs))),
        "energy": ("Where the joules go", _figures(energy_pictures(runs))),
        "designs": ("Each design", designs(runs)),
    }
    for position, sweep in enumerate(evidence.sweeps):
        # A page of one sweep alone is called as it is.
        title = f"Sweep {sweep.name}" if runs or len(evidence.sweeps) > 1 else "Design space"
        found[f"sweep-{position}"] = (title, sweep_section(sweep, position, evidence.max_power_w))
    return {name: (words, content) for name, (words, content) in found.items() if content}


def _figures(pictures: list[Picture]) -> str:
    return grid([figure(picture) for picture in pictures]) if pictures else ""


def _footer(evidence: Evidence) -> str:
    again = f"<p>This page again:</p>{code(evidence.command)}" if evidence.command else ""
    versions = dict.fromkeys(
        f"nearbank {run.result.provenance.version}"
        + (f", commit {run.result.provenance.commit}" if run.result.provenance.commit else "")
        for run in evidence.runs
    )
    return f"{again}<p>{escape('; '.join(versions))}</p>"


def _style() -> str:
    dark = variables(DARK)
    return (
        f":root{{{variables(LIGHT)}--font:{FONT}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}"
        f"{_asset('style.css')}{classes()}"
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
