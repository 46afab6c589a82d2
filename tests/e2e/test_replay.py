"""`nearbank replay` gives the golden cycles, and a located line for a trace that cannot be read."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AIM = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "aim" / "traces"
GOLDEN_CYCLES = {"m_eoc_only": 2, "m_mac64": 185, "m_gemv_min": 414, "m_wrmem_80": 519, "m_rdmem_conflict": 270}
"""From golden_cases.csv, column cycles_head_0f28a07."""

KEYS = {"cycles", "time_ps", "commands", "energy_j", "row_hit_rate", "wall_s"}


@pytest.mark.parametrize(("case", "cycles"), GOLDEN_CYCLES.items())
def test_micro_cases_take_the_golden_cycles(nearbank: Callable[..., Any], case: str, cycles: int) -> None:
    shown = nearbank("replay", "gddr6_aim_ref", AIM / f"{case}.aim.gz", "--json")
    assert (shown.code, shown.err) == (0, "")
    assert set(shown.json) == KEYS
    assert shown.json["cycles"] == cycles
    assert shown.json["time_ps"] == cycles * 500


def test_a_trace_needs_no_compression(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    plain = tmp_path / "plain.aim"
    plain.write_bytes(gzip.decompress((AIM / "m_mac64.aim.gz").read_bytes()))
    assert nearbank("replay", "gddr6_aim_ref", plain, "--json").json["cycles"] == GOLDEN_CYCLES["m_mac64"]


def test_the_log_of_a_replay_is_legal(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    log = tmp_path / "some.cmd"
    assert nearbank("replay", "gddr6_aim_ref", AIM / "m_gemv_min.aim.gz", "--log", log).code == 0
    assert log.read_text().count(",MACab,") == 64
    assert nearbank("check", "gddr6_aim_ref", log).out == "violations: 0\n"


def test_a_platform_can_stand_for_its_memory(nearbank: Callable[..., Any]) -> None:
    by_platform, by_standard = (
        nearbank("replay", spec, AIM / "m_rdmac1.aim.gz", "--json").json for spec in ("aim_1card", "gddr6_aim")
    )
    assert by_platform["cycles"] == by_standard["cycles"]


def test_requests_are_served_and_counted(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    trace = tmp_path / "some.req"
    trace.write_text("R 0x0\nR 0x20\n200 W 0x40\n")
    shown = nearbank("replay", "gddr6_aim_ref", trace, "--json")
    assert shown.code == 0
    assert shown.json["commands"]["RD"] == 2
    assert shown.json["commands"]["WR"] == 1
    assert shown.json["energy_j"] > 0


def test_the_reference_engine_gives_the_same_cycles_commands_and_log(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    trace = tmp_path / "some.req"
    lines = [f"{4 * n} {'RW'[n % 3 == 0]} 0x{32 * (n * 37 % 4096):x}" for n in range(60)]
    trace.write_text("\n".join(lines))
    runs, logs = [], []
    for engine in ("compiled", "reference"):
        log = tmp_path / f"{engine}.cmd"
        runs.append(nearbank("replay", "gddr6_aim", trace, "--engine", engine, "--log", log, "--json").json)
        logs.append(log.read_text())
    assert [runs[0][key] for key in ("cycles", "commands")] == [runs[1][key] for key in ("cycles", "commands")]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("name", ["m_gemv_min", "m_af_mac", "m_copy_gbbk8", "m_wr_then_rd", "m_rd_sync_wr"])
def test_the_reference_engine_replays_near_bank_traces_alike(
    nearbank: Callable[..., Any], name: str, tmp_path: Path
) -> None:
    runs, logs = [], []
    for engine in ("compiled", "reference"):
        log = tmp_path / f"{engine}.cmd"
        trace = AIM / f"{name}.aim.gz"
        run = nearbank("replay", "gddr6_aim_ref", trace, "--engine", engine, "--log", log, "--json").json
        runs.append(run | {"wall_s": 0})
        logs.append(log.read_text())
    assert runs[0] == runs[1]
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("x.aim", "AiM MAC_ABK 64 0x80000000 0\nAiM MAC_ABX 1 1 0\nAiM EOC\n", ":2:5: "),
        ("x.aim", "AiM MAC_ABK 0 1 0\nAiM EOC\n", ":1:13: opsize"),
        ("x.aim", "AiM MAC_ABK 64 1\nAiM EOC\n", ":1:"),
        ("x.aim", "AiM SYNC\n", ":2:1: "),
        ("x.req", "R 0x0\nQ 0x20\n", ":2:1: "),
        ("x.req", "R 0x0\nR 0xZZ\n", ":2:3: "),
    ],
)
def test_a_bad_trace_is_located(nearbank: Callable[..., Any], tmp_path: Path, name: str, text: str, place: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    shown = nearbank("replay", "gddr6_aim_ref", path)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(f"{path}{place}")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("name", ["gone.aim", "gone.req", "some.txt", "cut.aim.gz"])
def test_a_trace_that_is_no_trace_is_one_line(nearbank: Callable[..., Any], tmp_path: Path, name: str) -> None:
    (tmp_path / "some.txt").write_text("")
    (tmp_path / "cut.aim.gz").write_bytes(gzip.compress(b"AiM EOC\n")[:12])
    shown = nearbank("replay", "gddr6_aim_ref", tmp_path / name)
    assert (shown.code, shown.out) == (2, "")
    assert name in shown.err
    assert shown.err.count("\n") == 1
