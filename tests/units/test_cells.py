"""Cells of arrays: which width they multiply at and what it costs, and the zeros that they pass over or gate."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from parts import Moved, product, run_alone, wired

from simulator.errors import ConfigError
from simulator.hooks import Instrument
from simulator.units import hops
from simulator.units.matrix import Matrix
from simulator.workload.encoding import Encoding
from simulator.workload.ops import MatrixOp
from simulator.workload.optimizations.graphs import encoded

OUTPUTS, INPUTS = 1024, 2048
TOKENS = 4096
"""So many that the arrays take longer than the stream."""
CLOCK_PS = 1e6 / 1500
INT8 = Encoding(Fraction(8), "int", moving="int", moving_bits=8)
FP8 = Encoding(Fraction(8), "fp", moving="fp", moving_bits=8)
HALF = Encoding(Fraction(16), "fp", pattern="n_m", n=2, m=4, index_bits=2)
TENTH = Encoding(Fraction(16), "fp", pattern="unstructured", density=Fraction(1, 10), bitmap_bits=1)
KEPT: dict[str, Any] = {"macs": "kept", "source": "test"}


class Counted(Instrument):
    """Actions by name."""

    def __init__(self) -> None:
        self.n: dict[str, int] = {}

    def activity(self, component: str, action: str, n: int, op_kind: str) -> None:
        del op_kind
        if component == "matrix":
            self.n[action] = self.n.get(action, 0) + n


def run(encoding: Encoding | None, tokens: int = TOKENS, **keys: Any) -> tuple[int, float, int]:
    """(ps, pJ of arithmetic, bytes from the memory) of a product."""
    moved, counted = Moved(), Counted()
    system = wired("hbm3_npu", {"matrix": keys}, instruments=[moved, counted])
    unit = system.units["matrix"]
    assert isinstance(unit, Matrix)
    op: MatrixOp = product(OUTPUTS, INPUTS, tokens)
    took_ps = run_alone(system, unit.take(encoded(op, encoding) if encoding else op))
    table = unit.energy_table()
    return (
        took_ps,
        sum(n * table[action]["compute"] for action, n in counted.n.items()),
        moved.n_bytes[hops.CELLS_TO_IO],
    )


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (4, 16)])
def test_kept_weights_of_a_group_take_their_share_of_tiles_bytes_and_energy(n: int, m: int) -> None:
    pattern = replace(HALF, n=n, m=m, index_bits=(m - 1).bit_length())
    took_ps, energy_pj, n_bytes = run(pattern, sparse={f"{n}:{m}": KEPT})
    waves = -(-(OUTPUTS // 128) * -(-INPUTS * n // (m * 128)) // 4)
    cycles = 128 + waves * TOKENS + 128 + 128 - 1
    # Beside the arrays there is the wait for the first wave.
    assert 0 < took_ps - cycles * CLOCK_PS < 1e6
    assert energy_pj == pytest.approx(0.59 * OUTPUTS * INPUTS * n / m * TOKENS)
    assert n_bytes == OUTPUTS * INPUTS * n // m * (16 + pattern.index_bits) // 8


def test_gated_zeros_take_the_time_of_all_weights_and_the_energy_of_those_kept() -> None:
    dense_ps, dense_pj, dense_bytes = run(None)
    took_ps, energy_pj, n_bytes = run(TENTH, sparse={"unstructured": {"macs": "gated", "source": "test"}})
    assert took_ps == pytest.approx(dense_ps, rel=1e-2)
    assert energy_pj == pytest.approx(dense_pj / 10, rel=1e-5)
    assert n_bytes == pytest.approx(dense_bytes * (0.1 + 1 / 16), rel=1e-3)
    unpacked = run(TENTH, sparse={"unstructured": {"macs": "dense", "source": "test"}})
    assert unpacked == (took_ps, dense_pj, n_bytes)


def test_weights_that_are_kept_come_in_less_time_where_the_stream_is_slower_than_the_arrays() -> None:
    dense_ps, _, _ = run(None, tokens=1)
    drain_ps = (128 + 1 + 128 + 128 - 1) * CLOCK_PS
    for macs in ("kept", "gated"):
        took_ps, _, _ = run(HALF, tokens=1, sparse={"2:4": {"macs": macs, "source": "test"}})
        assert took_ps - drain_ps == pytest.approx((dense_ps - drain_ps) * 9 / 16, rel=0.1)


def test_a_pattern_that_no_cell_has_is_multiplied_with_its_zeros() -> None:
    assert run(HALF) == run(HALF, sparse={"1:4": KEPT}) == run(None)


@pytest.mark.parametrize(
    ("encoding", "bits", "pj"),
    [(INT8, "8", 0.1), (None, "16", 0.6), (FP8, "16", 0.6), (replace(INT8, moving_bits=4), "8", 0.1)],
)
def test_a_multiply_add_costs_what_its_width_costs(encoding: Encoding | None, bits: str, pj: float) -> None:
    cells: dict[str, Any] = {"macs_per_cell": {"8": 2.0, "16": 1.0}, "energy_pj_per_mac": {"8": 0.1, "16": 0.6}}
    _, energy_pj, _ = run(encoding, 7, **cells)
    assert energy_pj == pytest.approx(pj * OUTPUTS * INPUTS * 7)
    rate = 2 if bits == "8" else 1
    took_ps, _, _ = run(encoding, **cells)
    assert took_ps == pytest.approx(run(None)[0] / rate, rel=0.02)


@pytest.mark.parametrize(("encoding", "pj"), [(INT8, 0.1), (FP8, 0.4), (None, 0.6)])
def test_whole_and_floating_point_numbers_of_one_width_may_cost_differently(
    encoding: Encoding | None, pj: float
) -> None:
    cells: dict[str, Any] = {"macs_per_cell": {"8": 2.0, "16": 1.0}, "narrow": ("int", "fp")}
    _, energy_pj, _ = run(encoding, 7, **cells, energy_pj_per_mac={"16": 0.6, "8": 0.4, "int8": 0.1})
    assert energy_pj == pytest.approx(pj * OUTPUTS * INPUTS * 7)


def test_numbers_that_narrow_cells_lack_are_widened() -> None:
    cells: dict[str, Any] = {"macs_per_cell": {"8": 2.0, "16": 1.0}, "narrow": ("fp",)}
    assert run(FP8, **cells)[0] == pytest.approx(run(INT8, **cells)[0] / 2, rel=0.02)


def test_a_scale_is_a_multiply_add_for_each_weight_that_is_kept() -> None:
    groups = replace(HALF, group=128, group_bits=16)
    _, energy_pj, _ = run(groups, 3, sparse={"2:4": KEPT})
    assert energy_pj == pytest.approx(0.59 * OUTPUTS * INPUTS / 2 * (3 + 1))


def test_products_with_kept_weights_run_at_the_width_that_can_pick() -> None:
    narrow = replace(INT8, pattern="n_m", n=2, m=4, index_bits=2)
    cells: dict[str, Any] = {"macs_per_cell": {"8": 2.0, "16": 1.0}}
    free, bound = (run(narrow, sparse={"2:4": KEPT | {"least_bits": bits}}, **cells)[0] for bits in (1, 16))
    assert bound == pytest.approx(2 * free, rel=0.02)
    # Twice the rate of 16-bit operands is that of 8-bit operands with every element.
    assert bound == pytest.approx(run(INT8, **cells)[0], rel=0.02)


def test_places_of_kept_weights_take_room_in_the_buffer() -> None:
    def waves(**keys: Any) -> int:
        unit = wired("hbm3_npu", {"matrix": keys}).components["matrix"]
        assert isinstance(unit, Matrix)
        return unit.wave_bytes

    assert waves(sparse={"4:16": KEPT}) * 16 == waves() * (16 + 4)
    assert waves(sparse={"4:16": {"macs": "gated", "source": "test"}}) == waves()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (
            {"sparse": {"n_m": KEPT}},
            r"sparse\.n_m\.macs: cells in step keep so many of each group \(allowed: n:m, as 2:4\)",
        ),
        ({"sparse": {"unstructured": KEPT}}, r"sparse\.unstructured\.macs: cells in step"),
        (
            {"sparse": {"2:4": KEPT}, "dataflow": "input_stationary"},
            r"macs: cells that hold an input cannot pick another",
        ),
        ({"sparse": {"2:4": KEPT | {"least_bits": 32}}}, r"least_bits: the cells take 16 bits at most"),
        ({"energy_pj_per_mac": {"8": 0.1}}, r"energy_pj_per_mac: multiply-adds of int16 have no energy \(given: 8\)"),
    ],
)
def test_cells_that_cannot_be_are_refused(keys: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        wired("hbm3_npu", {"matrix": keys})
