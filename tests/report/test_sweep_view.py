"""What a sweep shows while it runs and at its end."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from simulator.report.sweep_view import MOST_ROWS, Progress, duration, front_view, live, progress_line


def shown(renderable: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=90)
    console.print(renderable)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_a_line_tells_what_is_done_at_which_rate_and_what_is_left() -> None:
    progress = Progress(total=100, known=10, counts={"done": 25, "failed": 5}, elapsed_s=60)
    assert progress_line("s", progress) == "s: 40 of 100 points, 5 failed, 1,800 an hour, 2 min left"
    assert progress_line("s", Progress(total=3)) == "s: 0 of 3 points"
    assert progress_line("s", Progress(total=3, known=3)) == "s: 3 of 3 points"


def test_times_have_a_fitting_unit() -> None:
    assert [duration(s) for s in (5, 119, 600, 7199, 36000)] == ["5 s", "119 s", "10 min", "120 min", "10.0 h"]


def test_the_live_view_has_the_best_of_each_objective_and_every_worker() -> None:
    progress = Progress(total=100, counts={"done": 25}, elapsed_s=60)
    lines = shown(live("s", progress, {"tokens_per_s": (1234.5, "channels 8")}, ["channels 16", "starting"]))
    assert lines[0].startswith("s: 25 of 100 points")
    assert lines[2:] == [
        "best tokens_per_s  1,234  channels 8",
        "worker 1                  channels 16",
        "worker 2                  starting",
    ]


def test_a_front_shows_the_axes_that_vary_under_short_names() -> None:
    rows = [{"x": float(n), "a.channels": n, "b.batch": 1, "a.fixed": 3} for n in range(MOST_ROWS + 2)]
    lines = shown(front_view(rows, {"x": "max"}, ["a.channels", "b.batch", "a.fixed"], rows))
    assert lines[0] == f"Pareto front of x (max): {len(rows)} of {len(rows)} points"
    assert lines[1].split() == ["x", "channels"]
    assert lines[-1] == "and 2 more"
    assert len(lines) == MOST_ROWS + 3
    both = [{"x": 1.0, "a.n": 1, "b.n": 2}, {"x": 2.0, "a.n": 2, "b.n": None}]
    assert shown(front_view(both[:1], {"x": "max"}, ["a.n", "b.n"], both))[1].split() == ["x", "a.n", "b.n"]
    assert shown(front_view([], {"x": "max"}, [], both)) == ["Pareto front of x (max): 0 of 2 points"]
