"""Each design alone: its parts, its rooflines, and all that its figures rest on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simulator.report.evidence import Run
from simulator.report.page.html import code, figure, grid, listing, slug
from simulator.report.pictures.catalog import point_pictures, run_pictures
from simulator.report.winners import why


def designs(runs: Sequence[Run]) -> str:
    """One closed block a design; the first is open."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.design, []).append(run)
    return "".join(_design(name, group, first=not position) for position, (name, group) in enumerate(groups.items()))


def _design(name: str, runs: Sequence[Run], *, first: bool) -> str:
    run = runs[0]
    values = run.result.arch.values
    parts = [figure(picture) for picture in point_pictures(run)]
    for one in runs:
        parts.append(f'<h3 class="batch">{escape(one.label)}: {escape(why(one.held_by))}</h3>')
        parts.append(grid([figure(picture) for picture in run_pictures(one)]))
        if one.command:
            parts.append(f"<p>This run again:</p>{code(one.command)}")
    rests = _rests_on(runs)
    about = " ".join(str(values.get("description", "")).split())
    return (
        f'<details class="design" id="design-{slug(name)}"{" open" if first else ""}>'
        f"<summary><b>{escape(name)}</b> <span>{escape(about)}</span></summary>"
        f"{''.join(parts)}{rests}</details>"
    )


def _rests_on(runs: Sequence[Run]) -> str:
    result = runs[0].result
    assumptions = list(dict.fromkeys(text for run in runs for text in run.result.assumptions))
    fitted = [f"{c['name']} = {c['value']}: {c['fitted_to']} ({c.get('source', '')})" for c in result.calibrations]
    values = result.arch.values
    sources = [f"{values.get('name')}: {values.get('source')}"] if values.get("source") else []
    sources += [
        f"{name}: {' '.join(str(part['source']).split())}"
        for name, part in sorted(values.get("components", {}).items())
        if part.get("source")
    ]
    shown = [listing("Assumptions, guesses and approximations", assumptions), listing("Calibrations", fitted)]
    return f'<div class="rests">{"".join(shown)}{listing("Sources", sources)}</div>'
