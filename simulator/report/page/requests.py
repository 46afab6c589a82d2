"""Request streams: what clients saw, and the queue over time."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.metrics.traffic import Traffic
from simulator.report.evidence import Run
from simulator.report.page.html import figure, grid, table
from simulator.report.pictures.catalog import traffic_pictures
from simulator.report.pictures.picture import Cell, Table

COLUMNS = (
    "run", "requests/s", "SLO met (%)", "goodput/s", "TTFT p50 (ms)", "TTFT p99 (ms)", "TPOT p50 (ms)",
    "TPOT p99 (ms)", "E2E p50 (s)", "E2E p99 (s)",
)  # fmt: skip


def requests_section(runs: Sequence[Run]) -> str:
    """The section; empty where no run serves a stream."""
    streams = [(run, run.result.traffic) for run in runs if run.result.traffic]
    if not streams:
        return ""
    shown = Table(COLUMNS, [_row(run, traffic) for run, traffic in streams])
    note = "Goodput: requests a second that kept the service objective (SLO). E2E: from arrival to the last token."
    pictures = grid([figure(picture) for picture in traffic_pictures(runs)])
    return f'<p class="lead">{note}</p>{table(shown, "Request streams", classes="runs streams")}{pictures}'


def _row(run: Run, traffic: Traffic) -> tuple[Cell, ...]:
    slo, tpot = traffic.slo, traffic.tpot_s
    return (
        run.label,
        traffic.answered_per_s,
        slo.met_share * 100 if slo else None,
        slo.goodput_per_s if slo else None,
        traffic.ttft_s.p50 * 1e3,
        traffic.ttft_s.p99 * 1e3,
        tpot.p50 * 1e3 if tpot else None,
        tpot.p99 * 1e3 if tpot else None,
        traffic.e2e_s.p50,
        traffic.e2e_s.p99,
    )
