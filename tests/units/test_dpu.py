"""DPUs: time against closed forms of pipeline and DMA, rows over cores, and the host as the only way between them."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import product, run_alone, wired
from stacks import Moved

from simulator.errors import ConfigError, MappingError
from simulator.system.builder import System
from simulator.units import hops
from simulator.units.dpu import Dpu
from simulator.units.rank_bus import RankBus
from simulator.workload.ops import AttentionOp, MatrixOp

CLOCK_PS = 1e6 / 350


def server(changes: dict[str, dict[str, object]] | None = None, moved: Moved | None = None) -> System:
    return wired("upmem_server", changes, exact=True, instruments=[moved] if moved else [])


def dpu_of(system: System) -> Dpu:
    found = system.components["dpu"]
    assert isinstance(found, Dpu)
    return found


def int8(outputs: int, inputs: int, tokens: int = 1) -> MatrixOp:
    wide = product(outputs, inputs, tokens)
    return MatrixOp(**{f: getattr(wide, f) for f in MatrixOp.__dataclass_fields__} | {"weight_bytes": outputs * inputs})


@pytest.mark.parametrize("tasklets", [1, 4, 11, 24])
def test_a_product_takes_its_instructions_at_the_rate_of_its_tasklets(tasklets: int) -> None:
    # 5112 rows are two for each of 2556 cores; software floats take 254 instructions a multiply-add.
    took = run_alone(server({"dpu": {"tasklets": tasklets, "dma_block_bytes": 1024}}), product(5112, 64))
    assert took == pytest.approx(2 * 64 * 254 * max(1, 11 / tasklets) * CLOCK_PS, abs=CLOCK_PS)


@pytest.mark.parametrize("block", [256, 1024])
def test_a_product_with_cheap_arithmetic_takes_its_dma(block: int) -> None:
    cheap = {"dpu": {"instructions_per_mac": {"8": 0.1}, "dma_block_bytes": block}}
    took = run_alone(server(cheap), int8(2556, 8192))
    assert took == pytest.approx((8192 / block * 77 + 8192 * 0.5) * CLOCK_PS, abs=CLOCK_PS)


def test_dma_of_two_kilobytes_runs_at_the_published_rate() -> None:
    # PrIM's model: 2048 bytes in 77 + 1024 cycles of 350 MHz, 651 MB/s; it measured 628.
    cheap = {"dpu": {"instructions_per_mac": {"8": 0.01}, "dma_block_bytes": 2048, "tasklets": 11}}
    took = run_alone(server(cheap), int8(2556, 1 << 16))
    assert (1 << 16) / (took * 1e-12) / 1e6 == pytest.approx(628, rel=0.05)


@given(outputs=st.integers(1, 20_000), inputs=st.integers(1, 5000), tokens=st.integers(1, 40))
def test_the_core_with_most_rows_sets_the_pace(outputs: int, inputs: int, tokens: int) -> None:
    dpu = dpu_of(server())
    op = product(outputs, inputs, tokens)
    share = dpu.share(op)
    assert share.rows == ceil(outputs / 2556)
    resident = max(1, (65536 - 24 * 1024) // (2 * inputs))
    assert share.passes == ceil(tokens / resident)
    assert dpu.compute_cycles(op, share) == share.rows * inputs * tokens * 254


def test_vectors_beyond_working_memory_read_the_rows_again() -> None:
    moved = Moved()
    system = server(None, moved)
    op = product(2556, 4096, 12)
    run_alone(system, op)
    assert dpu_of(system).share(op).passes == 3
    assert moved.n_bytes["mram", hops.CELLS_TO_IO] == 3 * op.weight_bytes
    assert dpu_of(system).array_bytes(op) == {("mram", hops.CELLS_TO_IO): 3 * op.weight_bytes}


def test_cached_heads_are_cut_up_by_rows() -> None:
    score = AttentionOp(
        name="score", kind="attn_score", kv_read_bytes=2 * 2 * 300 * 64, flops=2, n_heads=4, n_kv_heads=2, head_dim=64,
        batch=1, queries=1, context=300, pairs=300,
    )  # fmt: skip
    share = dpu_of(server()).share(score)
    assert (share.strips, share.rows, share.inputs, share.vectors) == (600, 1, 64, 2)


def test_a_width_without_code_is_told() -> None:
    with pytest.raises(MappingError, match="16-bit data; the cores of dpu have code for 8 bits"):
        run_alone(server({"dpu": {"instructions_per_mac": {"8": 5.0}}}), product(10, 10))


def test_blocks_that_do_not_fit_working_memory_are_told() -> None:
    with pytest.raises(ConfigError, match="two blocks for each of 24 tasklets take 98304 bytes") as caught:
        server({"dpu": {"tasklets": 24, "dma_block_bytes": 2048}})
    assert caught.value.key == "components.dpu.wram_bytes"


def bus_of(moved: Moved | None = None, **changes: object) -> RankBus:
    found = server({"ranks": changes}, moved).components["ranks"]
    assert isinstance(found, RankBus)
    return found


def test_every_dpu_gets_its_own_copy_unless_the_result_is_cut_up() -> None:
    moved = Moved()
    bus = bus_of(moved, latency_ns=0.0)
    copied_ps = bus.carry(0, 8192, "vector", "rmsnorm")
    assert copied_ps == pytest.approx(8192 * 2556 / (10 * 16.88e9) * 1e12, abs=1)
    assert moved.n_bytes["ranks", hops.LINK] == 8192 * 2556
    cut_ps = bus.carry(copied_ps, 8192, "vector", "softmax") - copied_ps
    assert cut_ps == pytest.approx(8192 / (10 * 6.68e9) * 1e12, abs=1)
    assert moved.n_bytes["ranks", hops.LINK] == 8192 * 2557


def test_results_come_back_at_the_rate_of_all_channels_one_transfer_after_the_other() -> None:
    bus = bus_of()
    first, second = (bus.carry(0, 4096, "dpu", "qkv_proj") for _ in range(2))
    wire_ps = 4096 / (10 * 4.74e9) * 1e12
    assert first == pytest.approx(wire_ps + 20e6, abs=1)
    assert second == pytest.approx(2 * wire_ps + 20e6, abs=2)
    assert bus.carry(0, 4096, "vector", "softmax") > second - 20e6


def test_the_dpus_are_at_one_of_the_ends() -> None:
    with pytest.raises(ConfigError, match="'host' is not an end of ranks"):
        bus_of(dpu="host")


def test_no_link_joins_dpus_but_the_host() -> None:
    system = server()
    ways = [system.routes.between("dpu", end) for end in ("vector", "host")]
    assert all(way[0][0].name == "ranks" for way in ways)
