"""Shipped models have exactly the published number of parameters."""

from __future__ import annotations

import pytest

from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.tensors import kv_cache_bytes, weight_tensors, weights_bytes

PUBLISHED_PARAMETERS = {
    "llama32_3b": 3_212_749_824,
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248,
    "llama3_70b": 70_553_706_496,
    "llama31_8b": 8_030_261_248,
    "llama31_70b": 70_553_706_496,
}
"""Parameter counts of the published checkpoints (Hugging Face model cards)."""

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


def test_only_llama31_and_32_stretch_their_rotary_frequencies() -> None:
    scaled = [name for name in PUBLISHED_PARAMETERS if load_model(name).rope_scaling]
    assert set(scaled) == {"llama31_8b", "llama31_70b", "llama32_3b"}
