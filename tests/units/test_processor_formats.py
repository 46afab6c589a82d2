"""Processors on narrow and sparse weights: what is multiplied, at which width, and what widening and unpacking take."""

from dataclasses import replace
from fractions import Fraction
from math import log, sqrt
from typing import Any

import pytest
from parts import components, platform, product, run_alone

from simulator.hooks import Hooks
from simulator.system.builder import System, build_system
from simulator.units.processors.processor import Processor
from simulator.workload.encoding import Encoding
from simulator.workload.ops import MatrixOp
from simulator.workload.optimizations.graphs import encoded

SIZE = 8192
STACK: dict[str, Any] = {
    "graphs": True,
    "kernel_gap_ns": 0,
    "step_host_ns": 0,
    "in_flight_bytes": {"default": 1e9},
    "dequantise_ops": {"4": 0},
}
INT8 = Encoding(Fraction(8), "int", moving="int", moving_bits=8)
FP8 = Encoding(Fraction(8), "fp", moving="fp", moving_bits=8)
HALF = Encoding(Fraction(16), "fp", pattern="n_m", n=2, m=4, index_bits=2)


def wired(name: str, unit: str, **keys: Any) -> System:
    changes = {"stack": STACK, unit: keys}
    return build_system(platform(components(name, changes), "one_processor"), hooks=Hooks())


def took_ps(name: str, unit: str, encoding: Encoding | None, tokens: int = SIZE, **keys: Any) -> int:
    system = wired(name, unit, **keys)
    system.around.sustained = False
    op: MatrixOp = product(SIZE, SIZE, tokens)
    if encoding is not None:
        op = replace(encoded(op, encoding), input_bytes=op.input_bytes * encoding.moving_bits // 16)
    return run_alone(system, system.units[unit].take(op))


def test_products_of_narrow_operands_take_half_the_time_of_wide_ones() -> None:
    wide, narrow = (took_ps("h100_sxm", "gpu", each) for each in (None, INT8))
    assert narrow == pytest.approx(wide / 2, rel=0.05)


def test_numbers_that_the_multiply_adds_lack_run_at_16_bits() -> None:
    assert took_ps("h100_sxm", "gpu", FP8) == took_ps("h100_sxm", "gpu", INT8)
    assert took_ps("a100_sxm_80g", "gpu", FP8) == pytest.approx(took_ps("a100_sxm_80g", "gpu", None), rel=0.01)
    assert took_ps("a100_sxm_80g", "gpu", INT8) < 0.6 * took_ps("a100_sxm_80g", "gpu", None)


def test_sparse_pipes_multiply_what_is_kept_and_others_everything() -> None:
    dense = took_ps("a100_sxm_80g", "gpu", None)
    assert took_ps("a100_sxm_80g", "gpu", HALF) == pytest.approx(dense / 2, rel=0.05)
    assert took_ps("mi210", "gpu", HALF) == took_ps("mi210", "gpu", None)


def test_packed_weights_that_are_multiplied_dense_save_bytes_and_cost_their_unpacking() -> None:
    tenth = Encoding(Fraction(16), "fp", pattern="unstructured", density=Fraction(1, 10), bitmap_bits=1)
    free, dear = (
        took_ps(
            "a100_sxm_80g", "gpu", tenth, 1, sparse={"unstructured": {"macs": "dense", "ops_per_kept": n, "source": ""}}
        )
        for n in (0, 1000)
    )
    assert free < 0.3 * took_ps("a100_sxm_80g", "gpu", None, 1)
    assert dear > 0.1 * SIZE * SIZE * 1000 / (108 * 64 * 1.41e9) * 1e12


def test_the_busiest_core_has_more_of_uneven_weights() -> None:
    kept = {"unstructured": {"macs": "kept", "ops_per_kept": 0, "source": ""}}
    uneven = Encoding(Fraction(16), "fp", pattern="unstructured", density=Fraction(1, 100), bitmap_bits=1)
    unit = wired("a100_sxm_80g", "gpu", sparse=kept).units["gpu"]
    assert isinstance(unit, Processor)
    op = encoded(product(SIZE, SIZE, 1), uneven)
    assert unit.imbalance(op) == pytest.approx(1 + sqrt(2 * log(108) * 0.99 / (0.01 * SIZE * SIZE / 108)))
    assert unit.imbalance(product(SIZE, SIZE, 1)) == 1


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_look_up_stands_for_a_bit_of_four_weights(bits: int) -> None:
    table = Encoding(Fraction(bits), "int", lookup=True)
    tokens = 64
    ops = SIZE * SIZE * tokens * bits / 4 * 0.75
    expected_ps = ops / (48 * 32 * 2.4e9) * 1e12
    assert took_ps("xeon_8488c", "cpu", table, tokens) == pytest.approx(expected_ps, rel=0.02)
