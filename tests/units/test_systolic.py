"""Systolic arrays: the closed forms against arrays of registers, cycles and numbers alike."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systolic_toy import ClashError, HoldingArray, SummingArray

from simulator.units.systolic import Array, Dataflow, Shape
from simulator.workload.encoding import Encoding

DATAFLOWS: tuple[Dataflow, ...] = ("weight_stationary", "input_stationary", "output_stationary")
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def padded(matrix: Numbers, rows: int, cols: int) -> Numbers:
    return np.pad(matrix, [(0, -matrix.shape[0] % rows), (0, -matrix.shape[1] % cols)])


def on_registers(array: Array, moving: Numbers, stored: Numbers, packing: int, interval: int) -> tuple[int, Numbers]:
    """(cycles, product) of an ``m`` x ``k`` with a ``k`` x ``n`` matrix, tile by tile on one array of registers."""
    m, n = len(moving), stored.shape[1]
    if array.dataflow == "output_stationary":
        return _summed(array, moving, stored, packing, interval)
    held, passing = (stored, moving) if array.dataflow == "weight_stationary" else (moving.T, stored.T)
    depth = array.rows * packing
    held, passing = padded(held, depth, array.cols), padded(passing, 1, depth)
    tiles, beats = [], []
    places = list(product(range(0, held.shape[0], depth), range(0, held.shape[1], array.cols)))
    for top, side in places:
        tile = held[top : top + depth, side : side + array.cols]
        tiles.append(tile.reshape(array.rows, packing, array.cols).transpose(0, 2, 1))
        beats.append(passing[:, top : top + depth].reshape(len(passing), array.rows, packing))
    registers = HoldingArray(tiles, beats, interval, double_buffered=array.double_buffered)
    cycles = registers.run()
    total = np.zeros((len(passing), held.shape[1]), dtype=np.int64)
    for (_, side), part in zip(places, registers.sums, strict=True):
        total[:, side : side + array.cols] += part
    return cycles, total[:, :n] if array.dataflow == "weight_stationary" else total[:, :m].T


def _summed(array: Array, moving: Numbers, stored: Numbers, packing: int, interval: int) -> tuple[int, Numbers]:
    left, top = padded(moving, array.rows, packing), padded(stored.T, array.cols, packing)
    places = list(product(range(0, len(left), array.rows), range(0, len(top), array.cols)))
    rows = [left[a : a + array.rows].reshape(array.rows, -1, packing) for a, _ in places]
    cols = [top[b : b + array.cols].reshape(array.cols, -1, packing) for _, b in places]
    registers = SummingArray(rows, cols, interval, double_buffered=array.double_buffered)
    cycles = registers.run()
    total = np.zeros((len(left), len(top)), dtype=np.int64)
    for (a, b), part in zip(places, registers.sums, strict=True):
        total[a : a + array.rows, b : b + array.cols] = part
    return cycles, total[: len(moving), : stored.shape[1]]


def operands(m: int, n: int, k: int) -> tuple[Numbers, Numbers]:
    draw = np.random.default_rng(m * 10007 + n * 101 + k)
    return draw.integers(-9, 9, (m, k)), draw.integers(-9, 9, (k, n))


@settings(max_examples=40)
@given(
    dataflow=st.sampled_from(DATAFLOWS),
    double_buffered=st.booleans(),
    cells=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12)),
    packing=st.sampled_from([1, 2]),
)
def test_a_product_takes_the_cycles_and_has_the_value_of_the_registers(
    dataflow: Dataflow, double_buffered: bool, cells: tuple[int, int], shape: tuple[int, int, int], packing: int
) -> None:
    array = Array(1, *cells, dataflow, double_buffered)
    passes = array.passes(Shape(1, *shape), packing)
    moving, stored = operands(*shape)
    cycles, found = on_registers(array, moving, stored, packing, passes.interval)
    assert np.array_equal(found, moving @ stored)
    assert cycles == passes.cycles


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize("double_buffered", [True, False])
@pytest.mark.parametrize("shape", [(3, 9, 7), (9, 3, 7), (9, 9, 2), (1, 8, 8)])
def test_tiles_follow_each_other_as_soon_as_the_registers_allow(
    dataflow: Dataflow, double_buffered: bool, shape: tuple[int, int, int]
) -> None:
    array = Array(1, 4, 3, dataflow, double_buffered)
    passes = array.passes(Shape(1, *shape))
    moving, stored = operands(*shape)
    if passes.tiles == 1:
        pytest.skip("one tile has none to follow")
    with pytest.raises(ClashError):
        on_registers(array, moving, stored, 1, passes.interval - 1)


def sparse(n: int, m: int, k: int, cols: int) -> tuple[Numbers, list[list[int]]]:
    """A matrix with ``n`` nonzero elements in each ``m`` neighbours of a column, and their rows, column by column."""
    draw = np.random.default_rng(n * 1009 + m * 101 + k)
    weights = np.zeros((k, cols), np.int64)
    for first, col in product(range(0, k, m), range(cols)):
        group = min(m, k - first)
        weights[draw.choice(group, min(n, group), replace=False) + first, col] = draw.integers(1, 9, min(n, group))
    return weights, [np.flatnonzero(weights[:, col]).tolist() for col in range(cols)]


def picking(weights: Numbers, rows: list[list[int]], vectors: Numbers, m: int, length: int) -> tuple[Numbers, Numbers]:
    """(stored, moving) operands of cells that pick: for the j-th kept weight of each column a vector that is it at its
    place in the group, and for each moving vector the ``m`` inputs of that group; padded to ``length`` weights.
    """
    picks = np.zeros((length, weights.shape[1], m), np.int64)
    groups = np.zeros((length, len(vectors), m), np.int64)
    wide = padded(vectors, 1, m)
    for col, places in enumerate(rows):
        for j, place in enumerate(places):
            group = place // m * m
            picks[j, col, place - group] = weights[place, col]
            groups[j] = wide[:, group : group + m]
    return picks, groups


@pytest.mark.parametrize("double_buffered", [True, False])
@pytest.mark.parametrize("packing", [1, 2])
@pytest.mark.parametrize(("n", "m", "k"), [(2, 4, 16), (2, 4, 19), (1, 4, 30), (4, 16, 40), (3, 5, 17)])
@pytest.mark.parametrize("dataflow", ["weight_stationary", "output_stationary"])
def test_cells_that_pick_their_input_from_a_group_meet_only_the_weights_that_are_kept(
    dataflow: Dataflow, n: int, m: int, k: int, packing: int, double_buffered: bool
) -> None:
    rows, cols, tokens = 4, 3, 4
    weights, places = sparse(n, m, k, cols)
    vectors = np.random.default_rng(k).integers(-9, 9, (tokens, k))
    kept = Encoding(Fraction(8), "int", pattern="n_m", n=n, m=m).kept(1, k)
    assert {len(found) for found in places} == {kept}
    passes = Array(1, rows, cols, dataflow, double_buffered).passes(Shape(1, tokens, cols, kept), packing)
    depth = rows * packing if dataflow == "weight_stationary" else packing
    length = -(-kept // depth) * depth
    picks, groups = picking(weights, places, vectors, m, length)
    # Several kept weights of a cell lie, and their groups pass, side by side.
    picks = picks.reshape(-1, packing, cols, m).transpose(0, 2, 1, 3).reshape(-1, cols, packing * m)
    groups = groups.reshape(-1, packing, tokens, m).transpose(2, 0, 1, 3).reshape(tokens, -1, packing * m)
    if dataflow == "weight_stationary":
        firsts = range(0, len(picks), rows)
        held, passing = [picks[i : i + rows] for i in firsts], [groups[:, i : i + rows] for i in firsts]
        holding = HoldingArray(held, passing, passes.interval, double_buffered=double_buffered)
        cycles, found = holding.run(), sum(holding.sums)
    else:
        summing = SummingArray([groups], [picks.transpose(1, 0, 2)], passes.interval, double_buffered=double_buffered)
        cycles, found = summing.run(), summing.sums[0]
    assert cycles == passes.cycles
    assert np.array_equal(found, vectors @ weights)


@given(
    dataflow=st.sampled_from(DATAFLOWS),
    double_buffered=st.booleans(),
    cells=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    reach=st.integers(2, 3),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12)),
)
def test_an_array_that_crosses_several_cells_a_cycle_is_as_quick_as_one_of_blocks_of_cells(
    dataflow: Dataflow, double_buffered: bool, cells: tuple[int, int], reach: int, shape: tuple[int, int, int]
) -> None:
    rows, cols = cells
    wide = Array(1, rows * reach, cols * reach, dataflow, double_buffered, reach)
    narrow = Array(1, rows, cols, dataflow, double_buffered)
    m, n, k = shape
    tiles = wide.passes(Shape(1, m, n, k))
    # A block of cells along both sides is one cell of the narrow array.
    inner = 1 if dataflow == "output_stationary" else reach
    sides = (m * reach, n, k) if dataflow == "input_stationary" else (m, n * reach, k)
    if dataflow == "output_stationary":
        sides = (m * reach, n * reach, k)
    assert wide.passes(Shape(1, *sides[:2], k * inner)) == narrow.passes(Shape(1, m, n, k))
    assert tiles.cycles <= narrow.passes(Shape(1, m, n, k)).cycles


@given(
    dataflow=st.sampled_from(DATAFLOWS),
    arrays=st.integers(1, 8),
    shape=st.tuples(st.integers(1, 900), st.integers(1, 900), st.integers(1, 900)),
    matrices=st.integers(1, 9),
)
def test_no_array_does_more_than_one_multiply_add_a_cell_and_cycle(
    dataflow: Dataflow, arrays: int, shape: tuple[int, int, int], matrices: int
) -> None:
    m, n, k = shape
    passes = Array(arrays, 16, 8, dataflow).passes(Shape(matrices, *shape))
    assert passes.cycles * arrays * 16 * 8 >= matrices * m * n * k
    slower = Array(arrays, 16, 8, dataflow, double_buffered=False).passes(Shape(matrices, *shape))
    assert slower.cycles >= passes.cycles
