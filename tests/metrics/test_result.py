"""The result of a hand-made run: schema, definitions of the figures, determinism."""

import json
from typing import Any

import pydantic
import pytest

from simulator.metrics.collect import Collector, RunFacts
from simulator.metrics.result import Capacity, Identity, Result

DESIGN_KEYS = {
    *(
        "schema",
        "arch",
        "workload",
        "tokens_per_s",
        "tokens_per_j",
        "power_w",
        "edp_j_s",
        "latency",
        "time_ps",
        "cycles",
        "mapping",
    ),
    *(
        "energy_j",
        "data_movement_bytes",
        "commands",
        "utilization",
        "bound_by",
        "capacity",
        "area_mm2",
        "area_by_component_mm2",
        "assumptions",
    ),
    *("calibrations", "provenance", "time_by_op_kind_s", "energy_by_op_kind_j", "thermal", "traffic"),
    *("work_by_op_kind", "busy_profile", "quality", "quality_from"),
}
PREFILL_PS, STEP_PS, STEPS, BATCH = 50_000_000, 10_000_000, 3, 2


def observe(collector: Collector, start_ps: int, end_ps: int, token: int) -> None:
    """One op that keeps the memory busy for its first half, then a token."""
    for tally in collector.instruments:
        tally.op_started(start_ps, f"op{token}", "lm_head", "near_bank")
        tally.busy("memory", start_ps, (start_ps + end_ps) // 2, "stream")
        tally.activity("memory", "RD", 1000, "lm_head")
        tally.transfer(start_ps, end_ps, "channel->pins", 32_000, "memory")
        tally.commands("memory", {"ACT": 10, "RD": 1000, "WR": 0})
        tally.op_finished(end_ps, f"op{token}", "lm_head", "near_bank")
        tally.token_done(end_ps, token)


def run(steps: int = STEPS, wall_s: float = 0.0, weight: float = 1) -> Result:
    collector = Collector()
    collector.enter("prefill")
    observe(collector, 0, PREFILL_PS, 0)
    for step in range(steps):
        collector.enter("decode", weight)
        observe(collector, PREFILL_PS + step * STEP_PS, PREFILL_PS + (step + 1) * STEP_PS, step + 1)
    facts = RunFacts(
        arch=Identity(name="card", content_hash="a" * 64, values={"channels": 32}),
        workload=Identity(name="chat", content_hash="b" * 64, values={"batch": BATCH}),
        batch=BATCH,
        energy_tables={"memory": {"RD": {"dram_array": 100.0}}},
        static_power_w={"host": {"host": 3.0}},
        clock_ps={"memory": 500, "never_used": 1000},
        bound_by={"lm_head": "dram column rate"},
        capacity=Capacity(needed_bytes=10, available_bytes=20),
        wall_s=wall_s,
    )
    return collector.result(facts)


def test_the_document_has_exactly_the_keys_of_the_schema() -> None:
    assert set(json.loads(run().to_json())) == DESIGN_KEYS


def test_headline_figures_are_those_of_the_decode_stage() -> None:
    result = run()
    decode_s, decode_j = STEPS * STEP_PS * 1e-12, STEPS * (1000 * 100e-12 + 3.0 * STEP_PS * 1e-12)
    assert result.tokens_per_s == pytest.approx(BATCH * STEPS / decode_s)
    assert result.power_w == pytest.approx(decode_j / decode_s)
    assert result.tokens_per_j == pytest.approx(BATCH * STEPS / decode_j)
    assert result.edp_j_s == pytest.approx(decode_j / (BATCH * STEPS) * STEP_PS * 1e-12)
    assert result.latency.tpot_s == pytest.approx(STEP_PS * 1e-12)
    assert result.latency.ttft_s == pytest.approx(PREFILL_PS * 1e-12)


def test_counts_are_those_of_the_whole_run() -> None:
    result = run()
    assert result.time_ps == PREFILL_PS + STEPS * STEP_PS
    assert result.commands == {"ACT": 40, "RD": 4000}
    assert result.data_movement_bytes == {"channel->pins": 128_000}
    assert result.utilization == {"memory": 0.5}
    assert result.cycles == {"memory": result.time_ps // 2 // 500}


def test_a_sampled_run_of_equal_steps_equals_the_run_of_all_steps() -> None:
    every, sampled = run(steps=4), run(steps=2, weight=2)
    same = {
        "tokens_per_s",
        "power_w",
        "time_ps",
        "commands",
        "data_movement_bytes",
        "energy_j",
        "utilization",
        "latency",
    }
    for name in same:
        assert getattr(sampled, name) == getattr(every, name), name
    assert sampled.provenance.commands_simulated < every.provenance.commands_simulated


def test_a_run_without_decode_steps_has_no_decode_figures() -> None:
    result = run(steps=0)
    assert (result.tokens_per_s, result.power_w, result.latency.tpot_s) == (None, None, None)
    assert result.latency.ttft_s == result.latency.e2e_s == pytest.approx(PREFILL_PS * 1e-12)


def test_two_runs_give_the_same_bytes_but_for_the_wall_time() -> None:
    first, second = (json.loads(run(wall_s=wall_s).to_json()) for wall_s in (1.0, 2.0))
    assert first["provenance"].pop("wall_s") != second["provenance"].pop("wall_s")
    assert json.dumps(first) == json.dumps(second)


def test_a_result_survives_its_json() -> None:
    assert Result.from_json(run().to_json()) == run()


def test_the_order_of_resolved_keys_survives_for_it_is_that_of_the_levels_of_a_dram() -> None:
    values = {"levels": {"pseudochannel": 2, "bankgroup": 4, "bank": 4}}
    result = run().model_copy(update={"arch": Identity(name="card", content_hash="a" * 64, values=values)})
    text = result.to_json()
    assert list(Result.from_json(text).arch.values["levels"]) == ["pseudochannel", "bankgroup", "bank"]
    keys = list(json.loads(text))
    assert keys == sorted(keys)


def test_an_unknown_key_is_rejected() -> None:
    document: dict[str, Any] = json.loads(run().to_json()) | {"tokens_per_hour": 1}
    with pytest.raises(pydantic.ValidationError, match="tokens_per_hour"):
        Result.from_json(json.dumps(document))


def test_a_stage_that_does_not_exist_is_rejected() -> None:
    with pytest.raises(ValueError, match="prefill, decode, not 'decoding'"):
        Collector().enter("decoding")
