"""Search: points chosen by the results so far, with Optuna (NSGA-II or TPE).

Points are chosen a population at a time and their results told in the order in which they were chosen, however many
workers there are and whichever was first. So a search that is run again, or resumed, takes the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from simulator.errors import ConfigError
from simulator.explore.outcome import Outcome
from simulator.explore.pareto import Costs, costs_of
from simulator.explore.plan import Plan
from simulator.explore.points import Point
from simulator.explore.space import Axis, Choice

if TYPE_CHECKING:
    import optuna

ASKS_PER_SAMPLE = 20
"""Proposals for each point wanted, after which a search gives up: a small space has no more points."""

UNUSABLE = 1e12
"""Violation of a point without figures."""

Evaluate = Callable[[Sequence[Point]], Mapping[str, Outcome]]
"""Outcomes by id, those of the points among them."""


def search(plan: Plan, evaluate: Evaluate) -> None:
    """Search until ``samples`` different points were given to ``evaluate``, each once.

    Raises ConfigError when Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise ConfigError(f"the sampler '{plan.spec.sampler}' needs Optuna: pip install 'nearbank[dse]'")
    _Search(plan, evaluate).run()


class _Search:
    def __init__(self, plan: Plan, evaluate: Evaluate) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._plan = plan
        self._evaluate = evaluate
        self._study = optuna.create_study(directions=["minimize"] * len(plan.objectives), sampler=_sampler(plan))
        self._found: dict[str, Point] = {}
        self._by_labels: dict[tuple[Any, ...], Point] = {}
        self._worst = [1.0] * len(plan.objectives)

    def run(self) -> None:
        """Population after population."""
        spec = self._plan.spec
        assert spec.samples is not None
        for _ in range(ASKS_PER_SAMPLE * spec.samples // spec.population + 1):
            trials = [self._study.ask() for _ in range(spec.population)]
            points = [self._point(trial) for trial in trials]
            fresh = {point.id: point for point in points if point.id not in self._found}
            taken = list(fresh.values())[: spec.samples - len(self._found)]
            self._found |= {point.id: point for point in taken}
            outcomes = self._evaluate(taken)
            for trial, point in zip(trials, points, strict=True):
                if point.id in self._found:
                    self._tell(trial, point, outcomes[point.id])
            if len(self._found) == spec.samples:
                return

    def _point(self, trial: optuna.Trial) -> Point:
        proposal = self._plan.space.propose(lambda axis: _suggested(trial, axis))
        key = tuple(proposal.labels.items())
        if key not in self._by_labels:
            self._by_labels[key] = self._plan.resolver.point(proposal)
        return self._by_labels[key]

    def _tell(self, trial: optuna.Trial, point: Point, outcome: Outcome) -> None:
        """A point without figures counts as bad as the worst so far, and as breaking every constraint."""
        row = {**point.labels, **outcome.figures}
        costs = costs_of(row, self._plan.objectives) if outcome.status == "done" else None
        for name, excess in self._violations(row, costs).items():
            trial.set_constraint(name, excess)
        if costs is not None:
            self._worst = [max(pair) for pair in zip(self._worst, costs, strict=True)]
        self._study.tell(trial, self._worst if costs is None else costs)

    def _violations(self, row: Mapping[str, Any], costs: Costs | None) -> dict[str, float]:
        """Constraint -> by how much the point breaks it; above 0 is a break."""
        names = [condition.text for condition in self._plan.constraints]
        if costs is None:
            return dict.fromkeys([*names, "has figures"], UNUSABLE)
        return {name: condition.excess(row) for name, condition in zip(names, self._plan.constraints, strict=True)} | {
            "has figures": 0.0
        }


def _suggested(trial: optuna.Trial, axis: Axis) -> Choice:
    span = axis.range
    if span is None and axis.is_ordered:
        return axis.choices[int(trial.suggest_int(axis.name, 0, len(axis.choices) - 1))]
    if span is None:
        return axis.choices[int(trial.suggest_categorical(axis.name, list(range(len(axis.choices)))))]
    if isinstance(span.low, int) and isinstance(span.high, int):
        return axis.of(int(trial.suggest_int(axis.name, span.low, span.high, log=span.log)))
    return axis.of(float(trial.suggest_float(axis.name, float(span.low), float(span.high), log=span.log)))


def _sampler(plan: Plan) -> optuna.samplers.BaseSampler:
    import optuna

    spec = plan.spec
    if spec.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(population_size=spec.population, seed=spec.seed)
    return optuna.samplers.TPESampler(seed=spec.seed, n_startup_trials=spec.population, constant_liar=True)
