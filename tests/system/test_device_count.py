"""Platforms that have as many devices as a workload needs: the fewest that hold it, and no more told than is known."""

from dataclasses import replace
from functools import cache

import pytest

from simulator.api import Arch, load_arch, run_op, simulate
from simulator.api.sizing import sized_for
from simulator.cli.reproduce import again
from simulator.errors import CapacityError, ConfigError, MappingError
from simulator.system.builder import build_system
from simulator.system.capacity import check_capacity
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload

AUTO = ("devices.count=auto", "parallelism.tensor=auto")


@cache
def workload(model: str, batch: int = 1, blocks: int | None = None) -> Workload:
    found = load_model(model)
    found = replace(found, name="few blocks", n_layers=blocks) if blocks else found
    return Workload(name="step", model=found, batch=batch, prompt_tokens=64, output_tokens=2, precision=Precision())


def numbers(arch: Arch) -> tuple[int, int, int]:
    spread = arch.spec.parallelism
    return arch.spec.devices.count, spread.tensor, spread.pipeline


def fits(arch: Arch, job: Workload, *overrides: str) -> bool:
    try:
        check_capacity(build_system(load_arch(arch.name, overrides).spec), job)
    except CapacityError:
        return False
    return True


@pytest.mark.parametrize(("model", "batch"), [("llama2_7b", 1), ("llama2_7b", 64), ("llama2_70b", 1)])
def test_a_row_of_chips_is_as_short_as_the_layout_allows(model: str, batch: int) -> None:
    job = workload(model, batch)
    arch = sized_for(load_arch("groq_lpu_row"), job)
    count, tensor, pipeline = numbers(arch)
    assert pipeline == job.model.n_layers
    assert count == tensor * pipeline
    shorter = (
        f"devices.count={count - pipeline}",
        f"parallelism.tensor={tensor - 1}",
        f"parallelism.pipeline={pipeline}",
    )
    same = (f"devices.count={count}", f"parallelism.tensor={tensor}", f"parallelism.pipeline={pipeline}")
    assert fits(arch, job, *same)
    assert not fits(arch, job, *shorter)
    assert arch.values["devices"]["count"] == count


@pytest.mark.parametrize(("model", "wafers"), [("llama31_8b", 1), ("llama2_70b", 5)])
def test_regions_come_in_whole_wafers(model: str, wafers: int) -> None:
    job = workload(model)
    arch = sized_for(load_arch("wafer_scale"), job)
    assert numbers(arch) == (6 * wafers, 1, 6 * wafers)
    less = 6 * (wafers - 1)
    assert not less or not fits(arch, job, f"devices.count={less}", f"parallelism.pipeline={less}")


def test_numbers_that_a_policy_refuses_are_passed_over() -> None:
    # 70 B parameters in FP16 need 141 GB: three devices of 48 GB have room, but heads do not deal out to three.
    arch = sized_for(load_arch("l40s", AUTO), workload("llama2_70b"))
    assert numbers(arch) == (4, 4, 1)


def test_a_sized_platform_runs_as_one_with_those_numbers_and_says_so() -> None:
    job = workload("llama2_70b", blocks=60)
    result = simulate(load_arch("h100_sxm", AUTO), job)
    given = simulate(load_arch("h100_sxm", ["devices.count=2", "parallelism.tensor=2"]), job)
    assert (result.tokens_per_s, result.energy_j) == (given.tokens_per_s, given.energy_j)
    assert result.arch.values["devices"] == {"count": 2}
    note = "devices: 2, the fewest that hold the workload, as tensor 2 x pipeline 1 x data 1"
    assert note in result.assumptions
    found = again(result)
    assert found is not None
    assert numbers(found.arch) == (2, 2, 1)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (("parallelism.tensor=auto", "parallelism.pipeline=2"), (8, 4, 2)),
        (("parallelism.tensor=4", "parallelism.pipeline=auto"), (8, 4, 2)),
        (("parallelism.tensor=auto", "parallelism.data=2"), (8, 4, 1)),
        # 80 blocks: eight stages of ten, and one device for each.
        (("parallelism.tensor=auto", "parallelism.pipeline=auto"), (8, 1, 8)),
    ],
)
def test_devices_that_are_counted_are_dealt_out_to_what_is_open(
    overrides: tuple[str, ...], expected: tuple[int, int, int]
) -> None:
    arch = load_arch("h100_sxm", ["devices.count=8", *overrides])
    assert numbers(sized_for(arch, workload("llama2_70b", batch=2))) == expected


def test_counted_chips_are_dealt_out_in_rows_with_equal_numbers_of_blocks() -> None:
    arch = load_arch("groq_lpu_row", ["devices.count=576"])
    assert numbers(sized_for(arch, workload("llama2_70b"))) == (576, 36, 16)


@pytest.mark.parametrize("overrides", [("devices.count=auto",), ("devices.count=auto", "parallelism.pipeline=auto")])
def test_what_no_number_of_devices_holds_is_refused_in_one_line(overrides: tuple[str, ...]) -> None:
    with pytest.raises(CapacityError, match="what would fit") as caught:
        sized_for(load_arch("rtx4090", overrides), workload("llama2_70b", blocks=1, batch=500_000))
    assert "\n" not in str(caught.value)


def test_a_collective_needs_devices_that_are_counted() -> None:
    with pytest.raises(
        MappingError, match=r"devices\.count: auto is a number for a workload only; allreduce needs one"
    ):
        run_op(load_arch("groq_lpu_row"), "allreduce", (8, 4096))
    assert run_op(load_arch("groq_lpu_row"), "gemm", (640, 640))["bytes"]


@pytest.mark.parametrize("value", ["autp", "0", "1.5", "true"])
def test_a_number_of_devices_is_a_number_or_auto(value: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a number of devices \(allowed: at least 1, or auto\)"):
        load_arch("h100_sxm", [f"devices.count={value}"])
