"""Methods and models whose blocks differ on several devices: the work of all devices together is that of one."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tiny import MODEL, workload

from simulator.api import Arch, load_arch, simulate
from simulator.config.registry import optimization_blocks
from simulator.errors import MappingError
from simulator.metrics.result import Result
from simulator.workload.architectures.mamba2 import Mamba2
from simulator.workload.architectures.rwkv7 import Rwkv7
from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.collective import COLLECTIVE_KINDS
from simulator.workload.model import Model
from simulator.workload.ops import KindsOf
from simulator.workload.transformer import Transformer

FOUR = replace(MODEL, n_layers=4)
ARCHITECTURES = {
    "windows": Transformer(attention=Attention(qk_norm=True), arrangement="sandwich", window=4, full_every=3),
    "latent_experts": Transformer(
        attention=LatentAttention(rank=64, plain=32, rotary=16, query_rank=48),
        feed_forward=Experts(6, 2, shared_width=64, router_bias=True),
        dense_layers=1,
        dense_width=200,
    ),
    "rwkv7": Rwkv7("layernorm", 16, 16, 8, 24),
    "mamba2": Mamba2(state=16),
}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "mixed": ("quantization", {"weights": {"format": "int4"}, "layers": ({"format": "int8", "first": 1, "last": 2},)}),
    "shares": ("activation_sparsity", {"active": (0.2, 0.4, 0.4, 0.2), "chosen_by": "gate"}),
    "skipping": ("layer_skipping", {"layers": (1,)}),
    "draft": ("speculative", {"drafter": "model", "model": "tiny_draft", "depth": 2, "acceptance": 0.7}),
    "tree": ("speculative", {"drafter": "eagle", "depth": 2, "acceptance": (0.8, 0.6), "width": (3, 2)}),
    "medusa": ("speculative", {"drafter": "medusa", "depth": 2, "acceptance": 0.6}),
    "exit": (
        "early_exit",
        {"exits": ({"after": 1, "share": 0.3}, {"after": 3, "share": 0.2}), "test": "lm_head", "cache": "propagated"},
    ),
}
PRODUCTS = KindsOf("matrix", "grouped_matrix", "attention", "latent_attention", "cache", "latent_cache")


@pytest.fixture(autouse=True)
def tiny_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft model of these tests, which no file has."""
    draft = Model("tiny_draft", 2, 128, 2, 2, 64, 256, MODEL.vocab_size, 4096)
    monkeypatch.setattr("simulator.workload.optimizations.speculative.load_model", lambda name: draft)


@cache
def arch(platform: str = "h100_sxm", **parallel: int) -> Arch:
    count = 1
    for number in parallel.values():
        count *= number
    return load_arch(platform, [*(f"parallelism.{key}={n}" for key, n in parallel.items()), f"devices.count={count}"])


def run(platform: Arch, model: Model = FOUR, batch: int = 1, **blocks: Any) -> Result:
    made = {key: optimization_blocks.get(key).model_validate(entry) for key, entry in blocks.items()}
    return simulate(platform, workload(model=model, batch=batch, optimizations=made, prompt_tokens=8, output_tokens=4))


def work(result: Result, *, products: bool = False) -> dict[tuple[str, str], tuple[int, int]]:
    """FLOPs and stored bytes by stage and op kind, but for collectives; ``products``: of nothing else."""
    return {
        (stage, kind): (done.flops, done.bytes)
        for stage, kinds in result.work_by_op_kind.items()
        for kind, done in kinds.items()
        if kind not in COLLECTIVE_KINDS and (kind in PRODUCTS or not products)
    }


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_a_pipeline_does_the_work_of_one_device_with_every_method(method: str, stages: int) -> None:
    key, entry = METHODS[method]
    one, several = run(arch(), **{key: entry}), run(arch(pipeline=stages), **{key: entry})
    assert work(several) == work(one)
    assert several.latency.tpot_s is not None
    assert several.latency.tpot_s > (one.latency.tpot_s or 0), "one sequence gains nothing, but for the sends"


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_pipeline_does_the_work_of_one_device_with_blocks_that_differ(name: str, stages: int) -> None:
    model = replace(FOUR, name=name, architecture=ARCHITECTURES[name], d_ff=160)
    one, several = run(arch(), model), run(arch(pipeline=stages), model)
    assert work(several) == work(one)


@pytest.mark.parametrize("method", METHODS)
def test_tensor_parallel_devices_share_the_products_of_every_method(method: str) -> None:
    key, entry = METHODS[method]
    one, two = (run(platform, **{key: entry}) for platform in (arch(), arch(tensor=2)))
    for where, (flops, n_bytes) in work(one, products=True).items():
        shared = work(two, products=True)[where]
        assert shared == (pytest.approx(flops, rel=0.02), pytest.approx(n_bytes, rel=0.03)), where
    assert two.time_by_op_kind_s["decode"]["allreduce"] > 0


STATE = ("time_proj", "out_proj", "ffn_up", "ffn_down", "wkv7_update", "ssm_update", "conv1d", "ssm_in")


@pytest.mark.parametrize("name", ["rwkv7", "mamba2"])
def test_tensor_parallel_devices_share_the_states_of_all_heads(name: str) -> None:
    model = replace(FOUR, name=name, architecture=ARCHITECTURES[name], d_ff=160)
    one, two = run(arch(), model), run(arch(tensor=2), model)
    shared = work(two)
    for where, (flops, n_bytes) in work(one).items():
        if where[1] in STATE:
            # Groups of a state-space model that all heads share are on both devices.
            assert shared[where] == (pytest.approx(flops, rel=0.1), pytest.approx(n_bytes, rel=0.1)), where
    assert two.time_by_op_kind_s["decode"]["allreduce"] > 0
    assert two.capacity.needed_bytes <= 2 * one.capacity.needed_bytes


@pytest.mark.parametrize("name", ["windows", "latent_experts"])
def test_copies_do_the_work_of_one_device_each(name: str) -> None:
    model = replace(FOUR, name=name, architecture=ARCHITECTURES[name], d_ff=160)
    one, two = run(arch(), model), run(arch(data=2), model, batch=2)
    assert work(two) == {where: (2 * flops, 2 * n_bytes) for where, (flops, n_bytes) in work(one).items()}
    assert two.latency.tpot_s == pytest.approx(one.latency.tpot_s, rel=5e-3)


def test_every_block_of_a_pipeline_can_be_simulated() -> None:
    model = replace(FOUR, name="windows", architecture=ARCHITECTURES["windows"])
    platform = arch(pipeline=2)
    for batch in (1, 2):
        results = [
            simulate(platform, workload(model=model, batch=batch, prompt_tokens=8, output_tokens=3), exact=exact)
            for exact in (False, True)
        ]
        assert work(results[0]) == work(results[1])
        assert results[0].latency.tpot_s == pytest.approx(results[1].latency.tpot_s, rel=0.02)
        assert results[1].provenance.events > results[0].provenance.events


def test_offloaded_weights_are_fetched_while_the_stage_is_at_work() -> None:
    entry = {"engine": "copy", "weights": 0.5, "prefetch": 1}

    def result(*overrides: str) -> Result:
        return run(load_arch("rtx4090_xeon", overrides), offload=entry)

    one, two = result(), result("devices.count=2", "parallelism.pipeline=2")
    assert work(two) == work(one)
    alone = sum(one.time_by_op_kind_s["decode"].values())
    assert sum(two.time_by_op_kind_s["decode"].values()) == pytest.approx(alone, rel=0.5)


def test_what_cannot_share_a_device_is_refused_in_one_line() -> None:
    blocks = load_arch("cent_8dev", ["devices.count=2", "parallelism.pipeline=2"])
    key, entry = METHODS["exit"]
    with pytest.raises(
        MappingError, match=r"optimizations\.early_exit: stages that share a device work in step"
    ) as caught:
        run(blocks, batch=4, **{key: entry})
    assert "\n" not in str(caught.value)
