"""HBM-PIM in suite `pim`: cycles against a derivation that shares nothing with the simulator, and published gains."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VALIDATION = Path(__file__).resolve().parents[2] / "experiments" / "validation"
SCRIPT, CASES = VALIDATION / "hbm_pim_cycles.py", VALIDATION / "data" / "pim" / "hbm_pim.csv"
CHOSEN = (
    "gemv 4096x1024 16pc batch 3", "gemv 1024x4096 64pc batch 2", "mul 1048576 16pc", "relu 1048576 64pc",
    "gemv 4096x4096 64pc over the pins", "bandwidth of the units over that of the pins",
)  # fmt: skip


def judged(nearbank: Callable[..., Any], tmp_path: Path, rows: list[dict[str, str]]) -> Any:
    path = tmp_path / "cases.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return nearbank("validate", "--suite", "pim", "--data", path, "--json")


def shipped() -> list[dict[str, str]]:
    with CASES.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_cases_are_what_the_derivation_gives() -> None:
    written = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True).stdout
    assert written == CASES.read_text()


def test_the_derivation_knows_nothing_of_the_simulator() -> None:
    assert "simulator" not in {line.split()[1].split(".")[0] for line in SCRIPT.read_text().splitlines()
                               if line.startswith(("import ", "from "))}  # fmt: skip


def test_kernels_take_the_derived_cycles_and_gain_what_was_published(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    shown = judged(nearbank, tmp_path, [row for row in shipped() if row["case"] in CHOSEN])
    assert (shown.code, len(shown.json["cases"])) == (0, len(CHOSEN))
    assert shown.json["passed"]


def test_a_timing_that_differs_fails(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    (row,) = (row for row in shipped() if row["case"] == CHOSEN[0])
    slower = row | {"overrides": row["overrides"] + ";memory.dram.timings.nRP=17"}
    shown = judged(nearbank, tmp_path, [slower])
    assert (shown.code, shown.json["passed"]) == (1, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "near_bank"}, "a result has no 'near_bank' (there are: energy_per_token_j, near_bank_bytes_per_s"),
        ({"arch": "hbm3_npu"}, "no memory of hbm3_npu computes"),
    ],
)
def test_peak_figures_need_units_at_the_banks(
    nearbank: Callable[..., Any], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    (row,) = (row for row in shipped() if row["workload"] == "peak")
    shown = judged(nearbank, tmp_path, [row | change])
    assert (shown.code, message in shown.err) == (2, True)
