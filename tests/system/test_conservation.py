"""Faults planted in mapping and units: a run that skips work has to fail, not to be fast."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tiny import MODEL, PLATFORMS, Log, system, workload

from simulator.errors import ConservationError
from simulator.mapping import gemv
from simulator.mapping.attention import CacheShape
from simulator.mapping.bank_array import BankArray
from simulator.mapping.gemv import Gemv, GemvPlan
from simulator.system.conservation import Conservation
from simulator.system.run import Runner
from simulator.units import near_bank
from simulator.units.dram_stream import Streams, StreamShape, StreamWork, _streams
from simulator.units.memory import NO_OP
from simulator.units.near_bank import NearBank
from simulator.workload.graph import DecodeGraphs
from simulator.workload.ops import MatrixOp


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Engines keep what equal work did, also for other tests: not what a fault made of it."""
    _streams.cache_clear()
    yield
    _streams.cache_clear()


def run_step(name: str, context: int = 40, batch: int = 2) -> Log:
    conservation, log = Conservation(), Log()
    running = system(name, conservation, log)
    graphs = DecodeGraphs(MODEL, batch=batch, precision=workload().precision)
    Runner(running, conservation).step(graphs.at(context))
    return log


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_step_without_a_fault_passes(name: str) -> None:
    run_step(name)


@pytest.mark.parametrize("skipped", ["query head", "half the cache", "sequence"])
def test_attention_that_skips_work_is_found(monkeypatch: pytest.MonkeyPatch, skipped: str) -> None:
    whole = near_bank.score_gemv

    def short(array: BankArray, cache: CacheShape, context: int, queries: int) -> Gemv:
        if skipped == "query head":
            return whole(array, cache, context, queries - 1)
        if skipped == "sequence":
            return whole(array, replace(cache, heads=cache.heads // 2), context, queries)
        return whole(array, cache, context // 2, queries)

    monkeypatch.setattr(near_bank, "score_gemv", short)
    with pytest.raises(ConservationError, match=r"L00\.attn_score: near_bank moves .* it needs"):
        run_step("aim_1card", context=4000)


def test_a_product_for_one_vector_too_few_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = NearBank.shape
    monkeypatch.setattr(NearBank, "shape", lambda self, op: replace(whole(self, op), vectors=1))
    with pytest.raises(ConservationError, match=r"L00\.qkv_proj: near_bank moves .* over bank_io->mac, it needs"):
        run_step("aim_1card", context=41)


def test_a_program_that_leaves_out_a_tile_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gemv._Emitter,
        "multiply",
        lambda self, round_, group, tile: None if tile == self.plan.tiles - 1 else multiply(self, round_, group, tile),
    )
    with pytest.raises(ConservationError, match=r"bytes crossed .*, the ops needed"):
        run_step("hbm2_pim_bank", context=43)


multiply: Any = gemv._Emitter.multiply


def test_a_stream_that_ends_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.run

    def short(self: Streams, shape: StreamShape, tick: int, *, exact: bool) -> StreamWork:
        return whole(self, replace(shape, n_bytes=shape.n_bytes - 32), tick, exact=exact)

    monkeypatch.setattr(Streams, "run", short)
    with pytest.raises(ConservationError, match="bytes crossed cell_array->bank_io, the ops needed"):
        run_step("hbm3_npu")


def test_a_memory_faster_than_its_pins_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.run

    def fast(self: Streams, shape: StreamShape, tick: int, *, exact: bool) -> StreamWork:
        work = whole(self, shape, tick, exact=exact)
        halved = replace(work.work, ticks=work.work.ticks // 4, end_ticks=work.work.end_ticks // 4)
        return replace(work, work=halved, memo={})

    monkeypatch.setattr(Streams, "run", fast)
    with pytest.raises(ConservationError, match=r"memory: pins->controller took .* alone need"):
        run_step("hbm3_npu", batch=1)


@pytest.mark.parametrize("name", PLATFORMS)
def test_refreshes_are_counted_to_the_end_of_a_step(name: str) -> None:
    log = run_step(name)
    running = system(name)
    memory: Any = running.components["memory"]
    engine = memory.engine
    counted = sum(line[3] for line in log.lines if line[0] == "activity" and line[2] == engine.refresh_command)
    end_ps = max(line[1] for line in log.lines if line[0] == "finish")
    due = engine.refreshes_due(engine.to_ticks(end_ps)) * engine.ranks * memory.spec.channels
    assert counted == due
    assert any(line[4] == NO_OP for line in log.lines if line[0] == "activity")


def test_the_closed_form_of_operands_is_what_products_read() -> None:
    unit = system("aim_1card").components["near_bank"]
    assert isinstance(unit, NearBank)
    op = MatrixOp(
        name="x", kind="ffn_up", flops=2 * 64 * 48 * 3, weight_bytes=2 * 64 * 48, out_features=64, in_features=48,
        tokens=3, weight="w",
    )  # fmt: skip
    assert unit.operand_bytes(op) == GemvPlan(unit.array, unit.shape(op)).mac_bytes()
