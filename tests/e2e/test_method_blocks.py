"""Optimisations on the command line: echoed in the result, refused in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.metrics.result import Result

SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=4", "--set", "workload.output_tokens=3")
SCENARIO = """\
model: llama2_7b
batch: 1
prompt_tokens: 4
output_tokens: 3
precision: {weights: fp16, activations: fp16, kv_cache: fp16}
optimizations:
  quantization:
    weights: {format: int4, group_size: 128}
"""


def test_a_result_repeats_the_blocks_and_what_they_take_for_granted(
    nearbank: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "w4.yaml").write_text(SCENARIO)
    result = Result.from_json(nearbank("run", "hbm3_npu", tmp_path / "w4.yaml", "--json").out)
    block = result.workload.values["optimizations"]["quantization"]
    assert block["weights"] == {"format": "int4", "group_size": 128, "scale_bits": 16, "zero_point_bits": 0}
    assert any(text.startswith("optimizations.quantization: ") for text in result.assumptions)
    plain = Result.from_json(nearbank("run", "hbm3_npu", *SHORT, "--json").out)
    assert result.capacity.needed_bytes < plain.capacity.needed_bytes / 3
    assert result.tokens_per_s > plain.tokens_per_s  # type: ignore[operator]


BAD = (
    ("group_size: 128", "group_siz: 128", "w.yaml:8:29: optimizations.quantization.weights.group_siz: unknown key"),
    ("format: int4", "format: int44", "w.yaml:8:15: optimizations.quantization.weights.format: 'int44' is not one of"),
    ("quantization:", "quantisation:", "w.yaml:7:3: optimizations.quantisation: there is no optimization"),
    ("int4, group", "mxfp4, group", "w.yaml:8:30: optimizations.quantization.weights.group_size: the format mxfp4"),
)


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_a_bad_block_is_one_line_with_its_place(
    nearbank: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(SCENARIO.replace(old, new, 1))
    shown = nearbank("run", "hbm3_npu", "w.yaml")
    assert shown.code == 2
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_a_method_that_a_platform_cannot_have_is_one_line(nearbank: Callable[..., Any]) -> None:
    shown = nearbank(
        "run", "hbm3_npu", *SHORT, "--set", "optimizations.offload={engine: copy, weights: 1, prefetch: 0}"
    )
    assert shown.code == 2
    assert shown.err.count("\n") == 1
    assert "'copy' is no copy engine (there are: none)" in shown.err
