"""Hugging Face configs: what is read, and the one clear line for each that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import WorkloadError
from simulator.workload.model import Model, RopeScaling
from simulator.workload.model_file import load_model

GOOD: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 8,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "max_position_embeddings": 256,
    "torch_dtype": "float16",
    "bos_token_id": 1,
}


def write(path: Path, **changes: Any) -> str:
    fields = {key: value for key, value in (GOOD | changes).items() if value is not Ellipsis}
    path.write_text(json.dumps(fields, indent=2), encoding="utf-8")
    return str(path)


def test_config_json_gives_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "my_llama"
    folder.mkdir()
    ref = write(folder / "config.json")
    assert load_model(ref) == Model("my_llama", 2, 64, 8, 2, 8, 96, 100, 256, source=ref)


def test_model_is_named_after_a_file_with_a_name_of_its_own(tmp_path: Path) -> None:
    assert load_model(write(tmp_path / "small.json")).name == "small"


def test_absent_kv_heads_mean_one_per_query_head(tmp_path: Path) -> None:
    for absent in (..., None):
        assert load_model(write(tmp_path / "m.json", num_key_value_heads=absent)).n_kv_heads == 8


def test_head_dim_of_its_own_widens_the_projections(tmp_path: Path) -> None:
    model = load_model(write(tmp_path / "m.json", head_dim=32, hidden_size=60))
    assert (model.q_features, model.kv_features, model.qkv_features) == (256, 64, 384)


@pytest.mark.parametrize(
    "fields",
    [
        {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1}},
        {"rope_theta": 5e5, "rope_scaling": {"type": "llama3", "factor": 8.0, "low_freq_factor": 1}},
        {"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1}},
    ],
)
def test_rope_is_read_in_its_older_and_newer_spelling(tmp_path: Path, fields: dict[str, Any]) -> None:
    model = load_model(write(tmp_path / "m.json", **fields))
    assert model.rope_theta == 5e5
    assert model.rope_scaling == RopeScaling("llama3", (("factor", 8.0), ("low_freq_factor", 1.0)))


@pytest.mark.parametrize("fields", [{}, {"rope_scaling": None}, {"rope_parameters": {"rope_type": "default"}}])
def test_rope_is_plain_unless_scaled(tmp_path: Path, fields: dict[str, Any]) -> None:
    model = load_model(write(tmp_path / "m.json", **fields))
    assert (model.rope_theta, model.rope_scaling) == (10000.0, None)


BAD_FIELDS = [
    (
        {"architectures": ["MistrolForCausalLM"]},
        "architectures: ['MistrolForCausalLM'] is not supported",
        "; nearest: 'MistralForCausalLM'",
    ),
    ({"architectures": ...}, "architectures: missing", "LlamaForCausalLM"),
    (
        {"architectures": "LlamaForCausalLM"},
        "architectures: 'LlamaForCausalLM' is not supported",
        "Gemma3ForCausalLM, LlamaForCausalLM",
    ),
    ({"architectures": [["LlamaForCausalLM"]]}, "is not supported", "Gemma3ForCausalLM, LlamaForCausalLM"),
    ({"hidden_size": ...}, "hidden_size: missing", "1..1048576"),
    ({"hidden_size": None}, "hidden_size: missing", "1..1048576"),
    ({"hidden_size": "64"}, "hidden_size: '64' is not a whole number", "1..1048576"),
    ({"hidden_size": 64.0}, "hidden_size: 64.0 is not a whole number", "1..1048576"),
    ({"num_hidden_layers": True}, "num_hidden_layers: True is not a whole number", "1..4096"),
    ({"num_hidden_layers": 0}, "num_hidden_layers: 0 is not a whole number in the range", "1..4096"),
    ({"vocab_size": -5}, "vocab_size: -5 is not", "range 1.."),
    ({"intermediate_size": 10**9}, "intermediate_size: 1000000000 is not", "range 1.."),
    ({"hidden_size": 60}, "hidden_size: 60 is not a multiple of num_attention_heads 8", "head_dim"),
    ({"hidden_size": 4}, "hidden_size: 4 is not a multiple of num_attention_heads 8", "head_dim"),
    ({"hidden_size": 8}, "hidden_size: a head of 1 elements", "even"),
    ({"head_dim": 7}, "head_dim: a head of 7 elements", "even"),
    ({"num_key_value_heads": 3}, "num_key_value_heads: 3 does not divide num_attention_heads 8", ""),
    ({"num_key_value_heads": 16}, "num_key_value_heads: 16 does not divide num_attention_heads 8", ""),
    ({"num_key_value_head": 8}, "num_key_value_head: unknown field", "did you mean 'num_key_value_heads'"),
    ({"tie_word_embeddings": "no"}, "tie_word_embeddings: 'no' is not a boolean", "true, false"),
    ({"hidden_act": "gelu"}, "hidden_act: 'gelu' is not modelled", "silu"),
    ({"attention_bias": True}, "attention_bias: True is not modelled", "false"),
    ({"model_type": "mistral"}, "model_type: 'mistral' is not modelled", "llama"),
    ({"quantization_config": {"bits": 4}}, "quantization_config: not read", "precision"),
    ({"rope_theta": 0}, "rope_theta: 0 is not a number above 0", ""),
    ({"rope_theta": "big"}, "rope_theta: 'big' is not a number above 0", ""),
    ({"rope_scaling": 8}, "rope_scaling: 8 is not a mapping", ""),
    ({"rope_scaling": {"rope_type": 3}}, "rope_scaling: rope_type 3 is not a name", ""),
    ({"rope_scaling": {"rope_type": "linear", "factor": "2"}}, "rope_scaling: factor '2' is not a number", ""),
]


@pytest.mark.parametrize(("changes", "found", "allowed"), BAD_FIELDS)
def test_bad_field_is_one_line_with_place_finding_and_what_is_allowed(
    tmp_path: Path, changes: dict[str, Any], found: str, allowed: str
) -> None:
    ref = write(tmp_path / "m.json", **changes)
    with pytest.raises(WorkloadError) as caught:
        load_model(ref)
    line = str(caught.value)
    assert line.startswith(f"{ref}:")
    assert found in line
    assert allowed in line
    assert "\n" not in line


def test_bad_field_is_pointed_at_by_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{\n  "architectures": ["LlamaForCausalLM"],\n  "hidden_size": "wide"}\n', encoding="utf-8")
    with pytest.raises(WorkloadError, match=r":1:1: num_attention_heads: missing"):
        load_model(str(path))
    path.write_text(json.dumps(GOOD).replace('"vocab_size": 100', '\n\t"vocab_size" :  "many"'), encoding="utf-8")
    with pytest.raises(WorkloadError, match=r"m\.json:2:18: vocab_size: 'many'"):
        load_model(str(path))


BAD_TEXTS = [
    (b"", ":1:1: not valid JSON: Expecting value"),
    (json.dumps(GOOD, indent=2).encode()[:60], ":5:3: not valid JSON: Unterminated string"),
    (json.dumps(GOOD).encode()[:-1], "not valid JSON"),
    (b"[]", ":1:1: the file does not hold one JSON object"),
    (b"{}", ":1:1: architectures: missing"),
    (b'{"hidden_size": 1,\n "hidden_size": 2}', ":2:2: hidden_size: appears twice"),
    (b'{"hidden_size": NaN}', "NaN is not a number JSON allows"),
    (b'{"hidden_size": ' + b"1" * 5000 + b"}", "not valid JSON"),
    (b'{"x": ' + b"[" * 100_000, "not valid JSON"),
    (b'{"x": "\xff"}', "not UTF-8: byte 0xff cannot be read"),
    (b'{"a": 1}} ', ":1:9: not valid JSON: Extra data"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_text_that_is_no_config_is_one_line(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(text)
    with pytest.raises(WorkloadError) as caught:
        load_model(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"absent\.json: cannot be read: No such file"):
        load_model(str(tmp_path / "absent.json"))
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(WorkloadError, match=r"folder\.json: cannot be read"):
        load_model(str(tmp_path / "folder.json"))
