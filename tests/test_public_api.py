"""The names that other programs may rely on."""

import simulator

PUBLIC = {
    "CapacityError",
    "ConfigError",
    "ConservationError",
    "MappingError",
    "Result",
    "SimulationStalled",
    "SimulatorError",
    "TimingViolation",
    "TraceError",
    "WorkloadError",
    "load_arch",
    "load_workload",
    "simulate",
    "sweep",
}


def test_the_public_names_are_pinned() -> None:
    assert set(simulator.__all__) == PUBLIC


def test_every_public_name_exists_and_says_what_it_is() -> None:
    for name in PUBLIC:
        assert getattr(simulator, name).__doc__, name
