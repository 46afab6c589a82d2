"""AttAcc's evaluation by its simulator: published figures, what its options and defects amount to, wrong input."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.api import load_arch, load_workload, simulate
from simulator.config.compat_schema import AttaccArtifact
from simulator.errors import MappingError
from simulator.metrics.result import Result
from simulator.system.attacc_artifact.layers import Layer
from simulator.system.attacc_artifact.overlap import pipelined
from simulator.system.attacc_artifact.tiles import best, occupied, traffic

ALL = ("compat.ffopt=true", "compat.pipeopt=true")


def evaluate(arch: str, *overrides: str, batch: int = 32, prompt: int = 2048, output: int = 9) -> Result:
    settings = [f"batch={batch}", f"prompt_tokens={prompt}", f"output_tokens={output}"]
    settings += [text for text in overrides if not text.startswith(("compat", "devices", "parallelism"))]
    workload = load_workload("llama2_7b_512_64", ["model=attacc_llama_65b", *settings])
    hardware = [text for text in overrides if text.startswith(("compat", "devices", "parallelism"))]
    return simulate(load_arch(arch, ["compat.attacc=true", *hardware]), workload)


def speed(result: Result) -> float:
    assert result.tokens_per_s is not None
    return result.tokens_per_s


def step_j(result: Result, batch: int = 32) -> float:
    assert result.tokens_per_j is not None
    return batch / result.tokens_per_j


# What the simulator printed (scale-snu/attacc_simulator at c600051); its 21,845 columns of the FFN are 22,016 here.
def test_figures_are_those_that_its_simulator_prints() -> None:
    gpus, bank = evaluate("dgx_a100_hbm3"), evaluate("attacc_bank", *ALL)
    assert speed(gpus) == pytest.approx(1222.8, rel=0.003)
    assert step_j(gpus) == pytest.approx(11.92, rel=0.005)
    assert speed(bank) / speed(gpus) == pytest.approx(2067.5 / 1222.8, rel=0.01)
    assert step_j(bank) == pytest.approx(7.09, rel=0.02)


def test_options_only_hide_time_and_energy_stays() -> None:
    plain, *others = (
        evaluate("attacc_bank", *some) for some in ((), ("compat.ffopt=true",), ("compat.pipeopt=true",), ALL)
    )
    assert all(speed(other) > speed(plain) for other in others)
    assert max(others, key=speed) is others[-1]
    assert {round(step_j(other), 9) for other in others} == {round(step_j(plain), 9)}


def test_levels_and_the_power_limit_order_the_speeds() -> None:
    levels = [speed(evaluate(f"attacc_{level}", *ALL, output=2)) for level in ("buffer", "bankgroup", "bank")]
    assert levels == sorted(levels)
    free = evaluate("attacc_bank", *ALL, "compat.power_limit=false", output=2)
    assert speed(free) > levels[-1]
    assert step_j(free) == pytest.approx(step_j(evaluate("attacc_bank", output=2)))


def test_cycles_from_its_file_cost_the_buffers_cells_twice() -> None:
    fresh, cached = (evaluate("attacc_buffer", f"compat.cached={on}", output=2) for on in ("false", "true"))
    cells = fresh.energy_j.by_class["dram_array"]
    assert cached.energy_j.by_class["dram_array"] == pytest.approx(2 * cells)
    assert speed(cached) == speed(fresh)


def test_capacity_is_told_and_not_minded() -> None:
    result = evaluate("dgx_a100_hbm3", batch=512, output=2)
    assert result.capacity.needed_bytes > result.capacity.available_bytes
    assert any("not enforced" in text for text in result.assumptions)


def test_all_reduces_of_more_gpus_take_longer() -> None:
    sixteen = evaluate("dgx_a100_hbm3", "devices.count=16", "parallelism.tensor=16", batch=1, output=2)
    eight = evaluate("dgx_a100_hbm3", batch=1, output=2)
    # N - 1 messages of 6.06 us, two a block, of 80 blocks.
    for result, devices in ((eight, 8), (sixteen, 16)):
        spent_s = result.time_by_op_kind_s["decode"]["allreduce"]
        assert spent_s == pytest.approx(2 * 80 * (devices - 1) * 6.06e-6, rel=0.01)


@cache
def artifact() -> AttaccArtifact:
    found = load_arch("attacc_bank").spec.compat
    assert isinstance(found, AttaccArtifact)
    return found


@given(blocks=st.integers(1, 1000))
def test_cores_of_a_last_wave_are_idle(blocks: int) -> None:
    gpu = artifact().gpu
    busy = occupied(gpu, Layer("attn_score", "attention", 1, 100, 128, count=blocks), (1, 100))
    waves = -(-blocks // 108)
    assert busy == pytest.approx(blocks / (108 * waves))


@settings(max_examples=15)
@given(m=st.integers(1, 64), n=st.integers(1, 3000), k=st.integers(64, 4096))
def test_tiles_fit_their_caches_and_bring_each_operand_at_least_once(m: int, n: int, k: int) -> None:
    gpu, layer = artifact().gpu, Layer("ffn", "product", m, n, k)
    tiling = best(gpu, layer, 2)
    rows, columns = tiling.core
    assert 2 * ((rows + columns) * 32 + rows * columns) <= gpu.l1_bytes
    assert traffic(layer, tiling.cache) >= m * k + n * k + m * n
    assert traffic(layer, tiling.cache) <= traffic(layer, tiling.core)


@given(
    times=st.tuples(*[st.floats(1e-6, 1e-3)] * 5),
    heads=st.integers(1, 96),
    products=st.booleans(),
)
def test_what_overlaps_takes_no_less_than_its_longest_part(
    times: tuple[float, ...], heads: int, products: bool
) -> None:
    kinds = ("qkv_proj", "attention", "softmax", "out_proj", "transfer")
    before = dict(zip(kinds, times, strict=True))
    after = pipelined(before, heads, products=products)
    assert sum(after.values()) <= sum(before.values()) + 1e-12
    assert after["attention"] == before["attention"]
    assert sum(after.values()) >= before["attention"] - 1e-12


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("output_tokens=1",), "no figures without decode"),
        (("precision.weights=int4",), "8 or 16 bits all of them"),
        (("devices.count=7", "parallelism.tensor=7"), "64 heads"),
    ],
)
def test_what_its_simulator_does_not_have_is_refused(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        evaluate("dgx_a100_hbm3", *overrides)
