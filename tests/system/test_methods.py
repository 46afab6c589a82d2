"""Every method on platforms of every kind: it runs, or says in one line why not; and it pays for what it does."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tiny import MODEL, arch, workload

from simulator.api import load_arch, load_workload, simulate
from simulator.config.registry import optimization_blocks
from simulator.errors import MappingError, WorkloadError
from simulator.metrics.result import Result
from simulator.workload.model import Model
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision

KINDS = (
    "h100_sxm", "xeon_8488c", "vhk158", "hbm3_npu", "aim_1card", "hbm_pim_card", "upmem_server", "ndp3d_tsv",
    "rtx4090_xeon", "cent_8dev",
)  # fmt: skip
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "w8": ("quantization", {"weights": {"format": "int8"}}),
    "w4": ("quantization", {"weights": {"format": "int4", "group_size": 128}}),
    "w3": ("quantization", {"weights": {"format": "int3", "group_size": 64, "zero_point_bits": 16}}),
    "w2_by_table": ("quantization", {"weights": {"format": "int2", "group_size": 128}, "gemv": "lookup_table"}),
    "ternary": ("quantization", {"weights": {"format": "ternary"}}),
    "w8a8": ("quantization", {"weights": {"format": "int8"}, "activations": "int8"}),
    "w4a8": ("quantization", {"weights": {"format": "int4", "group_size": 128}, "activations": "int8"}),
    "fp8": ("quantization", {"weights": {"format": "fp8"}, "activations": "fp8", "kv_cache": {"format": "fp8"}}),
    "mxfp4": ("quantization", {"weights": {"format": "mxfp4"}, "activations": "mxfp8"}),
    "kv4": ("quantization", {"kv_cache": {"format": "int4"}}),
    "mixed": ("quantization", {"weights": {"format": "int4"}, "layers": ({"format": "int8", "first": 0, "last": 0},)}),
    "2:4": ("weight_sparsity", {"pattern": "n_m", "n": 2, "m": 4}),
    "unstructured": ("weight_sparsity", {"pattern": "unstructured", "density": 0.4, "index": "bitmap"}),
    "contextual": ("activation_sparsity", {"active": 0.2, "chosen_by": "predictor", "predictor_rank": 32}),
    "gated": ("activation_sparsity", {"active": (0.2, 0.4), "chosen_by": "gate"}),
    "window": ("attention_sparsity", {"pattern": "window", "window": 8, "sinks": 2}),
    "top_k": ("attention_sparsity", {"pattern": "top_k", "tokens": 8, "page_tokens": 4}),
    "block": ("attention_sparsity", {"pattern": "block", "density": 0.5, "page_tokens": 4}),
    "draft": ("speculative", {"drafter": "model", "model": "tiny_draft", "depth": 2, "acceptance": 0.7}),
    "tree": ("speculative", {"drafter": "eagle", "depth": 2, "acceptance": (0.8, 0.6), "width": (3, 2)}),
    "medusa": ("speculative", {"drafter": "medusa", "depth": 2, "acceptance": 0.6}),
    "exit": ("early_exit", {"exits": ({"after": 1, "share": 0.5},), "test": "lm_head", "cache": "propagated"}),
    "skipping": ("layer_skipping", {"layers": (1,)}),
    "fused": ("operators", {"fuse": ("rmsnorm",), "attention": "flash", "split_context": 64, "graph_capture": True}),
    "unfused": ("operators", {"split_qkv": True, "attention": "unfused", "graph_capture": False}),
    "paged": ("kv_paging", {"page_tokens": 16, "table_entry_bytes": 4}),
    "offloaded": ("offload", {"engine": "copy", "weights": 0.5, "cache": 0.5, "prefetch": 1}),
    "hot_cold": ("hot_cold", {"hot": 0.2, "active": 0.1, "hits": 0.8, "on": "cpu"}),
}


@pytest.fixture(autouse=True)
def tiny_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft model of these tests, which no file has."""
    draft = Model("tiny_draft", 1, 128, 2, 2, 64, 256, MODEL.vocab_size, 4096)
    monkeypatch.setattr("simulator.workload.optimizations.speculative.load_model", lambda name: draft)


def run(platform: str, batch: int = 1, **blocks: Any) -> Result:
    made = {key: optimization_blocks.get(key).model_validate(entry) for key, entry in blocks.items()}
    return simulate(arch(platform), workload(batch=batch, optimizations=made, prompt_tokens=12, output_tokens=3))


@cache
def plain(platform: str, batch: int = 1) -> Result:
    return run(platform, batch)


REFUSED = {
    *((platform, "offloaded") for platform in KINDS if platform != "rtx4090_xeon"),
    *((platform, "hot_cold") for platform in KINDS if platform not in ("rtx4090_xeon", "xeon_8488c")),
}
"""Where there is nothing to offload to, or no second processor."""


@pytest.mark.parametrize("platform", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_runs_or_says_in_one_line_why_not(platform: str, method: str) -> None:
    key, entry = METHODS[method]
    batch = 8 if platform == "cent_8dev" else 2
    if (platform, method) in REFUSED:
        with pytest.raises(MappingError) as caught:
            run(platform, batch, **{key: entry})
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)
        return
    result = run(platform, batch, **{key: entry})
    assert result.tokens_per_s
    assert set(result.workload.values["optimizations"]) == {key}


WITHOUT_KEYS = {"deepseek_v2_lite": ("paged", "window", "top_k"), "mamba2_130m": ("paged", "window", "top_k", "kv4")}


@pytest.mark.parametrize(("name", "method"), [(name, method) for name, all_ in WITHOUT_KEYS.items() for method in all_])
def test_a_method_that_would_change_nothing_is_refused(name: str, method: str) -> None:
    model = replace(load_model(name), n_layers=2)
    key, entry = METHODS[method]
    job = workload(
        model=model, optimizations={key: optimization_blocks.get(key).model_validate(entry)}, output_tokens=3
    )
    with pytest.raises(WorkloadError, match=rf"{model.name} has no (cache|attention) .*, so it would change nothing"):
        simulate(arch("h100_sxm"), job)


def test_the_artifact_refuses_methods() -> None:
    spec = load_arch("cent_8dev", ["compat.cent=true"])
    with pytest.raises(MappingError, match=r"optimizations\.kv_paging: the artifact"):
        simulate(
            spec, load_workload("llama2_7b_512_64", ["optimizations.kv_paging={page_tokens: 16, table_entry_bytes: 4}"])
        )


NARROW = (
    ("aim_1card", "w4", "near_bank: its lanes take 16 bits: narrower weights lie in 16 bits"),
    ("aim_1card", "2:4", "near_bank: its lanes take every element"),
    ("aim_1card", "contextual", "near_bank: its lanes work in step on whole matrices"),
    ("upmem_server", "w3", "dpu: its cores have no code for 3 bits: stored in 4 bits"),
    ("upmem_server", "fp8", "dpu: its cores have no code for 8 bits: stored in 16 bits"),
    ("xeon_8488c", "fp8", "cpu: it has no fp8 multiply-adds: both operands are widened to 16 bits"),
    ("h100_sxm", "w2_by_table", "gpu: it has no products by table look-up: weights are widened"),
    ("xeon_8488c", "2:4", "cpu: it has no use for 2:4 weights"),
    ("h100_sxm", "unstructured", "gpu: unstructured sparse weights stay packed in memory, their zeros are multiplied"),
    ("hbm3_npu", "fused", "optimizations.operators: no part of this platform has a software stack"),
)


@pytest.mark.parametrize(("platform", "method", "text"), NARROW)
def test_a_unit_that_lacks_a_format_says_what_it_does_instead(platform: str, method: str, text: str) -> None:
    key, entry = METHODS[method]
    assert any(line.startswith(text) for line in run(platform, **{key: entry}).assumptions)


@pytest.mark.parametrize(("platform", "takes"), [("a100_sxm_80g", False), ("tpu_v5e", False), ("h100_sxm", True)])
def test_plain_fp8_is_multiplied_as_such_only_where_units_take_it(platform: str, *, takes: bool) -> None:
    job = {"model": replace(MODEL, d_model=2048, d_ff=8192, head_dim=512), "prompt_tokens": 2048, "output_tokens": 1}
    wide, whole, narrow = (
        simulate(arch(platform), workload(**job, precision=Precision(form, form, "fp16")))
        for form in ("fp16", "int8", "fp8")
    )
    took = [result.time_by_op_kind_s["prefill"]["ffn_up"] for result in (wide, whole, narrow)]
    assert took[1] < 0.8 * took[0]
    assert took[2] < 0.8 * took[0] if takes else took[2] == pytest.approx(took[0], rel=0.1)
    assert narrow.energy_j.by_class["compute"] > whole.energy_j.by_class["compute"]
    assert any("widened" in text for text in narrow.assumptions) != takes


@pytest.mark.parametrize("method", ["w4", "2:4", "unstructured"])
def test_lanes_at_banks_gain_nothing_from_formats_that_they_lack(method: str) -> None:
    key, entry = METHODS[method]
    assert run("aim_1card", **{key: entry}).time_ps == plain("aim_1card").time_ps


@pytest.mark.parametrize("platform", ["h100_sxm", "aim_1card", "hbm3_npu"])
def test_drafts_that_are_never_accepted_only_cost(platform: str) -> None:
    draft = {"drafter": "model", "model": "tiny_draft", "depth": 3}
    never, always = (run(platform, speculative={**draft, "acceptance": a}) for a in (0.0, 1.0))
    assert never.latency.tpot_s > plain(platform).latency.tpot_s  # type: ignore[operator]
    assert never.energy_j.total > plain(platform).energy_j.total
    assert always.tokens_per_s > never.tokens_per_s  # type: ignore[operator]


def test_tokens_per_s_counts_what_was_accepted() -> None:
    """A step costs the same whatever is accepted, so rates are as the expected numbers of tokens."""
    rates = [
        run("h100_sxm", speculative={"drafter": "medusa", "depth": 2, "acceptance": a}).tokens_per_s for a in (0.0, 0.5)
    ]
    assert rates[1] / rates[0] == pytest.approx(1.75, rel=0.02)  # type: ignore[operator]


def test_a_prefetch_hides_fetches_behind_the_blocks_before() -> None:
    waits = [
        run("rtx4090_xeon", offload={"engine": "copy", "weights": 0.1, "prefetch": n}).latency.tpot_s for n in (0, 1)
    ]
    assert waits[1] < waits[0]  # type: ignore[operator]


def test_what_is_offloaded_leaves_the_near_memory_and_crosses_the_link() -> None:
    half = run("rtx4090_xeon", offload={"engine": "copy", "weights": 0.5, "prefetch": 0})
    block_bytes = 2 * (MODEL.n_parameters - 2 * MODEL.vocab_size * MODEL.d_model - 5 * MODEL.d_model)
    crossed = half.data_movement_bytes["link"] - plain("rtx4090_xeon").data_movement_bytes.get("link", 0)
    assert crossed == 3 * block_bytes // 2


def test_a_skipped_layer_is_neither_stored_nor_computed() -> None:
    one = run("hbm3_npu", layer_skipping={"layers": (1,)})
    shallow = simulate(arch("hbm3_npu"), workload(model=replace(MODEL, n_layers=1), prompt_tokens=12, output_tokens=3))
    assert one.time_ps == shallow.time_ps
    assert one.capacity == shallow.capacity
