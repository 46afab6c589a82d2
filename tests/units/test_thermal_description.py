"""What a thermal description may say: every part's heat has one place, every name is there."""

from typing import Any

import pytest
from parts import frozen
from stacks import part, stack

from simulator.errors import ConfigError
from simulator.units.thermal import Thermal

HEAT = part("stack_thermal_tsv")["heat"]


def test_nodes_are_the_sink_and_then_the_dies_below_it() -> None:
    thermal = stack().components["thermal"]
    assert isinstance(thermal, Thermal)
    assert thermal.nodes == ("sink", *(f"dram_{i}" for i in range(8)), "logic")


def refusal(**changes: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        stack({"thermal": frozen(changes)})
    return caught.value


def test_heat_without_a_place_is_told() -> None:
    error = refusal(outside=["host"])
    assert error.key == "components.thermal.heat"
    assert "nothing says where the heat of 'pcie' goes" in error.message


def test_heat_with_two_places_is_told() -> None:
    again = refusal(heat=[*HEAT, {"component": "memory", "classes": ["static"], "dies": "logic"}])
    assert (again.key, again.message) == (
        f"components.thermal.heat.{len(HEAT)}",
        "the heat of 'memory' already has a place",
    )
    assert "already has a place" in refusal(outside=["host", "pcie", "tsv"]).message


def test_heat_may_be_split_by_energy_class() -> None:
    split = [
        {"component": "memory", "classes": [c], "dies": d} for c, d in (("static", "logic"), ("dram_array", "dram"))
    ]
    assert stack({"thermal": frozen({"heat": [*HEAT[1:], *split]})})


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        (
            {"heat": [*HEAT, {"component": "pcie", "dies": "base"}]},
            "heat.6.dies",
            "there are no dies 'base' (known: dram, logic)",
        ),
        ({"outside": ["host", "pcie", "gpu"]}, "outside.2", "there is no component 'gpu'"),
        (
            {"refresh": part("stack_thermal_tsv")["refresh"] | {"memory": "sram"}},
            "refresh.memory",
            "'sram' is no memory",
        ),
    ],
)
def test_a_name_that_is_not_there_is_told(changes: dict[str, Any], key: str, said: str) -> None:
    error = refusal(**changes)
    assert error.key == f"components.thermal.{key}"
    assert error.message.startswith(said)


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"components": ["sram"]}, "throttle.components.0", "'sram' has no pace and no clock to slow down"),
        ({"steps": [0.5, 0.75]}, "throttle.steps", "the speeds have to fall"),
        ({"steps": []}, "throttle", "the policy 'steps' needs steps and components"),
    ],
)
def test_throttling_that_cannot_be_done_is_told(changes: dict[str, Any], key: str, said: str) -> None:
    throttle = part("stack_thermal_tsv")["throttle"] | changes
    error = refusal(throttle=throttle)
    assert (error.key, error.message) == (f"components.thermal.{key}", said)
