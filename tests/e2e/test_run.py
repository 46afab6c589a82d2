"""`nearbank run` and `compare` on a short job."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.metrics.result import Result

SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=4", "--set", "workload.output_tokens=3")
ARCHS = ("aim_1card", "hbm3_npu", "hbm2_pim_bank")


@pytest.mark.parametrize("arch", ARCHS)
def test_a_result_keeps_its_schema_and_its_sums(nearbank: Callable[..., Any], arch: str) -> None:
    shown = nearbank("run", arch, *SHORT, "--json")
    assert (shown.code, shown.err) == (0, "")
    result = Result.from_json(shown.out)
    assert result.latency.ttft_s + 2 * (result.latency.tpot_s or 0) == pytest.approx(result.latency.e2e_s)
    assert result.tokens_per_s == pytest.approx(1 / (result.latency.tpot_s or 0))
    for stage, seconds in (("prefill", result.latency.ttft_s), ("decode", 2 * (result.latency.tpot_s or 0))):
        assert sum(result.time_by_op_kind_s[stage].values()) == pytest.approx(seconds)
    assert result.bound_by.keys() == result.time_by_op_kind_s["decode"].keys() - {"waiting"}


def test_the_same_command_twice_gives_the_same_bytes(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    texts = []
    for name in ("first", "second"):
        assert nearbank("run", "aim_1card", *SHORT, "-o", tmp_path / name).code == 0
        document = json.loads((tmp_path / name / "result.json").read_text())
        document["provenance"].pop("wall_s")
        texts.append(json.dumps(document))
    assert texts[0] == texts[1]


def test_the_table_shows_what_the_document_says(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("run", "aim_1card", *SHORT)
    assert shown.code == 0
    for word in ("tokens/s", "TPOT", "TTFT", "tokens/J", "limited by", "component"):
        assert word in shown.out


def test_a_timeline_is_a_trace_of_every_token(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "trace.json.gz"
    assert nearbank("run", "aim_1card", *SHORT, "--timeline", path).code == 0
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    assert [event["name"] for event in events if event["ph"] == "i"] == ["token 0", "token 1", "token 2"]
    assert {event["cat"] for event in events if event["ph"] == "X"} >= {"qkv_proj", "softmax", "busy"}


def test_a_batch_costs_capacity_and_gives_throughput(nearbank: Callable[..., Any]) -> None:
    job = ("run", "hbm3_npu", "llama2_7b_512_64", "--set", "workload.output_tokens=2", "--json")
    one, eight = (Result.from_json(nearbank(*job, "--batch", n).out) for n in (1, 8))
    assert eight.capacity.needed_bytes > one.capacity.needed_bytes
    assert (eight.tokens_per_s or 0) > (one.tokens_per_s or 0)


def test_a_comparison_has_a_row_for_each_platform(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    shown = nearbank("compare", "aim_1card", "hbm3_npu", "--workload", *SHORT, "-o", tmp_path)
    assert shown.code == 0
    comparison = json.loads((tmp_path / "comparison.json").read_text())
    assert [run["name"] for run in comparison["runs"]] == ["aim_1card", "hbm3_npu"]
    for run in comparison["runs"]:
        result = Result.from_json((tmp_path / run["name"] / "result.json").read_text())
        assert (result.tokens_per_s, result.tokens_per_j) == (run["tokens_per_s"], run["tokens_per_j"])


def test_a_comparison_goes_on_after_what_does_not_fit(nearbank: Callable[..., Any]) -> None:
    job = ("llama2_7b_2048_128", "--set", "workload.prompt_tokens=2000", "--set", "workload.output_tokens=1")
    shown = nearbank("compare", "hbm3_npu", "--workload", *job, "--batch", 1, "--batch", 8, "--json")
    fits, error = shown.json["runs"]
    assert (shown.code, fits["name"], error["name"]) == (2, "hbm3_npu_batch1", "hbm3_npu_batch8")
    assert fits["latency"]["ttft_s"] > 0
    assert error["error"] == shown.err.rstrip("\n")


def test_a_comparison_of_a_platform_with_itself_is_refused(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("compare", "aim_1card", "aim_1card", "--workload", *SHORT)
    assert (shown.code, shown.err) == (
        2,
        "'aim_1card' is to be compared 2 times; each run needs a name of its own\n",
    )


def test_a_model_that_does_not_fit_is_one_line_and_exit_code_2(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("run", "aim_1card", "llama2_70b_512_64")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.count("\n") == 1
    assert "aim_1card" in shown.err or "GiB" in shown.err


def test_a_truncated_model_file_is_located(nearbank: Callable[..., Any], tmp_path: Path) -> None:
    model = tmp_path / "config.json"
    model.write_text('{"architectures": ["LlamaForCausalLM"],\n "hidden_size": 40')
    shown = nearbank("run", "aim_1card", "llama2_7b_512_64", "--set", f"workload.model={model}")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(f"{model}:2:")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("run", "aim_1crad", "llama2_7b_512_64"), "aim_1card"),
        (("run", "aim_1card", "llama2_7b_512_46"), "llama2_7b_512_64"),
        (("run", "aim_1card", *SHORT, "--set", "memory.chanels=8"), "channels"),
        (("run", "aim_1card", *SHORT, "--set", "memory.channels=eight"), "'eight' is not a whole number"),
        (("show", "aim_1card", "--set", "memory.activation_limit.policy=unlimted"), "nearest: 'unlimited'"),
        (
            ("show", "aim_1card", "--set", "memory.activation_limit={}"),
            "limit.policy: the key 'policy' is missing",
        ),
        (("show", "aim_1card", "--set", "memory.activation_limit=3"), "'3' is not a mapping of keys to values"),
        (("show", "aim_1card", "--set", "placement.options.sub_batchs=2"), "nearest: 'sub_batches'"),
        (("show", "ianus", "--set", "placement.options.atention=xpu"), "nearest: 'attention'"),
        (("run", "gone.yaml", "llama2_7b_512_64"), "gone.yaml"),
    ],
)
def test_a_wrong_name_or_key_says_the_nearest(nearbank: Callable[..., Any], argv: tuple[str, ...], said: str) -> None:
    shown = nearbank(*argv)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert "Traceback" not in shown.err


def test_each_fault_of_a_model_has_a_line_and_a_place(
    nearbank: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("kind: model\nname: mine\ndescription: x\nsource: test\nlayers: 3\n")
    shown = nearbank("run", "aim_1card", "llama2_7b_512_64", "--set", "model=mine.yaml")
    assert (shown.code, shown.out) == (2, "")
    missing, unknown = shown.err.splitlines()
    assert missing == "mine.yaml:1:1: config: the key 'config' is missing"
    assert unknown.startswith("mine.yaml:5:1: layers: unknown key 'layers'")


def test_one_operator_alone(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("op", "aim_1card", "gemm", "--shape", "4096x4096", "--json")
    assert shown.code == 0
    assert shown.json.keys() >= {"cycles", "time_ps", "energy_j", "bytes", "flops", "bound_by", "commands"}
    assert shown.json["flops"] == 2 * 4096 * 4096
    assert shown.json["bytes"] >= 2 * 4096 * 4096


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (("gemm", "--shape", "131072x131072"), "weights take 32.00 GiB: 16.00 GiB more than its 16.00 GiB"),
        (("attn_score", "--shape", "4194304x128", "--batch", "16"), "KV cache of 16 x 4194304 tokens takes 32.00 GiB"),
    ],
)
def test_an_operator_whose_operand_does_not_fit_is_refused(
    nearbank: Callable[..., Any], op: tuple[str, ...], said: str
) -> None:
    shown = nearbank("op", "aim_1card", *op)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert "what would fit: " in shown.err


def test_an_op_on_links_counts_the_cycles_of_the_memory(nearbank: Callable[..., Any]) -> None:
    done = nearbank("op", "cent_8dev", "allreduce", "--shape", "1x4096", "--json").json
    assert done["cycles"] == -(-done["time_ps"] // 500)
