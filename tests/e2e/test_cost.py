"""`nearbank cost` as a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = ("llama2_7b_512_64", "--set", "prompt_tokens=16", "--set", "output_tokens=4")


@pytest.fixture
def runs(nearbank: Callable[..., Any], tmp_path: Path) -> Path:
    for arch in ("rtx4090", "aim_1card"):
        assert nearbank("run", arch, *SMALL, "-o", tmp_path / arch).code == 0
    return tmp_path


def test_machines_are_priced_by_their_runs_and_plans_follow(nearbank: Callable[..., Any], runs: Path) -> None:
    found = nearbank("cost", "onprem_pilot", runs, "--baseline", "rtx4090", "--tokens-per-day", "1e7", "--json").json
    assert {row["machine"] for row in found["machines"]} == {"rtx4090", "aim_1card"}
    per_token = [row["usd_per_million_tokens"] for row in found["machines"]]
    assert per_token == sorted(per_token)
    for row in found["machines"]:
        assert row["usd"] == pytest.approx(sum(row["parts_usd"].values()))
        assert row["usd_per_hour"] == pytest.approx(row["hardware_usd_per_hour"] + row["power_usd_per_hour"])
    assert all(len(plan["running_total_usd"]) == 48 for plan in found["plans"].values())
    text = nearbank("cost", "onprem_pilot", runs, "--baseline", "rtx4090", "--tokens-per-day", "1e7").out
    assert "payback" in text
    assert "$/M tokens" in text
    assert "…" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cost", "onprem_pilot"), "no run of a machine of these costs"),
        (("cost", "onprem_pilto"), "nearest: 'onprem_pilot'"),
        (("cost", "onprem_pilot", "nowhere"), "there is no result.json in it or below it"),
        (("cost", "onprem_pilot", "bad"), "it is no result of this simulator"),
        (("cost", "llama2_7b"), "is a model, not a cost"),
        (("cost", "onprem_pilot", "--baseline", "rtx4090"), "needs a load to pay off under: --tokens-per-day"),
    ],
)
def test_bad_input_is_one_line(
    nearbank: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "result.json").write_text("{}")
    found = nearbank(*words)
    assert found.code == 2
    assert message in found.err
    assert found.err.count("\n") == 1
