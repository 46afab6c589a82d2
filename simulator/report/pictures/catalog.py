"""All pictures of a report, by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.report.evidence import Evidence, Run, SweepTable
from simulator.report.money import Money
from simulator.report.pictures.area import area
from simulator.report.pictures.banks import banks
from simulator.report.pictures.batches import efficiency_slopes, latency, speed_slopes
from simulator.report.pictures.busy import utilization
from simulator.report.pictures.commands import commands
from simulator.report.pictures.cost import cost_parts, cost_plans, cost_speed
from simulator.report.pictures.hops import hops
from simulator.report.pictures.picture import Picture
from simulator.report.pictures.profile import profile
from simulator.report.pictures.queue import queues
from simulator.report.pictures.roofline import roofline
from simulator.report.pictures.shares import energy_by_class, energy_by_component, energy_by_op, time_by_op
from simulator.report.pictures.survey import survey
from simulator.report.pictures.sweep_fronts import front
from simulator.report.pictures.sweep_parallel import parallel
from simulator.report.pictures.sweep_sensitivity import sensitivity
from simulator.report.pictures.topology import topology


def field_pictures(runs: Sequence[Run], max_power_w: float | None) -> list[Picture]:
    """The runs among what others published."""
    return _there([survey(runs, max_power_w)])


def batch_pictures(runs: Sequence[Run]) -> list[Picture]:
    """What the batch size does."""
    return _there([speed_slopes(runs), efficiency_slopes(runs), latency(runs)])


def traffic_pictures(runs: Sequence[Run]) -> list[Picture]:
    """Request streams over time."""
    return [picture for run in runs for picture in queues(run)]


def money_pictures(runs: Sequence[Run], money: Money | None) -> list[Picture]:
    """What tokens cost."""
    return _there([cost_speed(runs, money), cost_parts(runs, money), cost_plans(money)]) if money else []


def time_pictures(runs: Sequence[Run]) -> list[Picture]:
    """Where the time goes."""
    return [time_by_op(runs)] if runs else []


def energy_pictures(runs: Sequence[Run]) -> list[Picture]:
    """Where the joules go."""
    if not runs:
        return []
    return _there([energy_by_class(runs), energy_by_op(runs), energy_by_component(runs), hops(runs)])


def run_pictures(run: Run) -> list[Picture]:
    """One run alone."""
    return [*_there([roofline(run), utilization(run), profile(run), commands(run)]), *banks(run)]


def point_pictures(run: Run) -> list[Picture]:
    """The platform of a run."""
    return _there([topology(run), area(run)])


def sweep_pictures(sweep: SweepTable) -> list[Picture]:
    """A design space."""
    return [*front(sweep), *_there([parallel(sweep), *sensitivity(sweep)])]


def every_picture(evidence: Evidence) -> dict[str, Picture]:
    """Name -> picture, of all there are."""
    runs = evidence.runs
    shared = [
        *field_pictures(runs, evidence.max_power_w),
        *batch_pictures(runs),
        *traffic_pictures(runs),
        *money_pictures(runs, evidence.money),
        *time_pictures(runs),
        *energy_pictures(runs),
    ]
    single = [picture for run in runs for picture in (*run_pictures(run), *point_pictures(run))]
    swept = [picture for sweep in evidence.sweeps for picture in sweep_pictures(sweep)]
    return {picture.name: picture for picture in (*shared, *single, *swept)}


def _there(pictures: Iterable[Picture | None]) -> list[Picture]:
    return [picture for picture in pictures if picture is not None]
