"""One simulated run from command-line arguments; shared by `run` and `compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.cli.arguments import split_overrides
from simulator.cli.progress import progress

if TYPE_CHECKING:
    from simulator.dram.engines import EngineName
    from simulator.hooks import Instrument
    from simulator.metrics.command_window import CommandWindow
    from simulator.metrics.result import Result
    from simulator.metrics.thermal import TemperatureTrace


def simulate_named(  # noqa: PLR0913 - the command line's own arguments
    arch_ref: str,
    workload_ref: str,
    overrides: Sequence[str],
    *,
    batch: int | None = None,
    exact: bool = False,
    engine: EngineName = "compiled",
    hooks: Sequence[Instrument] = (),
    window: CommandWindow | None = None,
) -> Result:
    """The result of ``workload_ref`` on ``arch_ref``, with progress on stderr.

    ``window`` sees the DRAM commands of a run; of a stream of requests, whose steps are put together, none.
    """
    from simulator import api

    for_arch, for_workload = split_overrides(list(overrides))
    if batch is not None:
        for_workload.append(f"batch={batch}")
    arch = api.load_arch(arch_ref, for_arch)
    workload = api.load_workload(workload_ref, for_workload)
    if window is not None and workload.traffic is None:
        hooks = [*hooks, window]
    unit = "tokens" if workload.traffic is None else "requests"
    with progress(f"{arch_ref}, {workload_ref}", unit) as report:
        return api.simulate(arch, workload, exact=exact, engine=engine, hooks=hooks, progress=report)


def temperature_trace(arch_ref: str, overrides: Sequence[str]) -> TemperatureTrace:
    """An observer of the temperatures of ``arch_ref``, which has to have a thermal part."""
    from simulator import api
    from simulator.system.operating_point import temperature_trace as trace

    return trace(api.load_arch(arch_ref, split_overrides(list(overrides))[0]).spec)
