"""The timeline of a run agrees with its result, and its DRAM commands with a replay's log."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.trace_schema import checked

SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=16", "--set", "workload.output_tokens=3")


def traced(nearbank: Callable[..., Any], path: Path, *argv: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(result, events) of a run."""
    shown = nearbank("run", *argv, "--timeline", path, "--json")
    assert shown.code == 0, shown.err
    return shown.json, checked(json.loads(path.read_text()))


def busy_us(events: list[dict[str, Any]], end_us: float) -> tuple[dict[str, float], Counter[str]]:
    """Component -> us in which any of its bars runs, and the number of its bars."""
    group = next(e["pid"] for e in events if e["name"] == "process_name" and e["args"]["name"] == "components busy")
    names = {e["tid"]: e["args"]["name"].split(" ")[0] for e in events if e["name"] == "thread_name"}
    found: dict[str, float] = defaultdict(float)
    until: dict[str, float] = defaultdict(float)
    bars: Counter[str] = Counter()
    for event in (e for e in events if e["ph"] == "X" and e["pid"] == group):
        row, end = names[event["tid"]], min(event["ts"] + event["dur"], end_us)
        found[row] += max(0.0, end - max(event["ts"], until[row]))
        until[row] = max(until[row], end)
        bars[row] += 1
    return found, bars


@pytest.mark.parametrize("platform", ["aim_1card", "hbm3_npu", "a100_sxm_80g"])
def test_busy_times_and_energy_are_those_of_the_result(
    platform: str, nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    result, events = traced(nearbank, tmp_path / "t.json", platform, *SHORT)
    end_us = result["time_ps"] / 1e6
    busy, bars = busy_us(events, end_us)
    assert set(busy) == set(result["utilization"])
    for component, share in result["utilization"].items():
        # Each bar begins and ends at the nearest nanosecond.
        assert busy[component] == pytest.approx(share * end_us, rel=1e-6, abs=1e-3 * bars[component]), component
    power = [(e["ts"], e["args"]["W"]) for e in events if e["name"] == "power total"]
    joules = math.fsum(w * (until - at) for (at, w), (until, _) in pairwise(power)) * 1e-6
    assert joules == pytest.approx(result["energy_j"]["total"], rel=1e-3)


def test_a_window_has_the_commands_of_each_bank(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    argv = ("aim_1card", *SHORT, "--timeline-window")
    _, events = traced(nearbank, tmp_path / "t.json", *argv, "200:230")
    commands = [e for e in events if e["ph"] == "X" and e["cat"] == "command"]
    assert all(200 <= e["ts"] < 230 for e in commands)
    kinds = Counter(e["name"] for e in commands)
    assert kinds["MACab"] > 1000
    _, part = traced(nearbank, tmp_path / "u.json", *argv, "210:215")
    again = [e for e in part if e["ph"] == "X" and e["cat"] == "command"]
    # Times are rounded to a nanosecond after the window has chosen.
    inside = [[(e["name"], e["ts"]) for e in found if 210.001 < e["ts"] < 214.999] for found in (commands, again)]
    assert inside[0] == inside[1]
    assert len(inside[0]) > 100


def test_a_replay_draws_what_it_logs(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    trace, log, drawn = (tmp_path / name for name in ("t.req", "t.cmd", "t.json"))
    trace.write_text("".join(f"R {64 * n * 37:#x}\n" for n in range(200)))
    assert nearbank("replay", "hbm3_6.4g", trace, "--log", log, "--timeline", drawn).code == 0
    bars = [e for e in checked(json.loads(drawn.read_text())) if e["ph"] == "X"]
    logged = Counter(line.split(",")[1] for line in log.read_text().splitlines()[2:])
    assert Counter(bar["name"] for bar in bars) == logged
    assert logged["ACT"]


@pytest.mark.parametrize("window", ["5", "5:4", "a:b", "-1:3", "0:inf"])
def test_a_bad_window_is_refused(window: str, nearbank: Callable[..., Any], tmp_path: Path) -> None:
    shown = nearbank("run", "aim_1card", *SHORT, "--timeline", tmp_path / "t.json", f"--timeline-window={window}")
    assert (shown.code, f"'{window}' is not START:END in us" in shown.err) == (2, True)


def test_a_window_without_a_timeline_is_refused(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("run", "aim_1card", *SHORT, "--timeline-window", "0:1")
    assert (shown.code, "give --timeline FILE" in shown.err) == (2, True)
