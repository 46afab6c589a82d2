"""Mappings are shown for a workload and for one operator, kept where a platform fixes them, and refused in one line."""

from collections.abc import Callable
from typing import Any

SMALL = ("--set", "prompt_tokens=16", "--set", "output_tokens=2")


def test_show_tells_what_the_mapper_chooses(nearbank: Callable[..., Any]) -> None:
    found = nearbank("show", "h100_sxm", "--mapping", "llama2_7b_512_64", "--batch", 8, "--json").json
    assert set(found) == {"prefill", "decode"}
    assert set(found["decode"]["ffn_down"]) == {
        "tile_m", "tile_n", "tile_k", "split_k", "group_m", "buffers", "waves",
    }  # fmt: skip
    assert found["decode"]["ffn_down"]["tile_m"] <= 64 < found["prefill"]["ffn_down"]["tile_m"]
    near_bank = nearbank("show", "aim_1card", "--mapping", "llama2_7b_512_64", *SMALL)
    assert "loop_order" in near_bank.out
    assert nearbank("show", "aim_1card", "--batch", 2).code == 2


def test_a_fixed_mapping_is_in_the_result(nearbank: Callable[..., Any]) -> None:
    fixed = "gpu.mapping={ffn_down: {tile_m: 16, tile_n: 64, split_k: 2}}"
    result = nearbank("run", "h100_sxm", "llama2_7b_512_64", *SMALL, "--set", fixed, "--json").json
    chosen = result["mapping"]["decode"]["ffn_down"]
    assert (chosen["tile_m"], chosen["tile_n"], chosen["split_k"]) == (16, 64, 2)
    assert nearbank("op", "h100_sxm", "gemm", "--shape", "4096x4096", "--json").json["mapping"]["tile_m"] == 16


def test_a_tile_that_is_not_offered_is_one_line(nearbank: Callable[..., Any]) -> None:
    odd = "gpu.mapping={ffn_up: {tile_m: 7, tile_n: 7}}"
    shown = nearbank("show", "h100_sxm", "--mapping", "llama2_7b_512_64", "--set", odd)
    assert shown.code == 2
    assert "gpu.mapping.ffn_up: a tile of 7x7 is not one that the kernels offer (allowed: 256x128" in shown.err
    assert shown.err.count("\n") == 1
