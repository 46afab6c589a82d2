"""How far interpolated steps are from simulated ones: some that occurred are simulated as they are."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.metrics.traffic import Accuracy
from simulator.system.serving.composition import Composition
from simulator.system.serving.costs import StepCosts
from simulator.system.serving.step_cost import Amounts


def accuracy_of(costs: StepCosts, steps: Iterable[Composition], simulations: int) -> Accuracy:
    """The errors of ``costs`` on ``steps``, which do not count."""
    times, energies = [], []
    for step in steps:
        time_ps, amounts = costs.estimate(step)
        point = costs.exact_point(step)
        times.append(abs(time_ps / point.time_ps - 1))
        joules = dynamic_j(point.cost.amounts)
        energies.append(abs(dynamic_j(amounts) / joules - 1) if joules else 0.0)
    return Accuracy(
        simulations=simulations,
        steps_checked=len(times),
        max_time_error_pct=100 * max(times, default=0.0),
        mean_time_error_pct=100 * sum(times) / max(1, len(times)),
        max_energy_error_pct=100 * max(energies, default=0.0),
    )


def dynamic_j(amounts: Amounts) -> float:
    """Joules of the actions among ``amounts``."""
    return sum(joules for key, joules in amounts.items() if key[0] == "energy")
