"""Figures as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.numbers import NONE, digits, n_bytes, percent, plain, si


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0123, "12.3 ms"),
        (1.0, "1.00 s"),
        (999.4e-6, "999 us"),
        (0, "0 s"),
        (None, NONE),
        (2.5e-13, "0.250 ps"),
        (999.9, "1000 s"),
    ],
)
def test_si_gives_three_digits_and_a_prefix(value: float | None, shown: str) -> None:
    assert si(value, "s") == shown


@pytest.mark.parametrize(("value", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.50 KiB"), (2**34, "16.0 GiB")])
def test_bytes_have_binary_prefixes(value: int, shown: str) -> None:
    assert n_bytes(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0, "0.0 %"), (0.0004, "<0.1 %"), (0.0005, "0.1 %"), (1, "100.0 %")])
def test_a_share_that_would_round_to_nothing_is_still_shown(value: float, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, NONE), (7.128, "7.13"), (203.4, "203"), (12345.6, "12,346")])
def test_plain_keeps_the_whole_part(value: float | None, shown: str) -> None:
    assert plain(value) == shown


@given(st.floats(1e-9, 1e9))
def test_digits_are_within_half_a_unit_of_the_third(value: float) -> None:
    assert math.isclose(float(digits(value)), value, rel_tol=0.0051)
