"""Products that go to near-memory units or to the host by batch: one memory, one model, two units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

JOB = ("llama2_7b_512_64", "--set", "prompt_tokens=8", "--set", "output_tokens=2", "--json")
NEAR, PINS = "near-bank MAC rate", "DRAM data pins"


def platform(folder: Path, fc: str) -> Path:
    path = folder / f"{fc}.yaml"
    options = f"{{fc: {fc}, fc_most_vectors: 2, fc_most_flops_per_byte: 2}}"
    path.write_text(
        f"extends: hbm_pim_card\nname: {fc}\ndescription: products by {fc}\n"
        f"placement: {{policy: cooperation, options: {options}}}\n"
    )
    return path


@pytest.mark.parametrize("fc", ["batch", "intensity"])
def test_few_vectors_go_to_the_memory_and_many_to_the_host(
    nearbank: Callable[..., Any], tmp_path: Path, fc: str
) -> None:
    arch = platform(tmp_path, fc)
    bounds = {batch: nearbank("run", arch, *JOB, "--batch", batch).json["bound_by"]["ffn_up"] for batch in (1, 2, 3)}
    assert bounds == {1: NEAR, 2: NEAR, 3: PINS}


def test_estimates_choose_as_well_as_the_better_side(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    for batch in (1, 4):
        rates = {
            fc: nearbank("run", platform(tmp_path, fc), *JOB, "--batch", batch).json["tokens_per_s"]
            for fc in ("auto", "xpu", "pim")
        }
        assert rates["auto"] >= 0.999 * max(rates["xpu"], rates["pim"])
