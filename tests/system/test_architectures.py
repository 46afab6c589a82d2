"""Blocks of every architecture on a platform of every family: they run, conserve bytes, and read what they have to."""

import re
from dataclasses import replace

import pytest
from tiny import EVERY_FAMILY, MODEL, arch, workload

from simulator import api
from simulator.errors import MappingError
from simulator.units.hops import CELLS_TO_IO
from simulator.workload.architectures.mamba2 import Mamba2
from simulator.workload.architectures.rwkv6 import Rwkv6
from simulator.workload.architectures.rwkv7 import Rwkv7
from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.feed_forward import Gated, Plain
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.closed_forms import StepTotals, step_totals
from simulator.workload.closed_forms_state import state_step_totals
from simulator.workload.model import Model
from simulator.workload.scenario import Workload
from simulator.workload.transformer import Transformer

PROCESSORS = ("h100_sxm", "xeon_8488c", "vhk158", "gaudi2")
TRANSFORMERS = {
    "opt": Transformer(
        norm="layernorm",
        attention=Attention(rotary=False, qkv_bias=True, out_bias=True),
        feed_forward=Plain(activation="relu", bias=True),
        positions=40,
    ),
    "falcon": Transformer(norm="layernorm", feed_forward=Plain(), arrangement="parallel", parallel_norms=2),
    "gemma": Transformer(
        attention=Attention(qk_norm=True, softcap=True),
        feed_forward=Gated(activation="gelu"),
        arrangement="sandwich",
        window=4,
        full_every=2,
        scaled_embedding=True,
        final_softcap=True,
    ),
    "moe": Transformer(feed_forward=Experts(5, 2, shared_width=96, shared_gate=True), dense_layers=1, dense_width=300),
}


LATENT = Transformer(
    attention=LatentAttention(rank=64, plain=32, rotary=16, query_rank=48),
    feed_forward=Experts(6, 2, shared_width=64, router_bias=True),
    dense_layers=1,
    dense_width=200,
)


STATES = {
    "mamba2": Mamba2(state=16),
    "rwkv6": Rwkv6("layernorm", 8, 16),
    "rwkv7": Rwkv7("layernorm", 16, 16, 8, 24),
}


def job(name: str) -> Workload:
    model = replace(MODEL, name=name, architecture=TRANSFORMERS[name], d_ff=160)
    return workload(model=model, batch=2, prompt_tokens=6, output_tokens=3)


def asked(model: Model, job: Workload) -> int:
    """Bytes that the ops of a run store and read at least."""
    steps = [(job.prompt_tokens, 0), *((1, step.context) for step in job.decode_steps())]
    total = StepTotals()
    for queries, cached in steps:
        total += step_totals(model, batch=job.batch, queries=queries, cached=cached, precision=job.precision)
    return total.weight_bytes + total.kv_read_bytes + total.kv_write_bytes


@pytest.mark.parametrize("platform", [*EVERY_FAMILY, *PROCESSORS])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_blocks_of_any_transformer_run_and_move_at_least_what_they_ask_for(platform: str, name: str) -> None:
    wanted = job(name)
    result = api.simulate(arch(platform), wanted)
    assert (result.tokens_per_s or 0) > 0
    assert result.data_movement_bytes[CELLS_TO_IO] >= asked(wanted.model, wanted)
    assert result.capacity.needed_bytes >= 2 * wanted.model.n_parameters


@pytest.mark.parametrize("platform", PROCESSORS)
def test_latent_attention_runs_on_processors(platform: str) -> None:
    model = replace(MODEL, architecture=LATENT, head_dim=32, d_ff=128)
    wanted = workload(model=model, batch=2, prompt_tokens=6, output_tokens=3)
    result = api.simulate(arch(platform), wanted)
    assert result.data_movement_bytes[CELLS_TO_IO] >= asked(model, wanted)
    assert result.capacity.needed_bytes >= 2 * model.n_parameters


@pytest.mark.parametrize("platform", EVERY_FAMILY)
def test_units_without_latent_attention_say_so_in_one_line(platform: str) -> None:
    with pytest.raises(MappingError) as raised:
        api.simulate(arch(platform), workload(model=replace(MODEL, architecture=LATENT)))
    assert re.fullmatch(
        r"L00\.latent_\w+: placement '\w+' wants .* for latent_\w+; able to run it: none of .*", str(raised.value)
    )


@pytest.mark.parametrize("platform", [*EVERY_FAMILY, *PROCESSORS])
@pytest.mark.parametrize("name", STATES)
def test_models_with_a_state_run_and_read_and_write_it_in_each_step(platform: str, name: str) -> None:
    heads = {"n_heads": 8, "n_kv_heads": 1} if name == "mamba2" else {"n_heads": 4, "n_kv_heads": 4}
    model = replace(MODEL, name=name, architecture=STATES[name], **heads)
    wanted = workload(model=model, batch=2, prompt_tokens=3, output_tokens=6)
    result = api.simulate(arch(platform), wanted)
    state = state_step_totals(model, batch=2, queries=1, cached=1, precision=wanted.precision)
    steps = wanted.output_tokens - 1
    moved = result.data_movement_bytes[CELLS_TO_IO]
    assert moved >= steps * (state.weight_bytes + state.kv_read_bytes + state.kv_write_bytes)
    assert result.capacity.needed_bytes >= 2 * model.n_parameters


def test_decode_reads_the_latent_vectors_once_for_all_heads() -> None:
    model = replace(MODEL, architecture=LATENT, head_dim=32, d_ff=128)
    steps = [
        api.simulate(arch("h100_sxm"), workload(model=model, batch=4, prompt_tokens=prompt, output_tokens=2))
        for prompt in (64, 1088)
    ]
    grown = steps[1].data_movement_bytes[CELLS_TO_IO] - steps[0].data_movement_bytes[CELLS_TO_IO]
    decode = 4 * 1024 * MODEL.n_layers * 2 * ((64 + 16) + 64)
    written = 4 * 1024 * MODEL.n_layers * 2 * (64 + 16)
    embedded = 4 * 1024 * MODEL.d_model * 2
    experts = 6 * 3 * 128 * MODEL.d_model * 2
    assert decode + written + embedded <= grown <= 1.02 * (decode + written + embedded + experts)


def test_a_window_ends_the_growth_of_decode_steps() -> None:
    ends = {}
    for window in (None, 8):
        model = replace(MODEL, architecture=Transformer(window=window))
        moved = [
            api.simulate(arch("hbm3_npu"), workload(model=model, prompt_tokens=prompt, output_tokens=2))
            for prompt in (40, 400)
        ]
        ends[window] = [result.latency.tpot_s or 0 for result in moved]
    assert ends[None][0] < ends[None][1]
    assert ends[8][0] == pytest.approx(ends[8][1], rel=0.01)


def test_more_tokens_hit_more_experts_until_all_are_read() -> None:
    model = replace(MODEL, d_ff=512, architecture=Transformer(feed_forward=Experts(16, 2)))
    moved = []
    for batch in (1, 4, 64):
        graph = step_totals(model, batch=batch, queries=1, cached=8, precision=workload().precision)
        result = api.simulate(arch("h100_sxm"), workload(model=model, batch=batch, prompt_tokens=8, output_tokens=2))
        moved.append(graph.weight_bytes)
        assert result.data_movement_bytes[CELLS_TO_IO] >= graph.weight_bytes
    assert moved[0] < moved[1] < moved[2]
    assert moved[2] >= 2 * 2 * 16 * 3 * 512 * 256


def test_blocks_that_differ_are_stages_of_a_pipeline_each() -> None:
    wanted = job("gemma")
    result = api.simulate(arch("cent_8dev"), wanted)
    assert result.data_movement_bytes[CELLS_TO_IO] >= asked(wanted.model, wanted)
