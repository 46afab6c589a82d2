"""The names that other programs may rely on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import simulator
from simulator.api import run_op

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


ARCH = simulator.load_arch("aim_1card")
WORKLOAD = simulator.load_workload("llama2_7b_512_64", ["prompt_tokens=4", "output_tokens=2"])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: simulator.simulate("aim_1card", WORKLOAD), TypeError, "takes what load_arch gives, not 'aim_1card'"),
        (lambda: simulator.simulate(WORKLOAD, ARCH), TypeError, "takes what load_arch gives, not Workload"),
        (lambda: simulator.simulate(ARCH, "chat"), TypeError, "takes what load_workload gives, not 'chat'"),
        (lambda: simulator.simulate(ARCH, WORKLOAD, engine="compild"), simulator.ConfigError, "nearest: 'compiled'"),
        (lambda: simulator.load_arch("aim_1card", "memory.channels=8"), simulator.ConfigError, "a list of texts"),
        (
            lambda: simulator.load_arch("aim_1card", {"batch": 8}),
            simulator.ConfigError,
            "a list of texts key.path=value",
        ),
        (lambda: run_op(ARCH, "gemm", (0, 8)), simulator.MappingError, "gemm 0 x 8, batch 1: each is a whole number"),
        (lambda: run_op(ARCH, "gemm", (8, 8), batch=-1), simulator.MappingError, "at least 1"),
        (lambda: replace(WORKLOAD, model=replace(WORKLOAD.model, n_layers=0)), simulator.WorkloadError, "0 layers"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(call: Callable[[], object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()
