"""Parts of a TPU: banks of its on-chip memory, and the program that starts its ops."""

from typing import Any

import pytest
from parts import product, run_alone, wired

from simulator.api import load_arch, run_op
from simulator.workload.ops import VectorOp


def took_ps(changes: dict[str, dict[str, Any]], tokens: int = 1) -> tuple[int, dict[str, str]]:
    system = wired("tpu_v5e", changes)
    time_ps = run_alone(system, product(1024, 1024, tokens))
    return time_ps, system.around.limits.bound_by()


def test_banks_too_few_for_what_goes_in_and_out_at_once_set_the_pace() -> None:
    one = {"banks": 1, "ports": 1, "word_bytes": 64, "clock_mhz": 1000.0}
    n_bytes = 2 * 1024 * 1024
    quick, _ = took_ps({})
    slow, held = took_ps({"vmem": {"organization": one}})
    # Every weight goes in and out of the one bank.
    gap_ps = 300_000
    assert slow == pytest.approx(2 * n_bytes / 64 * 1000 + gap_ps, rel=1e-3)
    assert held == {"ffn_up": "SRAM banks"}
    assert took_ps({"vmem": {"organization": one | {"ports": 2}}})[0] == pytest.approx(slow / 2, rel=0.01)
    assert took_ps({"vmem": {"organization": one | {"banks": 1000}}})[0] == quick


def test_an_op_waits_for_the_program_unless_it_is_part_of_the_op_before() -> None:
    without = wired("tpu_v5e", {"matrix": {"stack": None}, "vector": {"stack": None}})
    assert took_ps({})[0] - run_alone(without, product(1024, 1024)) == pytest.approx(300_000, abs=2000)
    norm = VectorOp(name="n", kind="rmsnorm", flops=4, elements=1, rows=1)
    fused = VectorOp(name="r", kind="residual_add", flops=1, elements=1, rows=1)
    plain = wired("tpu_v5e", {"vector": {"stack": None}})
    for op, gap_ps in ((norm, 300_000), (fused, 0)):
        start_ps = plain.env.now_ps
        alone_ps = run_alone(plain, op) - start_ps
        assert run_alone(wired("tpu_v5e"), op) - alone_ps == gap_ps


def test_a_step_ends_when_the_host_has_its_tokens() -> None:
    sampling = VectorOp(name="s", kind="sampling", flops=8000, elements=8000, rows=4)
    system = wired("tpu_v5e")
    system.env.run(until=system.env.process(system.units["vector"].execute(sampling)))
    assert system.env.now_ps > 100_000_000 + 4 * 1_000_000
    assert system.around.limits.bound_by() == {"sampling": "host"}


@pytest.mark.parametrize(("name", "gb_s"), [("tpu_v4", 1229), ("tpu_v5e", 819)])
def test_weights_come_near_the_rate_of_the_pins(name: str, gb_s: int) -> None:
    done = run_op(load_arch(name), "gemm", (8192, 8192))
    assert done["bound_by"] == "DRAM data pins"
    assert 0.8 < done["bytes"] / done["time_ps"] * 1e3 / gb_s < 1
