"""The combinations of a comparison, and the overrides that tell two platforms apart."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cli.jobs import Method, jobs, method
from simulator.cli.reproduce import differences
from simulator.errors import ConfigError

names = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    st.integers() | st.booleans() | st.text("xyz", max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(names, trees, max_size=4)


def changed(document: Any, path: list[str], value: Any) -> Any:
    head, *rest = path
    return document | {head: changed(document.get(head, {}), rest, value) if rest else value}


@given(documents, documents)
def test_the_differences_make_one_document_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = before
    for override in differences(before, after):
        path, _, value = override.partition("=")
        found = changed(found, path.split("."), json.loads(value))
    assert without_nulls(found) == without_nulls(after)
    assert list(differences(after, after)) == []


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}


def test_a_method_keeps_commas_within_a_value() -> None:
    found = method("mix:a.b=[1, 2],c.d={e: 1, f: 2}, g=3")
    assert found == Method("mix", ("a.b=[1, 2]", "c.d={e: 1, f: 2}", "g=3"))
    assert method("plain") == Method("plain", ())


@pytest.mark.parametrize("text", ["", ":a=1", "a b:c=1", "w4:precision"])
def test_a_method_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        method(text)


def test_jobs_are_all_combinations_by_batch_each_with_its_name_and_command() -> None:
    methods = (Method("fp16", ()), Method("w8", ("precision.weights=int8",)))
    found = jobs(["a", "dir/b.yaml"], ["short", "long"], methods, [1, 8], ["seed=3"])
    assert len(found) == 16
    assert len({job.name for job in found}) == 16
    last = found[-1]
    assert (last.name, last.design) == ("b_long_w8_batch8", "b_long_w8")
    assert last.command(exact=True) == (
        "nearbank run dir/b.yaml long --set seed=3 --set precision.weights=int8 --batch 8 --exact"
    )
    (alone,) = jobs(["a"], ["short"], (), (), ())
    assert (alone.name, alone.batch) == ("a", None)


def test_two_runs_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="'a' is to be compared 2 times"):
        jobs(["a", "x/a.yaml"], ["w"], (), (), ())
