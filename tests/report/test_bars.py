"""Stacked bars share out their width exactly, with and without colour."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from simulator.report.bars import Gauge, StackedBar, largest, widths


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=12).filter(lambda values: sum(values) > 1e-6), st.integers(1, 200)
)
def test_cells_sum_to_the_width_and_are_within_one_of_the_share(values: list[float], width: int) -> None:
    cells = widths(values, width)
    assert sum(cells) == width
    assert all(abs(n - value / sum(values) * width) < 1 + 1e-6 for n, value in zip(cells, values, strict=True))


def test_nothing_to_share_out_is_an_empty_bar() -> None:
    assert widths([0.0, 0.0], 40) == [0, 0]


def test_the_largest_parts_come_first_and_ties_by_name() -> None:
    assert largest({"b": 2, "a": 2, "c": 5, "none": 0}, 2) == ["c", "a"]


def drawn(bar: StackedBar | Gauge, encoding: str, width: int = 8) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=stream, width=width, color_system=None).print(bar)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(("encoding", "line"), [("utf-8", "████▓▓▒▒\n"), ("ascii", "####==++\n")])
def test_without_colour_the_parts_differ_by_their_shade(encoding: str, line: str) -> None:
    assert drawn(StackedBar((2, 1, 1)), encoding) == line


@pytest.mark.parametrize(("fraction", "line"), [(0, "········\n"), (0.5, "████····\n"), (1.5, "████████\n")])
def test_a_gauge_fills_its_share_and_never_more(fraction: float, line: str) -> None:
    assert drawn(Gauge(fraction), "utf-8") == line
