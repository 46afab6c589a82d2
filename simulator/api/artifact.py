"""The figures of a published evaluation that a platform reproduces."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.api.arch import Arch, build_for
from simulator.api.facts import identities
from simulator.hooks import Hooks

if TYPE_CHECKING:
    from simulator.metrics.result import Result
    from simulator.workload.scenario import Workload


def of_artifact(
    arch: Arch, workload: Workload, progress: Callable[[int, int], None] | None, started_s: float
) -> Result:
    """The figures of the artifact that ``compat`` reproduces, in a `Result`."""
    from simulator.metrics import provenance
    from simulator.metrics.result import Capacity, Provenance, Result
    from simulator.system.artifacts import capacity_of, evaluation_of
    from simulator.system.methods import with_methods

    with_methods(arch.spec, workload)
    needed, available = capacity_of(build_for(arch, Hooks([]), exact=False, engine="compiled"), workload)
    figures = evaluation_of(arch.spec)(arch.spec, workload, progress)
    identity = identities(arch, workload)
    return Result(
        **identity,
        **figures.headline,
        time_ps=figures.time_ps,
        time_by_op_kind_s=figures.time_by_op_kind_s,
        cycles={},
        energy_j=figures.energy,
        energy_by_op_kind_j=figures.energy_by_op_kind_j,
        data_movement_bytes={},
        commands=figures.commands,
        utilization={},
        bound_by={},
        capacity=Capacity(needed_bytes=needed, available_bytes=available),
        assumptions=(*figures.assumptions, *arch.guesses()),
        calibrations=(),
        provenance=Provenance(
            version=provenance.version(),
            commit=provenance.commit(),
            config_hashes=dict(sorted((arch.files | dict(workload.files)).items())),
            seed=workload.seed,
            python=provenance.python_version(),
            wall_s=time.perf_counter() - started_s,
            events=0,
            commands_simulated=sum(figures.commands.values()),
        ),
    )
