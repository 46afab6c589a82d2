"""Scenarios: what they resolve to, which steps they simulate, and what they refuse."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.paths import list_names
from simulator.errors import ConfigError, SimulatorError, WorkloadError
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload, load_workload

MODEL = Model("tiny", 1, 8, 2, 2, 4, 8, 16, max_position=1000)
SCENARIO = """kind: workload
model: {model}
description: a job of one's own
batch: 1
prompt_tokens: 512
output_tokens: 64
precision: {{weights: fp16, activations: fp16, kv_cache: fp16}}
"""
HF = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 8,
    "num_hidden_layers": 2,
    "vocab_size": 100,
    "max_position_embeddings": 600,
}


def workload(prompt_tokens: int = 10, output_tokens: int = 20, sample_every: int = 1, batch: int = 1) -> Workload:
    return Workload(
        name="w",
        model=MODEL,
        batch=batch,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        sample_every=sample_every,
    )


def scenario_file(folder: Path, model: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(SCENARIO.format(model=model), encoding="utf-8")
    return str(path)


def message_of(ref: str, *overrides: str) -> str:
    with pytest.raises(SimulatorError) as caught:
        load_workload(ref, overrides)
    assert isinstance(caught.value, ConfigError | WorkloadError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_default_job() -> None:
    job = load_workload("llama2_7b_512_64")
    assert (job.name, job.model.name, job.batch) == ("llama2_7b_512_64", "llama2_7b", 1)
    assert (job.prompt_tokens, job.output_tokens, job.sample_every) == (512, 64, 1)
    assert job.precision == Precision("fp16", "fp16", "fp16")
    assert job.cached_tokens == 575


@pytest.mark.parametrize("name", list_names("scenarios"))
def test_every_shipped_scenario_resolves_under_its_own_name(name: str) -> None:
    assert load_workload(name).name == name


def test_overrides_change_the_resolved_workload() -> None:
    job = load_workload(
        "llama2_7b_512_64", ["batch=8", "model=llama3_8b", "precision.kv_cache=int8", "sample_every=16"]
    )
    assert (job.batch, job.model.name, job.precision.kv_cache, job.sample_every) == (8, "llama3_8b", "int8", 16)


def test_files_that_were_read_are_known_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(HF), encoding="utf-8")
    scenario_file(tmp_path, "config.json")
    expected = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("config.json", "mine.yaml")}
    assert load_workload("mine").files == expected
    assert sorted(load_workload("decode_512").files) == [
        "workloads/models/llama2_7b.yaml",
        "workloads/scenarios/decode_512.yaml",
    ]


def test_relative_model_path_starts_from_the_scenario_but_in_an_override_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, layers in ((here, 3), (there, 2)):
        folder.mkdir()
        (folder / "m.json").write_text(json.dumps(HF | {"num_hidden_layers": layers}), encoding="utf-8")
    ref = scenario_file(there, "m.json")
    monkeypatch.chdir(here)
    assert load_workload(ref).model.n_layers == 2
    assert load_workload(ref, ["model=m.json"]).model.n_layers == 3


def test_bare_model_is_no_workload_and_the_nearest_scenario_is_named() -> None:
    message = message_of("llama2_7b")
    assert "'llama2_7b' is a model, not a workload" in message
    assert "llama2_7b_512_64" in message


def test_config_json_is_no_workload_and_what_to_do_with_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(HF), encoding="utf-8")
    assert f"this is a model, not a workload; take a scenario and override its model: model={path}" in message_of(
        str(path)
    )


def test_unknown_scenario_names_the_nearest() -> None:
    assert "nearest: 'llama2_7b_512_64'" in message_of("llama2_7b_512_46")


def test_unknown_model_is_pointed_at_and_the_nearest_named(tmp_path: Path) -> None:
    message = message_of(scenario_file(tmp_path, "lama2_7b"))
    assert (
        "mine.yaml:2:1: model: there is no model 'lama2_7b' (known: nearbank list models); nearest: 'llama2_7b'"
        in message
    )
    assert "--set model=llama9" in message_of("decode_512", "model=llama9")


def test_tokens_beyond_the_model_are_refused_by_how_many() -> None:
    message = message_of("decode_512", "prompt_tokens=3969")
    assert "decode_512.yaml:7:1: output_tokens: 3969 prompt + 128 output tokens are 1 more than the 4096" in message
    assert load_workload("decode_512", ["prompt_tokens=3968"]).cached_tokens == 4095


def test_prompt_that_alone_fills_the_model_is_what_is_pointed_at() -> None:
    message = message_of("decode_512", "prompt_tokens=4096")
    assert "--set prompt_tokens=4096: prompt_tokens: 4096 prompt + 128 output tokens are 128 more" in message


def test_fault_of_the_config_json_is_shown_at_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(HF, indent=1)[:40], encoding="utf-8")
    assert "m.json:3:" in message_of(scenario_file(tmp_path, "m.json"))


@pytest.mark.parametrize("key", ["batch", "prompt_tokens", "output_tokens", "sample_every"])
@pytest.mark.parametrize("value", [0, -1])
def test_amount_below_one_is_refused(key: str, value: int) -> None:
    with pytest.raises(WorkloadError, match=f"{key}: {value} is below 1"):
        workload(**{key: value})
    assert key in message_of("decode_512", f"{key}={value}")


def test_contexts_grow_by_one_from_the_prompt() -> None:
    steps = workload(prompt_tokens=10, output_tokens=5).decode_steps()
    assert [step.context for step in steps] == [10, 11, 12, 13]
    assert [step.index for step in steps] == [1, 2, 3, 4]
    assert {step.weight for step in steps} == {1}


def test_one_output_token_needs_no_decode_step() -> None:
    assert workload(output_tokens=1).decode_steps() == ()


def test_sampled_steps_are_every_kth_and_the_last() -> None:
    steps = workload(prompt_tokens=100, output_tokens=12, sample_every=4).decode_steps()
    assert [step.context for step in steps] == [100, 104, 108, 110]
    assert [step.weight for step in steps] == [2.5, 4.0, 3.0, 1.5]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 40), st.integers(-5, 5), st.integers(-5, 5))
def test_sampling_is_exact_for_costs_linear_in_the_context(
    prompt: int, output: int, every: int, slope: int, constant: int
) -> None:
    def cost(context: int) -> int:
        return constant + slope * context

    sampled = workload(prompt, output, every).decode_steps()
    every_step = workload(prompt, output).decode_steps()
    assert sum(step.weight for step in sampled) == output - 1
    assert sum(step.weight * cost(step.context) for step in sampled) == sum(cost(step.context) for step in every_step)
    assert {step.context for step in sampled} <= {step.context for step in every_step}


def test_hash_depends_on_every_value_and_on_nothing_else() -> None:
    base = workload()
    changed = [
        replace(base, batch=2),
        replace(base, prompt_tokens=11),
        replace(base, output_tokens=21),
        replace(base, sample_every=2),
        replace(base, seed=1),
        replace(base, precision=Precision(weights="int8")),
        replace(base, model=replace(MODEL, d_ff=9)),
    ]
    assert len({base.content_hash, *(other.content_hash for other in changed)}) == 8
    same = replace(base, name="other", files={"x": "y"}, model=replace(MODEL, source="elsewhere"))
    assert same.content_hash == base.content_hash


def test_values_are_plain_data() -> None:
    values = load_workload("decode_512", ["model=llama31_8b"]).values()
    assert json.loads(json.dumps(values))["model"]["rope_scaling"]["rope_type"] == "llama3"
    assert (values["batch"], values["prompt_tokens"], values["output_tokens"]) == (1, 512, 128)
