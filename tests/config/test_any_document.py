"""Whatever stands in a document, it is accepted or refused with errors that have a place; nothing else is raised."""

import pytest
from config_samples import DRAM, PLATFORM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.config.base_schema import Spec
from simulator.config.dram_schema import Dram
from simulator.config.loader import Document, build
from simulator.config.platform_schema import Platform
from simulator.config.timing import resolve_dram
from simulator.config.tree import Node, Origin, replace
from simulator.config.tree import Path as KeyPath
from simulator.config.yaml_reader import parse_yaml
from simulator.errors import ConfigError, ConfigErrors

scalars = st.sampled_from(
    [None, True, 0, 1, -1, 3, 2**70, 0.5, float("inf"), float("nan"), "", "ACT", "bank", "nRCD", "16GiB", "kind", "x y"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["kind", "ACT", "level", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def paths_of(node: Node, path: tuple[str | int, ...] = ()) -> list[KeyPath]:
    below = list(node.children.items()) or list(enumerate(node.items))
    return [path, *(found for step, child in below for found in paths_of(child, (*path, step)))]


def node_of(value: object) -> Node:
    origin = Origin("bad.yaml", 1, 1)
    if isinstance(value, dict):
        return Node({key: node_of(item) for key, item in value.items()}, origin)
    if isinstance(value, list):
        return Node([node_of(item) for item in value], origin)
    assert value is None or isinstance(value, str | int | float)
    return Node(value, origin)


def accepted(root: Node, model: type[Spec]) -> Spec | None:
    try:
        return build(Document("bad", root, {}), model)
    except ConfigError as error:
        for one in error.errors if isinstance(error, ConfigErrors) else (error,):
            assert one.file == "bad.yaml"
            assert one.line is not None
            assert one.message
            assert "\n" not in str(one)
    return None


ROOTS = {Platform: parse_yaml(PLATFORM, "bad.yaml"), Dram: parse_yaml(DRAM, "bad.yaml")}


@pytest.mark.parametrize("model", ROOTS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.differing_executors])
@given(data=st.data())
def test_any_value_anywhere_is_accepted_or_refused_with_a_place(model: type[Spec], data: st.DataObject) -> None:
    root = ROOTS[model]
    for path in data.draw(
        st.lists(st.sampled_from(paths_of(root)[1:]), min_size=1, max_size=2, unique_by=lambda p: p[0])
    ):
        root = replace(root, path, node_of(data.draw(values)))
    spec = accepted(root, model)
    if isinstance(spec, Dram):
        assert resolve_dram(spec).commands.keys() == spec.commands.keys()
