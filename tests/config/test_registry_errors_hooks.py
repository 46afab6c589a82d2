"""Registries, the exception tree, hooks, and lists of guesses."""

import pickle

import pytest

from simulator import errors
from simulator.config.guesses import guesses
from simulator.config.loader import load_document
from simulator.config.registry import Registry
from simulator.hooks import Hooks, Instrument


def test_a_registry_gives_what_was_filed() -> None:
    units: Registry[type] = Registry("unit")
    filed = units.register("vector")(int)
    assert filed is units.get("vector") is int
    assert (units.names(), "vector" in units, "matrix" in units) == (("vector",), True, False)


def test_a_registry_takes_a_name_once() -> None:
    units: Registry[int] = Registry("unit")
    units.register("a")(1)
    with pytest.raises(ValueError, match="unit 'a' is registered twice"):
        units.register("a")(2)


def test_an_unknown_name_names_the_nearest() -> None:
    units: Registry[int] = Registry("unit")
    units.register("vector")(1)
    with pytest.raises(errors.ConfigError, match=r"there is no unit 'vectro' \(known: vector\); nearest: 'vector'"):
        units.get("vectro")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("m"), 2),
        (errors.ConfigErrors([errors.ConfigError("m")]), 2),
        (errors.WorkloadError("m"), 2),
        (errors.MappingError("m"), 2),
        (errors.CapacityError("m"), 2),
        (errors.TraceError("m"), 2),
        (errors.TimingViolation("m"), 3),
        (errors.SimulationStalled("m"), 3),
        (errors.ConservationError("m"), 3),
    ],
)
def test_each_error_has_its_exit_code_and_its_text(error: errors.SimulatorError, code: int) -> None:
    assert (error.exit_code, str(error)) == (code, "m")
    assert isinstance(error, errors.SimulatorError)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"file": "f.yaml", "line": 12, "column": 5, "key": "a.b"}, "f.yaml:12:5: a.b: m"),
        ({"file": "f.yaml", "line": 12}, "f.yaml:12: m"),
        ({"file": "f.yaml"}, "f.yaml: m"),
        ({"key": "a.b"}, "a.b: m"),
    ],
)
def test_an_error_in_a_file_is_one_line_as_far_as_its_place_is_known(place: dict[str, object], text: str) -> None:
    assert str(errors.ConfigError("m", **place)) == text


def test_errors_survive_the_way_back_from_a_worker() -> None:
    one = errors.ConfigError("m", file="f.yaml", line=1, column=2, key="k")
    both = errors.ConfigErrors([one, errors.ConfigError("n")])
    assert [str(pickle.loads(pickle.dumps(error))) for error in (one, both)] == [str(one), str(both)]


class Listener(Instrument):
    """Writes down what it hears."""

    def __init__(self, heard: list[tuple[object, ...]], name: str = "") -> None:
        self.heard = heard
        self.name = name

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        self.heard.append((self.name, component, start_ps, end_ps, what))


def test_instruments_hear_what_they_override_in_order() -> None:
    heard: list[tuple[object, ...]] = []
    hooks = Hooks([Listener(heard, "first"), Instrument(), Listener(heard, "second")])
    hooks.busy("memory", 1, 2, "reading")
    hooks.token_done(3, 0)
    assert heard == [("first", "memory", 1, 2, "reading"), ("second", "memory", 1, 2, "reading")]


def test_every_callback_of_an_instrument_has_its_hook() -> None:
    callbacks = {name for name, value in vars(Instrument).items() if callable(value) and not name.startswith("_")}
    assert callbacks == set(vars(Hooks()))


def test_a_failing_instrument_fails_the_run() -> None:
    class Failing(Instrument):
        def token_done(self, time_ps: int, index: int) -> None:
            raise errors.ConservationError("no")

    with pytest.raises(errors.ConservationError, match="no"):
        Hooks([Failing(), Instrument()]).token_done(1, 0)


def test_guesses_are_the_blocks_that_say_assumed() -> None:
    data = {
        "source": "a paper",
        "a": {"source": "assumed", "x": 1},
        "list": [{"source": "measured"}, {"source": "assumed: half of the other"}],
    }
    assert guesses(data) == ["a", "list[1]"]


def test_guesses_of_a_shipped_standard_are_found() -> None:
    assert "energy.commands.REFab" in guesses(load_document("gddr7_28g_16gb").data)
