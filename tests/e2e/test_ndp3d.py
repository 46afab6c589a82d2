"""Stacks through the command line: more wires give more, the mechanism says why, bad input is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.metrics.result import Result

STACKS = ("ndp3d_hbm3", "ndp3d_tsv", "ndp3d_hybrid_bonded")
SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=8", "--set", "workload.output_tokens=3")


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    from simulator import load_arch, load_workload, simulate

    job = load_workload("llama2_7b_512_64", ["prompt_tokens=8", "output_tokens=3"])
    cool = ["thermal.ambient_c=0"]
    return {name: simulate(load_arch(name, cool), job) for name in STACKS}


@pytest.mark.parametrize("arch", STACKS)
def test_a_whole_llama_runs_and_its_document_shows_temperatures(nearbank: Callable[..., Any], arch: str) -> None:
    shown = nearbank("run", arch, *SHORT, "--json")
    assert (shown.code, shown.err) == (0, "")
    result = Result.from_json(shown.out)
    assert result.thermal is not None
    assert set(result.thermal.temperature_c) == {"sink", *(f"dram_{i}" for i in range(8)), "logic"}
    moved = result.data_movement_bytes
    assert moved["vertical_bus"] == moved["pins->controller"] + moved["controller->pins"]
    assert sum(result.energy_j.by_class.values()) == pytest.approx(result.energy_j.total)
    pj_per_bit = 0.66 if arch == "ndp3d_hybrid_bonded" else 0.61
    assert result.energy_j.by_class["tsv"] == pytest.approx(8 * moved["vertical_bus"] * pj_per_bit * 1e-12)


def test_the_text_names_the_hottest_die(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("run", "ndp3d_tsv", *SHORT)
    assert shown.code == 0
    assert "hottest die" in shown.out
    assert "within its limit of 95 C" in shown.out


def test_internal_bandwidth_is_buses_times_width_times_rate(nearbank: Callable[..., Any]) -> None:
    for arch, buses, width, mbps in (
        ("ndp3d_hbm3", 16, 64, 6400),
        ("ndp3d_tsv", 16, 256, 6400),
        ("ndp3d_hybrid_bonded", 32, 1024, 1066),
    ):
        part = json.loads(nearbank("show", arch, "--json").out)["components"]
        bus = part["bonds" if arch == "ndp3d_hybrid_bonded" else "tsv"]
        assert bus["bytes_per_s"] == {"vertical_bus": pytest.approx(buses * width * mbps * 1e6 / 8)}
        assert part["memory"]["capacity_bytes"] == 1 << 34


def test_more_wires_are_faster_and_shorter_ones_cheaper(results: dict[str, Result]) -> None:
    steps = [results[name].time_by_op_kind_s["decode"]["ffn_down"] for name in STACKS]
    assert steps[0] > 3 * steps[1] > 3 * steps[2]
    per_token = [sum(results[name].energy_j.by_class[c] for c in ("dram_array", "tsv")) for name in STACKS]
    on_dies = [results[name].energy_j.by_class.get("dram_io", 0.0) for name in STACKS]
    assert on_dies[2] == 0 < on_dies[1]
    assert per_token[2] + on_dies[2] < 0.5 * (per_token[1] + on_dies[1])


def test_the_gain_of_more_banks_is_gone_without_more_wires(nearbank: Callable[..., Any]) -> None:
    job = ("op", "ndp3d_tsv", "gemm", "--shape", "4096x4096", "--json")
    wide, narrow = (json.loads(nearbank(*job, "--set", f"tsv.width_bits={w}").out) for w in (256, 64))
    plain = json.loads(nearbank("op", "ndp3d_hbm3", *job[2:]).out)
    assert narrow["bound_by"] == "vertical bus"
    assert narrow["time_ps"] >= 2 * 4096 * 4096 / 819.2e9 * 1e12
    assert narrow["time_ps"] == pytest.approx(plain["time_ps"], rel=0.25)
    assert wide["time_ps"] < 0.35 * narrow["time_ps"]


def test_dearer_bits_never_save_energy(nearbank: Callable[..., Any]) -> None:
    job = ("op", "ndp3d_tsv", "gemm", "--shape", "1024x1024", "--json")
    joules = [json.loads(nearbank(*job, "--set", f"tsv.energy_pj_per_bit={pj}").out) for pj in (0.25, 0.5, 1.0)]
    assert joules[0]["energy_j"] < joules[1]["energy_j"] < joules[2]["energy_j"]
    assert joules[2]["energy_j"] - joules[1]["energy_j"] == pytest.approx(8 * joules[0]["bytes"] * 0.5e-12)


def test_a_tighter_activation_budget_is_never_faster(nearbank: Callable[..., Any]) -> None:
    times = []
    for window_ns in (30, 120, 480):
        limit = f"{{policy: charge_pump, activations: 8, window_ns: {window_ns}, level: pseudochannel, source: test}}"
        shown = nearbank(
            "op", "ndp3d_tsv", "gemm", "--shape", "2048x2048", "--json", "--set", f"memory.activation_limit={limit}"
        )
        times.append(json.loads(shown.out))
    assert times[0]["time_ps"] <= times[1]["time_ps"] < times[2]["time_ps"]
    assert times[2]["bound_by"] == "DRAM row activation"
    # Rows of 8 KiB, one in 480 ns on each of 32 pseudo-channels.
    assert times[2]["time_ps"] >= 2 * 2048 * 2048 / (32 * 8192 / 480e-9) * 1e12 * 0.9


def test_temperatures_of_every_token_go_to_a_file(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "temperatures.csv"
    assert nearbank("run", "ndp3d_hybrid_bonded", *SHORT, "--temperatures", path).code == 0
    lines = path.read_text().splitlines()
    assert lines[0].startswith("time_s,sink_c,dram_0_c")
    assert len(lines) == 1 + 3
    refused = nearbank("run", "hbm3_npu", *SHORT, "--temperatures", path)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "hbm3_npu has no component of the kind 'thermal', so it has no temperatures\n"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("tsv.buses=5", "components.tsv.buses: 5 buses cannot serve equal groups of 16 channels"),
        ("matrix.vaults=5", "components.matrix.vaults: 5 vaults cannot have equal shares of 64 arrays"),
        ("mesh.gathers=host", "components.mesh.gathers: 'host' is not an end of mesh (allowed: matrix, vector)"),
        ("thermal.outside=[host]", "components.thermal.heat: nothing says where the heat of 'pcie' goes"),
        ("memory.pace=0", "components.memory.pace: 0 is out of range (allowed: more than 0 and at most 1)"),
        (
            "memory.activation_limit={policy: charge_pump, activations: 4, window_ns: 30, source: x}",
            "components.memory.activation_limit.activations: 'ACT' of hbm3_bundle8 opens 8 rows at once, 4 are allowed",
        ),
        ("memory.activation_limit={policy: pump}", "components.memory.activation_limit"),
        ("tsv.widht_bits=8", "width_bits"),
    ],
)
def test_what_cannot_be_is_one_line(nearbank: Callable[..., Any], override: str, said: str) -> None:
    shown = nearbank("run", "ndp3d_tsv", *SHORT, "--set", override)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert shown.err.count("\n") == 1
