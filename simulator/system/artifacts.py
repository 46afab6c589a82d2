"""Published evaluations by name of their artifact: what runs in place of a platform that asks for one."""

from __future__ import annotations

from collections.abc import Callable

from simulator.config.compat_schema import AttaccArtifact
from simulator.config.platform_schema import Platform
from simulator.system import attacc_artifact, cent_artifact
from simulator.system.artifact_figures import Figures
from simulator.system.builder import System
from simulator.system.capacity import check_capacity, needed_and_available
from simulator.workload.scenario import Workload

Evaluation = Callable[[Platform, Workload, Callable[[int, int], None] | None], Figures]


def evaluation_of(platform: Platform) -> Evaluation:
    """What evaluates a workload on ``platform`` as its artifact would."""
    if isinstance(platform.compat, AttaccArtifact):
        return attacc_artifact.evaluate
    return cent_artifact.evaluate


def capacity_of(system: System, workload: Workload) -> tuple[int, int]:
    """Bytes needed and bytes there are. Raises CapacityError where the artifact minds; AttAcc's does not."""
    if isinstance(system.platform.compat, AttaccArtifact):
        return needed_and_available(system, workload)
    layout = check_capacity(system, workload)
    return layout.needed_bytes, layout.available_bytes
