"""Quantities with units."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from simulator import quantities as q


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (q.parse_time_ps, "3.9us", 3_900_000),
        (q.parse_time_ps, "500 ps", 500),
        (q.parse_time_ps, "0.625ns", 625),
        (q.parse_time_ps, "1e-3s", 10**9),
        (q.parse_bytes, "16GiB", 16 * 2**30),
        (q.parse_bytes, "16GB", 16 * 10**9),
        (q.parse_bytes, "2 KiB", 2048),
        (q.parse_frequency_hz, "1.6GHz", 1_600_000_000),
        (q.parse_bandwidth_bytes_s, "51.2GB/s", 51_200_000_000),
        (q.parse_bandwidth_bytes_s, "1GiB/s", 2**30),
        (q.parse_energy_pj, "5.5pJ", 5.5),
        (q.parse_energy_pj, "1.2fJ", 0.0012),
        (q.parse_energy_pj, "2nJ", 2000.0),
        (q.parse_power_w, "250mW", 0.25),
    ],
)
def test_text_with_a_unit_is_exact(parse: Callable[[object], float], text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("parse", [q.parse_time_ps, q.parse_bytes, q.parse_frequency_hz, q.parse_bandwidth_bytes_s])
@pytest.mark.parametrize(
    "bad", ["", "ns", "3.9", "3.9 parsec", "1..2ns", "nan ns", "0.3ps", None, True, [1], 1.5, float("inf")]
)
def test_what_is_no_quantity_is_refused(parse: Callable[[object], int], bad: object) -> None:
    with pytest.raises(ValueError):
        parse(bad)


def test_a_wrong_unit_is_named_with_those_allowed() -> None:
    with pytest.raises(
        ValueError, match=r"^'m' is not a unit of a time \(allowed: a number, or one with a unit: ps, ns"
    ):
        q.parse_time_ps("3m")


@given(st.integers(0, 10**15), st.sampled_from(sorted(q.TIME_PS)))
def test_whole_times_in_any_unit_are_read_exactly(number: int, unit: str) -> None:
    assert q.parse_time_ps(f"{number}{unit}") == number * q.TIME_PS[unit]


@given(st.decimals(0, 10**6, places=6), st.sampled_from(sorted(q.ENERGY_PJ)))
def test_energies_are_the_nearest_float_to_the_exact_value(number: object, unit: str) -> None:
    assert q.parse_energy_pj(f"{number:f}{unit}") == float(Fraction(str(number)) * q.ENERGY_PJ[unit])


@given(st.integers(0, 10**18))
def test_plain_numbers_are_in_the_unit_of_the_key(number: int) -> None:
    assert q.parse_time_ps(number) == q.parse_bytes(number) == number


@given(st.integers(0, 10**12), st.integers(1, 10**5))
def test_clocks_are_the_fewest_that_last_long_enough(time_ps: int, tCK_ps: int) -> None:
    clocks = q.ps_to_clocks(time_ps, tCK_ps)
    assert clocks * tCK_ps >= time_ps
    assert clocks == 0 or (clocks - 1) * tCK_ps < time_ps


@pytest.mark.parametrize(("time_ps", "tCK_ps"), [(-1, 500), (1, 0), (1, -5)])
def test_clocks_of_impossible_times_are_refused(time_ps: int, tCK_ps: int) -> None:
    with pytest.raises(ValueError, match="cannot be counted"):
        q.ps_to_clocks(time_ps, tCK_ps)


@pytest.mark.parametrize(
    ("annotation", "good", "value", "bad"),
    [
        (q.Picoseconds, "1ns", 1000, "-1ns"),
        (q.Bytes, "1KiB", 1024, -1),
        (q.Hertz, "1MHz", 10**6, 0),
        (q.BytesPerSecond, "1GB/s", 10**9, 0),
        (q.Picojoules, "1nJ", 1000.0, -0.1),
        (q.Watts, "5mW", 0.005, "-1W"),
    ],
)
def test_schema_types_read_units_and_keep_their_range(annotation: object, good: str, value: float, bad: object) -> None:
    adapter: TypeAdapter[float] = TypeAdapter(annotation)
    assert adapter.validate_python(good, strict=True) == value
    with pytest.raises(ValueError, match="greater than or equal"):
        adapter.validate_python(bad, strict=True)
