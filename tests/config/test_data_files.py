"""Lists that a workload takes from files: the same as if they stood in it, with faults where they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import ConfigError, SimulatorError
from simulator.workload.scenario import Workload, load_workload

TINY = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
    "num_attention_heads": 2, "vocab_size": 100, "max_position_embeddings": 512,
}  # fmt: skip
SCENARIO = """kind: workload
model: tiny.json
batch: 1
prompt_tokens: 8
output_tokens: 4
precision: {weights: fp16, activations: fp16, kv_cache: fp16}
optimizations:
"""
BLOCKS = {
    "activation_sparsity": "  activation_sparsity: {chosen_by: gate, active: %s}\n",
    "hot_cold": "  hot_cold: {hot: 0.2, on: cpu, active: 0.1, hits: %s}\n",
    "speculative": "  speculative: {drafter: medusa, depth: 3, acceptance: %s}\n",
    "early_exit": "  early_exit: {test: none, cache: none, exits: %s}\n",
}


@pytest.fixture
def load(tmp_path: Path) -> object:
    """Loads a workload whose block takes its list from a file with some text."""

    def load(block: str, text: str, name: str = "shares.csv") -> Workload:
        (tmp_path / "deep").mkdir(exist_ok=True)
        (tmp_path / "deep" / "tiny.json").write_text(json.dumps(TINY))
        (tmp_path / "deep" / name).write_text(text)
        (tmp_path / "deep" / "w.yaml").write_text(SCENARIO + BLOCKS[block] % name)
        return load_workload(tmp_path / "deep" / "w.yaml")

    return load


@pytest.mark.parametrize(
    ("block", "key", "text", "expected"),
    [
        ("activation_sparsity", "active", "# of a paper\nactive\n0.5\n 0.25\n1\n", [0.5, 0.25, 1]),
        ("activation_sparsity", "active", "block,note,active\n0,a,.5\n1,b,0.25\n2,c,1e0\n", [0.5, 0.25, 1]),
        ("hot_cold", "hits", "active,hits\n0.1,0.5\n0.2,0.6\n0.3,0.7\n", [0.5, 0.6, 0.7]),
        ("speculative", "acceptance", "acceptance\n0.9\n0.8\n0.7\n", [0.9, 0.8, 0.7]),
        ("early_exit", "exits", "after, share\n1, 0.25\n2, 0.5\n", [(1, 0.25), (2, 0.5)]),
    ],
)
def test_a_csv_file_is_the_list_that_it_holds(load, block, key, text, expected) -> None:  # type: ignore[no-untyped-def]
    found = load(block, text)
    values = found.values()["optimizations"][block][key]
    assert [tuple(v[k] for k in ("after", "share")) if isinstance(v, dict) else v for v in values] == expected
    assert any(name.endswith("shares.csv") for name in found.files)


def test_a_yaml_file_is_the_list_under_the_key(load) -> None:  # type: ignore[no-untyped-def]
    found = load("early_exit", "exits:\n- {after: 1, share: 0.25}\n", "exits.yaml")
    written = load("early_exit", "after,share\n1,0.25\n")
    assert found.content_hash == written.content_hash


FAULTS = [
    ("activation_sparsity", "active\n0.5\nhalf\n1\n", "shares.csv:3:1: optimizations.activation_sparsity.active"),
    ("activation_sparsity", "n,active\n1, 1.5\n1,1\n1,1\n", "shares.csv:2:4: optimizations.activation_sparsity.active"),
    ("activation_sparsity", "active\n0.5\n0.5\n", ("shares.csv:1:1: optimizations.activation_sparsity.active: 2 shares "
     "for the 3 blocks of tiny")),
    ("activation_sparsity", "activ\n0.5\n", "shares.csv:1:1: the column 'active' is missing (needed: active); nearest"),
    ("activation_sparsity", "", "shares.csv:1:1: the header line is missing (needed: active)"),
    ("activation_sparsity", "active\n0.5,1\n", "shares.csv:2:1: 2 values, the header has 1 columns"),
    ("activation_sparsity", "block,active\n0,1\n2,1\n", "shares.csv:3:1: block: '2' is not the next block (allowed"),
    ("hot_cold", "hits\n0.5\n", "shares.csv:1:1: optimizations.hot_cold.hits: 1 shares for the 3 blocks"),
    ("speculative", "acceptance\n0.5\n", "shares.csv:1:1: optimizations.speculative.acceptance: 1 positions, but"),
    ("early_exit", "after,share\n1,0.5\n5,0.1\n", "shares.csv:3:1: optimizations.early_exit.exits.1.after: 5 is not"),
    ("early_exit", "after,share\n1,0.5\n1.5,0.1\n", "shares.csv:3:1: optimizations.early_exit.exits[1].after: '1.5'"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "text", "message"), FAULTS)
def test_faults_are_told_where_they_stand(load, block, text, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SimulatorError) as caught:
        load(block, text)
    assert caught.value.exit_code == 2
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_yaml_file_without_the_list_is_refused(load) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=r"exits.yml:1:1: the list 'exits' is missing; nearest: 'exit'"):
        load("early_exit", "exit: []\n", "exits.yml")


def test_a_file_that_is_not_there_is_named_with_the_nearest(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    load("activation_sparsity", "active\n1\n1\n1\n")
    path = tmp_path / "deep" / "w.yaml"
    path.write_text(SCENARIO + BLOCKS["activation_sparsity"] % "share.csv")
    with pytest.raises(ConfigError, match=r"w.yaml:8:.*no such file: .*share.csv \(allowed: .*nearest: 'shares.csv'"):
        load_workload(path)


def test_an_override_names_a_file_from_the_current_directory(load, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    load("activation_sparsity", "active\n1\n1\n1\n")
    monkeypatch.chdir(tmp_path)
    override = "optimizations.activation_sparsity.active=deep/shares.csv"
    found = load_workload("deep/w.yaml", [override]).values()["optimizations"]
    assert found["activation_sparsity"]["active"] == [1] * 3
    with pytest.raises(ConfigError, match=r"there is no such file: shares\.csv"):
        load_workload("deep/w.yaml", [override.replace("deep/", "")])


DRAFTED = "  speculative: {drafter: model, model: draft.json, depth: 2, acceptance: 0.5}\n"


def test_a_draft_model_lies_where_the_workload_does(load, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    load("activation_sparsity", "active\n1\n1\n1\n")
    (tmp_path / "deep" / "draft.json").write_text(json.dumps(TINY | {"num_hidden_layers": 1}))
    (tmp_path / "deep" / "w.yaml").write_text(SCENARIO + DRAFTED)
    monkeypatch.chdir(tmp_path)
    found = load_workload("deep/w.yaml")
    assert found.decoding is not None
    assert [draft.model.n_layers for draft in found.decoding.drafts(found.model)] == [1]
    assert any(name.endswith("draft.json") for name in found.files)
    (tmp_path / "deep" / "draft.json").write_text(json.dumps(TINY | {"num_hidden_layers": 2}))
    assert load_workload("deep/w.yaml").content_hash != found.content_hash
    given = load_workload("deep/w.yaml", ["optimizations.speculative.model=deep/draft.json"])
    assert given.decoding is not None
    assert [draft.model.n_layers for draft in given.decoding.drafts(given.model)] == [2]
    (tmp_path / "deep" / "draft.json").unlink()
    with pytest.raises(SimulatorError, match=r"w.yaml:8:\d+: optimizations.speculative.model: .*draft.json"):
        load_workload("deep/w.yaml")
