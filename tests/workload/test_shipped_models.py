"""Shipped models have exactly the published number of parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.tensors import kv_cache_bytes, weight_tensors, weights_bytes

VISION = 416_866_032
"""Parameters of Gemma 3's vision tower, one and the same in all three sizes."""

PUBLISHED_PARAMETERS = {
    "llama32_3b": 3_212_749_824,
    "tinyllama_1b": 1_100_048_384,
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248,
    "llama3_70b": 70_553_706_496,
    "llama31_8b": 8_030_261_248,
    "llama31_70b": 70_553_706_496,
    "llama_7b": 6_738_415_616,
    "llama_13b": 13_015_864_320,
    "llama_30b": 32_528_943_616,
    "attacc_llama_65b": 65_285_660_672,
    "llama_65b": 65_285_660_672,
    "llama32_1b": 1_235_814_400,
    "mistral_7b_v01": 7_241_732_096,
    "mistral_7b": 7_248_023_552,
    "qwen2_0_5b": 494_032_768,
    "qwen2_1_5b": 1_543_714_304,
    "qwen2_7b": 7_615_616_512,
    "qwen2_72b": 72_706_203_648,
    "qwen25_0_5b": 494_032_768,
    "qwen25_1_5b": 1_543_714_304,
    "qwen25_3b": 3_085_938_688,
    "qwen25_7b": 7_615_616_512,
    "qwen25_14b": 14_770_033_664,
    "qwen25_32b": 32_763_876_352,
    "qwen25_72b": 72_706_203_648,
    "qwen3_0_6b": 596_049_920,
    "qwen3_1_7b": 1_720_574_976,
    "qwen3_4b": 4_022_468_096,
    "qwen3_8b": 8_190_735_360,
    "qwen3_14b": 14_768_307_200,
    "qwen3_32b": 32_762_123_264,
    "opt_125m": 125_239_296,
    "opt_1_3b": 1_315_758_080,
    "opt_2_7b": 2_651_596_800,
    "opt_6_7b": 6_658_473_984,
    "opt_13b": 12_853_473_280,
    "opt_30b": 29_974_540_288,
    "opt_66b": 65_719_701_504,
    "gpt2_xl": 1_557_611_200,
    "falcon_7b": 7_217_189_760 - 65_024 * 4_544,
    "falcon_40b": 41_835_970_560 - 65_024 * 8_192,
    "phi3_mini": 3_821_079_552,
    "phi3_medium": 13_960_238_080,
    "gemma2_2b": 2_614_341_888,
    "gemma2_9b": 9_241_705_984,
    "gemma2_27b": 27_227_128_320,
    "mixtral_8x7b": 46_702_792_704,
    "mixtral_8x22b": 140_620_634_112,
    "qwen15_moe_a2_7b": 14_315_784_192,
    "qwen3_30b_a3b": 30_532_122_624,
    "qwen3_235b_a22b": 235_093_634_560,
    "deepseek_v2_lite": 15_706_484_224,
    "deepseek_v2": 235_741_434_880,
    "deepseek_v3": 671_026_419_200,
    "mamba2_130m": 128_989_632,
    "mamba2_2_7b": 2_702_599_680,
    "rwkv6_1_6b": 1_599_873_024,
    "rwkv6_7b": 7_635_746_816,
    "rwkv7_0_4b": 450_767_872,
    "rwkv7_1_5b": 1_527_404_544,
    "rwkv7_2_9b": 2_947_735_040,
    "gemma3_1b": 999_885_952,
    "gemma3_4b": 4_300_079_472 - VISION - 1_152 * (2_560 + 1),
    "gemma3_12b": 12_187_325_040 - VISION - 1_152 * (3_840 + 1),
    "gemma3_27b": 27_432_406_640 - VISION - 1_152 * (5_376 + 1),
}
"""Parameter counts of the published checkpoints (Hugging Face model cards).

Falcon's store the tied LM head once more. Those of Gemma 3 hold a vision tower and its projection beside the text.
"""

ROUNDED = {
    "gpt3_175b": 175e9,
    "attacc_gpt3_175b": 175e9,
    "gpt3_13b": 13.0e9,
    "gpt3_6_7b": 6.7e9,
    "qwen2_57b_a14b": 57.4e9,
    "mamba2_1_3b": 1.34e9,
    "rwkv6_3b": 3.1e9,
}
"""As published where no checkpoint is at hand."""

CACHED_BYTES_PER_TOKEN_FP16 = {
    "llama2_7b": 2 * 32 * 32 * 128 * 2,
    "llama2_13b": 2 * 40 * 40 * 128 * 2,
    "llama2_70b": 2 * 80 * 8 * 128 * 2,
    "llama3_8b": 2 * 32 * 8 * 128 * 2,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED_PARAMETERS.items())
def test_parameters_equal_the_published_count(name: str, parameters: int) -> None:
    model = load_model(name)
    assert model.name == name
    assert model.n_parameters == parameters
    assert sum(tensor.elements for tensor in weight_tensors(model)) == parameters
    assert weights_bytes(model, Precision()) == 2 * parameters


@pytest.mark.parametrize(("name", "n_bytes"), CACHED_BYTES_PER_TOKEN_FP16.items())
def test_cache_grows_by_keys_and_values_of_every_layer(name: str, n_bytes: int) -> None:
    assert kv_cache_bytes(load_model(name), batch=1, tokens=1, precision=Precision()) == n_bytes
    assert kv_cache_bytes(load_model(name), batch=8, tokens=100, precision=Precision()) == 800 * n_bytes


@pytest.mark.parametrize(("name", "positions"), [("llama2_7b", 4096), ("llama3_8b", 8192), ("llama31_8b", 131072)])
def test_longest_context_is_the_published_one(name: str, positions: int) -> None:
    assert load_model(name).max_position == positions


def test_only_newer_models_stretch_their_rotary_frequencies() -> None:
    scaled = {name for name in PUBLISHED_PARAMETERS if load_model(name).rope_scaling}
    assert scaled == {
        "llama31_8b", "llama31_70b", "llama32_1b", "llama32_3b", "gemma3_4b", "gemma3_12b", "gemma3_27b",
        "deepseek_v2_lite", "deepseek_v2", "deepseek_v3",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), ROUNDED.items())
def test_parameters_round_to_the_published_figure(name: str, parameters: float) -> None:
    assert load_model(name).n_parameters == pytest.approx(parameters, rel=0.013)


def test_every_shipped_model_is_held_to_a_published_count() -> None:
    shipped = {path.stem for path in Path("workloads/models").glob("*.yaml")}
    assert shipped == {*PUBLISHED_PARAMETERS, *ROUNDED}


def test_a_window_bounds_what_is_cached() -> None:
    model = load_model("mistral_7b_v01")
    full, one = (kv_cache_bytes(model, batch=1, tokens=tokens, precision=Precision()) for tokens in (4096, 1))
    assert kv_cache_bytes(model, batch=1, tokens=30000, precision=Precision()) == full == 4096 * one


def test_layers_without_a_window_go_on_growing() -> None:
    model, token = load_model("gemma2_9b"), 2 * 8 * 256 * 2
    assert kv_cache_bytes(model, batch=1, tokens=8192, precision=Precision()) == token * 21 * (4096 + 8192)


def test_a_latent_cache_keeps_one_vector_a_token_in_each_layer() -> None:
    for name, layers in (("deepseek_v2_lite", 27), ("deepseek_v3", 61)):
        kept = kv_cache_bytes(load_model(name), batch=3, tokens=10, precision=Precision())
        assert kept == 3 * 10 * layers * (512 + 64) * 2
