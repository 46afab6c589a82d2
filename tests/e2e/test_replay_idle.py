"""`nearbank replay` of a sparse trace on a standard that is told to sleep in the gaps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SLEEPY = """\
kind: dram
extends: ddr4_3200_8gb_x8
name: sleepy
description: a DDR4 channel that sleeps
source: test
controller: {idle: {%s}}
"""


def replayed(nearbank: Callable[..., Any], folder: Path, idle: str, *options: str) -> Any:
    (folder / "sleepy.yaml").write_text(SLEEPY % idle)
    trace = folder / "sparse.req"
    trace.write_text("".join(f"{100_000 * gap} R 0x{64 * gap:x}\n" for gap in range(6)))
    return nearbank("replay", folder / "sleepy.yaml", trace, "--json", *options)


@pytest.mark.parametrize("idle", ["power_down_after_ps: 1us", "power_down_after_ps: 1us, self_refresh_after_ps: 20us"])
def test_a_sparse_trace_takes_longer_and_less_energy(nearbank: Callable[..., Any], tmp_path: Path, idle: str) -> None:
    awake = replayed(nearbank, tmp_path, "").json
    asleep = replayed(nearbank, tmp_path, idle).json
    reference = replayed(nearbank, tmp_path, idle, "--engine", "reference").json
    assert asleep["energy_j"] < 0.9 * awake["energy_j"]
    assert asleep["cycles"] > awake["cycles"]
    assert asleep | {"wall_s": 0} == reference | {"wall_s": 0}
    fewer = awake["commands"]["REFab"] - asleep["commands"]["REFab"]
    assert (fewer > 0) is ("self_refresh" in idle)


def test_a_policy_without_its_exit_latency_is_one_line(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    shown = replayed(nearbank, tmp_path, "power_down_after_ps: 1us}}\ntimings: {tXP_ps: null} #")
    assert shown.code == 2
    assert "controller.idle.power_down_after_ps: needs the timing 'nXP'" in shown.err
    assert shown.err.count("\n") == 1
