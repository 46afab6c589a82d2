"""Request streams as a user meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from simulator import load_workload

Nearbank = Callable[..., Any]

STREAM = """kind: workload
name: small
model: tiny.json
precision: {weights: fp16, activations: fp16, kv_cache: fp16}
traffic:
  requests: 60
  arrivals: poisson
  rate_per_s: 100
  prompt_tokens: {distribution: lognormal, median: 60, sigma: 0.8}
  output_tokens: {distribution: uniform, low: 2, high: 40}
  slo: {ttft_s: 0.01, tpot_s: 0.001}
  serving: {policy: decode_first, token_budget: 64, max_sequences: 8, kv_pages: null, prefill_copies: 0}
"""
TINY = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 2,
    "num_attention_heads": 4, "vocab_size": 512, "max_position_embeddings": 512,
}  # fmt: skip


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small stream of requests, in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    (tmp_path / "small.yaml").write_text(STREAM)
    return "small.yaml"


def test_the_document_of_the_traffic_page_can_be_loaded(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "traffic.md").read_text()
    shown = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    (tmp_path / "shown.yaml").write_text(shown[1])
    traffic = load_workload(tmp_path / "shown.yaml").traffic
    assert traffic is not None
    assert traffic.spec.serving.prefix_cache


def without_wall(document: Any) -> Any:
    document["provenance"].pop("wall_s")
    return document


def test_a_stream_gives_one_document_the_same_each_time(nearbank: Nearbank, stream: str, tmp_path: Path) -> None:
    first = nearbank("run", "h100_sxm", stream, "--json", "-o", tmp_path / "out")
    again = nearbank("run", "h100_sxm", stream, "--json")
    assert first.code == 0
    result = without_wall(first.json)
    assert result == without_wall(again.json)
    assert json.loads((tmp_path / "out" / "result.json").read_text())["traffic"] == result["traffic"]
    traffic = result["traffic"]
    assert traffic["requests"] == 60
    assert result["tokens_per_s"] == pytest.approx(traffic["output_tokens"] / traffic["duration_s"])
    assert result["energy_j"]["total"] == pytest.approx(result["power_w"] * traffic["duration_s"])
    assert sum(sum(k.values()) for k in result["energy_by_op_kind_j"].values()) == pytest.approx(
        result["energy_j"]["total"]
    )
    assert sum(sum(k.values()) for k in result["time_by_op_kind_s"].values()) == pytest.approx(traffic["duration_s"])
    law = traffic["littles_law"]
    assert law["mean_in_system"] == pytest.approx(law["rate_per_s"] * law["mean_time_s"])
    assert traffic["accuracy"]["max_time_error_pct"] < 5
    assert any("steps are put together" in text for text in result["assumptions"])


def test_p99_rises_as_load_nears_capacity(nearbank: Nearbank, stream: str) -> None:
    found = [
        nearbank("run", "h100_sxm", stream, "--json", "--set", f"traffic.rate_per_s={rate}").json["traffic"]
        for rate in (50, 500, 900)
    ]
    for what in ("ttft_s", "e2e_s", "queue_s"):
        p99 = [traffic[what]["p99"] for traffic in found]
        assert p99[0] < p99[1] < p99[2]
    busy = [traffic["busy_share"] for traffic in found]
    assert busy == sorted(busy)
    met = [traffic["slo"]["met_share"] for traffic in found]
    assert met == sorted(met, reverse=True)


def test_a_short_cache_preempts_and_loses_nothing(nearbank: Nearbank, stream: str) -> None:
    base = (
        "run",
        "aim_1card",
        stream,
        "--json",
        "--set",
        "traffic.arrivals=at_once",
        "--set",
        "traffic.rate_per_s=null",
    )
    base = (*base, "--set", "traffic.requests=12")
    roomy = nearbank(*base).json["traffic"]
    short = ("--set", "traffic.serving.kv_pages=40")
    tight = nearbank(*base, *short).json["traffic"]
    swapped = nearbank(*base, *short, "--set", "traffic.serving.preemption=swap").json
    assert roomy["preemptions"] == 0
    assert tight["preemptions"] > 0
    assert tight["recomputed_tokens"] > 0
    assert tight["kv_cache"]["peak_pages"] <= 40
    assert tight["output_tokens"] == roomy["output_tokens"]
    assert swapped["traffic"]["swapped_tokens"] > 0
    assert swapped["energy_by_op_kind_j"]["swap"]["kv_swap"] > 0


def test_copies_share_a_stream_and_caches_cross_the_fabric(nearbank: Nearbank, stream: str) -> None:
    two = ("--set", "devices.count=2", "--set", "parallelism={tensor: 1, pipeline: 1, data: 2}")
    base = (
        "run",
        "cent_8dev",
        stream,
        "--json",
        *two,
        "--set",
        "traffic.rate_per_s=3000",
        "--set",
        "traffic.requests=20",
    )
    together = nearbank(*base).json["traffic"]
    apart = nearbank(*base, "--set", "traffic.serving.prefill_copies=1").json
    assert together["copies"] == apart["traffic"]["copies"] == 2
    assert together["transferred_tokens"] == 0
    assert apart["traffic"]["transferred_tokens"] > 0
    assert apart["energy_by_op_kind_j"]["transfer"]["send"] > 0
    assert apart["traffic"]["output_tokens"] == together["output_tokens"]


def test_exact_simulates_each_composition_and_agrees(nearbank: Nearbank, stream: str) -> None:
    base = ("run", "hbm2_pim_bank", stream, "--json", "--set", "traffic.requests=6")
    quick, exact = nearbank(*base).json, nearbank(*base, "--exact").json
    assert exact["traffic"]["accuracy"] is None
    assert quick["traffic"]["duration_s"] == pytest.approx(exact["traffic"]["duration_s"], rel=0.01)
    assert quick["energy_j"]["total"] == pytest.approx(exact["energy_j"]["total"], rel=0.01)


def test_people_see_the_queue(nearbank: Nearbank, stream: str) -> None:
    shown = nearbank("run", "h100_sxm", stream).out
    for part in ("serves small (60 requests, 100 a second offered)", "TTFT", "goodput", "waiting", "KV pages"):
        assert part in shown


def test_drafted_tokens_are_drawn_the_same_each_time(nearbank: Nearbank, stream: str) -> None:
    drafts = ("--set", "optimizations.speculative={drafter: medusa, depth: 3, acceptance: [0.8, 0.6, 0.4]}")
    base = ("run", "h100_sxm", stream, *drafts, "--set", "traffic.requests=20")
    first, again = (without_wall(nearbank(*base, "--json").json) for _ in range(2))
    assert first == again
    found = first["traffic"]["speculation"]
    assert 1 < found["tokens_per_step"] < 1 + 0.8 + 0.8 * 0.6 + 0.8 * 0.6 * 0.4
    kept = found["sequence_steps"] * found["tokens_per_step"]
    assert kept + found["rejected_tokens"] == pytest.approx(4 * found["sequence_steps"])
    assert kept == pytest.approx(first["traffic"]["output_tokens"] - 20)
    assert first != without_wall(nearbank(*base, "--set", "seed=1", "--json").json)
    assert "tokens of each by drafts" in " ".join(nearbank(*base).out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "traffic.serving.policy=decode_frist"), "traffic.serving.policy: there is no serving policy"),
        (("--set", "traffic.serving.kv_pages=99999999"), "traffic.serving.kv_pages: 99999999 pages of 16 tokens are"),
        (("--set", "traffic.serving.kv_pages=2"), "request 1 needs"),
        (("--set", "traffic.serving.prefill_copies=1"), "traffic.serving.prefill_copies: 1 of 1 copies"),
        (("--set", "traffic.serving.preemption=swap"), "traffic.serving.preemption: the platform has no host"),
        (("--set", "optimizations.speculatve={}"), "there is no optimization 'speculatve'"),
        (("--set", "optimizations.layer_skipping={layers: [2]}"), "optimizations.layer_skipping.layers: 2 is not a"),
        (("--timeline", "t.json"), "a request stream has no timeline"),
        (("--batch", "4"), "unknown key 'batch'"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    nearbank: Nearbank, stream: str, arguments: tuple[str, ...], message: str
) -> None:
    outcome = nearbank("run", "h100_sxm", stream, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_sweep_varies_the_load_and_looks_at_goodput(nearbank: Nearbank, stream: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(
        "arch: h100_sxm\nworkload: small.yaml\naxes:\n  workload.traffic.rate_per_s: [50, 5000]\n"
        "  workload.traffic.requests: [20]\nobjectives: [traffic.slo.goodput_per_s, {traffic.ttft_s.p99: min}]\n"
    )
    outcome = nearbank("sweep", tmp_path / "sweep.yaml", "-o", tmp_path / "out", "-j", "1")
    assert outcome.code == 0, outcome.err
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    calm, busy = (row for _, row in table.iterrows())
    assert (calm["workload.traffic.rate_per_s"], busy["workload.traffic.rate_per_s"]) == (50, 5000)
    assert calm["traffic.ttft_s.p99"] < busy["traffic.ttft_s.p99"]
    assert not any(name.startswith("traffic.series") for name in table)
