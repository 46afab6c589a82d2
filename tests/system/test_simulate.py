"""Whole runs of a tiny model on every shipped platform."""

from dataclasses import replace

import pytest
from tiny import EVERY_FAMILY, MODEL, NPU_AND_PIM, arch, system, workload

from simulator.api import load_workload, run_op, simulate
from simulator.config.paths import list_names
from simulator.errors import CapacityError, ConfigError, MappingError
from simulator.system.capacity import check_capacity, stores
from simulator.system.conservation import Conservation
from simulator.system.run import Runner
from simulator.workload.graph import DecodeGraphs


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_the_same_run_twice_gives_the_same_result(name: str) -> None:
    first, second = (simulate(arch(name), workload()) for _ in range(2))
    clock = {"provenance": {"wall_s"}}
    assert first.model_dump(exclude=clock) == second.model_dump(exclude=clock)


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_the_reference_engine_gives_the_same_result(name: str) -> None:
    # Sizes that fill no unit and no row; one event per command, so few of them.
    small = replace(MODEL, n_layers=1, d_model=128, n_heads=2, n_kv_heads=1, d_ff=150, vocab_size=90)
    job = workload(model=small, prompt_tokens=2, output_tokens=2)
    compiled = simulate(arch(name), job, exact=True)
    reference = simulate(arch(name), job, exact=True, engine="reference")
    clock = {"provenance": {"wall_s"}}
    assert compiled.model_dump(exclude=clock) == reference.model_dump(exclude=clock)


@pytest.mark.parametrize("name", EVERY_FAMILY)
@pytest.mark.parametrize("batch", [1, 3])
def test_conservation_holds_and_the_roofline_is_not_beaten(name: str, batch: int) -> None:
    result = simulate(arch(name), workload(batch=batch))
    assert result.tokens_per_s is not None
    assert result.tokens_per_j is not None
    assert result.power_w == pytest.approx(result.tokens_per_s / result.tokens_per_j)
    layer_weights = MODEL.n_parameters - 2 * MODEL.vocab_size * MODEL.d_model
    read_per_step = 2 * (layer_weights + MODEL.vocab_size * MODEL.d_model)
    rate = max(bytes_per_s for c in system(name).components.values() for _, bytes_per_s in c.ceilings())
    assert result.tokens_per_s <= batch / (read_per_step / rate)
    assert result.data_movement_bytes["cell_array->bank_io"] >= 5 * read_per_step
    assert result.capacity.needed_bytes <= result.capacity.available_bytes


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_a_longer_context_takes_longer(name: str) -> None:
    short, long = (simulate(arch(name), workload(prompt_tokens=n, output_tokens=2)) for n in (16, 400))
    assert short.latency.tpot_s is not None
    assert long.latency.tpot_s is not None
    assert short.latency.tpot_s < long.latency.tpot_s
    assert short.latency.ttft_s < long.latency.ttft_s


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_progress_counts_every_token(name: str) -> None:
    seen: list[tuple[int, int]] = []
    simulate(arch(name), workload(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_the_default_is_within_a_few_thousandths_of_the_exact_decode_step(name: str) -> None:
    # Llama-2-7B's shapes, cut to two layers: long streams are where the default takes its short cut.
    model = load_workload("llama2_7b_512_64").model
    graphs = DecodeGraphs(
        model.__class__(**({k: getattr(model, k) for k in model.__slots__} | {"n_layers": 2})),
        batch=1,
        precision=workload().precision,
    )
    ends = []
    for exact in (False, True):
        conservation = Conservation()
        running = system(name, conservation, exact=exact)
        Runner(running, conservation).step(graphs.at(512))
        ends.append(running.env.now_ps)
    assert ends[0] == pytest.approx(ends[1], rel=3e-3 if name in NPU_AND_PIM else 1e-3)


@pytest.mark.parametrize("kind", ["gemm", "attn_score", "attn_context", "kv_append"])
def test_near_bank_programs_are_exact_by_default(kind: str) -> None:
    default, exact = (run_op(arch("aim_1card"), kind, (900, 128), batch=3, exact=exact) for exact in (False, True))
    assert default == exact


def test_exact_runs_declare_no_short_cut() -> None:
    default, exact = (simulate(arch("hbm3_npu"), workload(), exact=exact) for exact in (False, True))
    assert [text for text in exact.assumptions if "--exact" in text] == []
    assert [text for text in default.assumptions if "--exact" in text] != []


def test_sampled_steps_are_declared_and_stay_near_the_full_run() -> None:
    full, sampled = (simulate(arch("aim_1card"), workload(output_tokens=41, sample_every=n)) for n in (1, 8))
    assert sampled.tokens_per_s == pytest.approx(full.tokens_per_s, rel=0.01)
    assert any("every 8th decode step" in text for text in sampled.assumptions)


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_what_does_not_fit_says_what_would(name: str) -> None:
    # Weights of HBM-PIM fill up to outputs on all channels: more channels hold no more of a 70B model.
    would_fit = "$" if name == "hbm_pim_card" else "; what would fit: .* channels"
    # The DPUs of a server hold the weights of the largest model, though not the cache of many sequences.
    batch = 512 if name == "upmem_server" else 1
    with pytest.raises(CapacityError, match=rf"(memory|mram): weights take .* GiB more than its .* GiB{would_fit}"):
        check_capacity(system(name), load_workload("llama2_70b_512_64", [f"batch={batch}"]))


def test_the_layout_gives_every_weight_its_rows() -> None:
    running = system("aim_1card")
    layout = check_capacity(running, workload())
    assert len(layout.first_row) == 3 + 7 * MODEL.n_layers + 1
    assert layout.needed_bytes >= 2 * MODEL.n_parameters
    (store,) = stores(running)
    assert store.capacity_bytes == layout.available_bytes == 16 * 2**30


@pytest.mark.parametrize("name", EVERY_FAMILY)
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("gemm", (300, 700)),
        ("softmax", (8, 100)),
        ("rmsnorm", (1, 256)),
        ("attn_score", (40, 64)),
        ("kv_append", (2, 64)),
        ("embedding", (100, 256)),
        ("sampling", (1, 1000)),
    ],
)
def test_single_ops_run_alone(name: str, kind: str, shape: tuple[int, int]) -> None:
    done = run_op(arch(name), kind, shape, batch=2)
    assert done["time_ps"] > 0
    assert done["cycles"] > 0
    assert done["energy_j"] > 0
    assert done["bound_by"]
    if kind == "gemm":
        assert done["flops"] == 2 * 2 * 300 * 700
        assert done["bytes"] >= 2 * 300 * 700


def test_an_unknown_op_names_the_nearest() -> None:
    with pytest.raises(MappingError, match=r"no op kind 'sofmax' .*nearest: 'softmax'"):
        run_op(arch("aim_1card"), "sofmax", (1, 1))


def test_an_unknown_layout_names_the_nearest() -> None:
    running = system("aim_1card")
    object.__setattr__(running.platform, "layout", "in_ordr")
    try:
        with pytest.raises(ConfigError, match="nearest: 'in_order'"):
            check_capacity(running, workload())
    finally:
        object.__setattr__(running.platform, "layout", "in_order")


@pytest.mark.parametrize("name", list_names("archs"))
def test_every_shipped_platform_runs(name: str) -> None:
    parallelism = arch(name).spec.parallelism
    devices = parallelism.tensor if parallelism.policy == "megatron" else 1
    model = replace(MODEL, n_heads=max(4, devices), n_kv_heads=max(2, devices))
    result = simulate(arch(name), workload(model=model, output_tokens=2))
    assert result.tokens_per_s is not None
    assert all(0 < share <= 1 for share in result.utilization.values())
    assert set(result.bound_by) == set(result.time_by_op_kind_s["decode"]) - {"waiting"}
