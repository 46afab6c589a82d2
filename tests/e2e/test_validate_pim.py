"""`nearbank validate --suite pim` judges platforms by CSV files of published figures."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PIM = Path(__file__).resolve().parents[2] / "experiments" / "validation" / "data" / "pim"
QUICK = ("cent_7b_pp32_blocks_at_128", "cent_7b_tp8_blocks_at_512")
OP = {
    "case": "op", "arch": "cent_8dev", "workload": "op allreduce 1x4096", "overrides": "", "metric": "link_bytes",
    "expected": "344064", "limit_pct": "0", "kind": "micro", "source": "14 rounds of 6 flits over two wires, 8 devices",
}  # fmt: skip


def write(path: Path, *rows: dict[str, str]) -> Path:
    heads = list(dict.fromkeys(head for row in rows for head in row))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, heads)
        writer.writeheader()
        writer.writerows(rows)
    return path


def shipped(*cases: str) -> list[dict[str, str]]:
    with (PIM / "cent.csv").open(newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["case"] in cases]


def test_blocks_of_cent_take_the_published_time(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "a.csv", *shipped(*QUICK))
    write(tmp_path / "b.csv", OP)
    shown = nearbank("validate", "--suite", "pim", "--data", tmp_path, "--json")
    assert shown.code == 0
    assert [case["case"] for case in shown.json["cases"]] == [*QUICK, "op"]
    assert shown.json["max_abs_error_pct"] < 1e-9


def test_a_figure_that_differs_fails_the_suite(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", OP | {"expected": "344065"})
    shown = nearbank("validate", "--suite", "pim", "--data", path, "--json")
    assert (shown.code, shown.json["passed"]) == (1, False)


def test_a_case_may_be_a_ratio_to_a_baseline(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    row = OP | {"metric": "time_ps", "expected": "1", "baseline_arch": "cent_8dev", "baseline_overrides": ""}
    twice = row | {"case": "slower", "baseline_overrides": "cxl.bandwidth_gb_s=288", "limit_pct": "none"}
    cases = nearbank("validate", "--suite", "pim", "--data", write(tmp_path / "a.csv", row, twice), "--json").json[
        "cases"
    ]
    assert cases[0]["got"] == 1
    assert 1 < cases[1]["got"] < 2


RUN = {
    "system": "dgx-attacc", "gpu": "A100a", "pim": "bank", "powerlimit": "1", "ffopt": "1", "pipeopt": "1",
    "model": "LLAMA-65B", "word": "2", "batch": "32", "lin": "2048", "lout": "9", "tokens_per_s": "2067.5",
    "joules_per_step": "7.09",
}  # fmt: skip
GPUS = RUN | {"system": "dgx", "pim": "", "tokens_per_s": "1222.8", "joules_per_step": "11.92"}
CYCLES = {
    "L": "2048", "nhead": "130", "dhead": "128", "dbyte": "2", "pim_type": "BG", "power_constraint": "True",
    "cycle": "122255",
}  # fmt: skip


def test_runs_of_attaccs_simulator_are_cases_with_their_speed_ups(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "a.csv", GPUS, RUN)
    write(tmp_path / "b.csv", CYCLES)
    output = {
        "model": "LLAMA-65B", "dtype": "W16A16", "sys_opb": "93.07", "hw": "BA", "cores": "8", "pipe_level": "True",
        "is parallel": "True", "power constraint": "True", "Lin": "2048", "Lout": "9", "bs": "32",
        "g_time (ms)": "15.48", "g_energy (nJ)": "7.09e9",
    }  # fmt: skip
    write(tmp_path / "c.csv", output)
    shown = nearbank("validate", "--suite", "pim", "--data", tmp_path, "--json")
    assert shown.code == 0
    cases = {case["case"]: case for case in shown.json["cases"]}
    speed_up = cases["LLAMA-65B batch 32 2048/9 on 8 A100a + bank ffopt pipeopt: speed-up"]
    assert speed_up["expected"] == pytest.approx(2067.5 / 1222.8)
    assert abs(speed_up["error_pct"]) < 1
    assert len(shown.json["cases"]) == 2 + 3 + 1 + 2
    assert all(abs(case["error_pct"]) < 3 for case in cases.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "GPT-4"}, "there is no 'GPT-4' (known: GPT-175B, LLAMA-65B)"),
        ({"pim": ""}, "system 'dgx-attacc' with pim ''"),
        ({"powerlimit": "maybe"}, "'maybe' is neither on nor off"),
        ({"batch": "many"}, "invalid literal"),
    ],
)
def test_a_row_that_is_no_run_of_attacc_is_named_by_its_line(
    nearbank: Callable[..., Any], tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    path = write(tmp_path / "a.csv", GPUS, RUN | changes)
    shown = nearbank("validate", "--suite", "pim", "--data", path)
    assert shown.code == 2
    assert f"{path}:3: no row of AttAcc's tables: {message}" in shown.err


def test_a_workload_that_does_not_fit_has_no_figure(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    row = OP | {"arch": "aim_1card", "workload": "llama2_70b_512_64", "metric": "tokens_per_s"}
    shown = nearbank("validate", "--suite", "pim", "--data", write(tmp_path / "a.csv", row), "--json")
    assert shown.json["cases"][0]["got"] is None
    assert shown.code == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expected": "many"}, "a.csv:2: expected: 'many' is not a number"),
        ({"metric": "speed"}, "a.csv:2: metric: a result has no 'speed' (there are: "),
        ({"metric": "commands"}, "a.csv:2: metric: 'commands' is not one number"),
        ({"arch": "cent_9dev"}, "cent_9dev"),
    ],
)
def test_a_faulty_row_is_named(
    nearbank: Callable[..., Any], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    shown = nearbank("validate", "--suite", "pim", "--data", write(tmp_path / "a.csv", OP | change))
    assert shown.code == 2
    assert message in shown.err


def test_a_file_without_the_columns_is_no_suite(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"case": "x"})
    assert (
        "a.csv:1: the columns arch, workload, overrides" in nearbank("validate", "--suite", "pim", "--data", path).err
    )
    path.unlink()
    assert "there are no cases" in nearbank("validate", "--suite", "pim", "--data", tmp_path).err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("parallelism.policy=megatorn", "parallelism.policy: there is no parallelism policy 'megatorn'"),
        ("parallelism.stage=layer", "parallelism.stage: 'layer' is not"),
        ("parallelism.tensor=0", "parallelism.tensor: "),
        ("devices.count=many", "devices.count: 'many' is not a number of devices (allowed: at least 1, or auto)"),
        ("cxl.topology=star", "components.cxl.topology: there is no topology 'star'"),
        ("cxl.attached=vektor", "components.cxl.attached: there is no component 'vektor'"),
        ("cxl.algorithms.allreduce=in_swich", "nearest: 'allreduce/in_switch'"),
        ("compat.dent=true", "nearest: 'cent'"),
    ],
)
def test_a_faulty_deployment_is_named(nearbank: Callable[..., Any], override: str, message: str) -> None:
    shown = nearbank("op", "cent_8dev", "allreduce", "--shape", "1x4096", "--set", override)
    assert shown.code == 2
    assert message in shown.err
    assert shown.err.count("\n") == 1


CENT = {
    "Model": "Llama2-7B", "Device number": "8", "Pipeline parallelism": "1", "Tensor parallelism": "8",
    "Sequence length": "1664", "PIM latency": "0.0300125", "Throughput (tokens/s)": "665.4913382692106",
    "Token energy (mJ)": "98.41425796960156", "Total power (W)": "102.47215532028486",
}  # fmt: skip


def test_tables_of_the_cent_artifact_are_cases(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "simulation_results.csv", CENT, CENT | {"Sequence length": "8192"})
    write(tmp_path / "figure_12.csv", {"Phase": "end2end"})
    shown = nearbank("validate", "--suite", "pim", "--data", tmp_path, "--json")
    assert shown.code == 0
    assert [case["case"].rpartition("at 1664 ")[2] for case in shown.json["cases"]] == [
        "blocks", "tokens/s", "energy", "power",
    ]  # fmt: skip
    assert shown.json["max_abs_error_pct"] < 1e-3


@pytest.mark.parametrize(
    ("change", "message"), [({"Model": "GPT3"}, "there is no 'GPT3'"), ({"PIM latency": "?"}, "'?'")]
)
def test_a_faulty_row_of_cent_is_named(
    nearbank: Callable[..., Any], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    shown = nearbank("validate", "--suite", "pim", "--data", write(tmp_path / "a.csv", CENT | change))
    assert (shown.code, message in shown.err, "a.csv:2" in shown.err) == (2, True, True)


def test_compat_does_not_know_data_parallelism(nearbank: Callable[..., Any]) -> None:
    overrides = ("compat.cent=true", "parallelism.data=8", "parallelism.pipeline=1", "batch=8")
    shown = nearbank("run", "cent_8dev", "llama2_7b_512_64", *(word for o in overrides for word in ("--set", o)))
    assert shown.code != 0
    assert "the artifact has no data parallelism" in shown.err
