"""Scalars of YAML 1.2, and places."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.tree import Origin
from simulator.config.yaml_reader import parse_scalar_or_flow, parse_yaml
from simulator.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-12", 1e-12),
        ("1.5e3", 1500.0),
        ("1E6", 1e6),
        (".5", 0.5),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-11-24", "2026-11-24"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        (".inf", math.inf),
        ("-.inf", -math.inf),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = parse_yaml(f"key: {text}", "x.yaml").plain()["key"]
    assert (found, type(found)) == (value, type(value))


def test_nan_is_read() -> None:
    assert math.isnan(parse_yaml("key: .nan", "x.yaml").plain()["key"])


def test_the_place_of_a_value_is_that_of_its_key_and_of_an_item_its_own() -> None:
    root = parse_yaml("a:\n  b: {c: 1,\n      d: [2, 3]}\n", "x.yaml")
    places = {path: list(root.walk(path))[-1].origin for path in (("a",), ("a", "b", "c"), ("a", "b", "d", 1))}
    assert places == {
        ("a",): Origin("x.yaml", 1, 1),
        ("a", "b", "c"): Origin("x.yaml", 2, 7),
        ("a", "b", "d", 1): Origin("x.yaml", 3, 14),
    }


def test_aliases_repeat_what_they_name() -> None:
    assert parse_yaml("a: &x {b: 1}\nc: *x\n", "x.yaml").plain() == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parse_yaml("\ufeffa: 1", "x.yaml").plain() == {"a": 1}


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="ascii")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), plain_data, min_size=1))
def test_what_pyyaml_writes_is_read_back(data: dict[str, object]) -> None:
    assert parse_yaml(yaml.safe_dump(data), "x.yaml").plain() == data


@given(st.text())
def test_any_text_is_read_or_refused_with_a_config_error(text: str) -> None:
    try:
        place = parse_yaml(text, "x.yaml").origin.file
    except ConfigError as error:
        place = str(error).partition(":")[0]
    assert place == "x.yaml"


def test_a_value_outside_a_file_keeps_the_place_it_is_given() -> None:
    origin = Origin("--set a={b: 1}")
    node = parse_scalar_or_flow("{b: 1}", origin)
    assert node.plain() == {"b": 1}
    assert node.children["b"].origin == origin
