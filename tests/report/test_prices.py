"""Prices of runs: which machine prices a run, what wins, and what makes up the sum."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.config.cost_schema import Costs, Machine, Measured, Part
from simulator.errors import ConfigError
from simulator.metrics.result import Result
from simulator.report.evidence import Run
from simulator.report.money import Terms, price
from simulator.report.pictures.cost import ELECTRICITY, parts_of
from simulator.report.winners import of_run, winners

Sample = Callable[..., Result]


def machine(usd: float, arch: str | None = None, **parts: float) -> Machine:
    made = {name: Part(usd_each=each, source="test") for name, each in {"all": usd, **parts}.items()}
    return Machine(arch=arch, parts=made)


def costs(**machines: Machine) -> Costs:
    return Costs(kind="cost", name="c", source="test", years=2, electricity_usd_per_kwh=0.1, machines=machines)


def runs(sample: Sample, *designs: str) -> list[Run]:
    return [Run(name, name, sample(name.partition("_")[0], tokens_per_s=100.0, power_w=50.0)) for name in designs]


def test_a_run_has_the_price_of_the_machine_called_as_its_platform_else_of_the_first_by_name(
    sample: Sample,
) -> None:
    found = runs(sample, "a", "a_w4", "b", "c")
    money = price(Terms(costs(other=machine(9, "a"), a=machine(1), two=machine(5, "b"), b2=machine(7, "b"))), found)
    bought = {run.name: cost.offer.usd if (cost := money.of(run)) else None for run in found}
    assert bought == {"a": 1, "a_w4": 1, "b": 7, "c": None}
    assert len(money.appraisal.tokens) == 6
    names = {cost.offer.name for cost in money.appraisal.tokens}
    assert {"a, batch 4", "a_w4, batch 4", "other: a, batch 4", "two: b, batch 4"} <= names


def test_the_cheapest_tokens_win_by_their_ratio_to_the_next_design(sample: Sample) -> None:
    found = runs(sample, "a", "b", "c")
    money = price(Terms(costs(a=machine(1e6), b=machine(4e6))), found)
    winner = next(w for w in winners([of_run(run, money) for run in found], 10.0) if w.question == "Cheapest tokens")
    assert winner.best is not None
    cheap, dear = (cost.usd_per_million_tokens for cost in money.appraisal.tokens)
    assert (winner.best.name, winner.margin) == ("a", f"{cheap / dear:.3f} x b, batch 4")
    assert "Cheapest tokens" not in {w.question for w in winners([of_run(run) for run in found], 10.0)}


def test_parts_and_electricity_add_up_to_the_cost_of_tokens(sample: Sample) -> None:
    (run,) = runs(sample, "a")
    cost = price(Terms(costs(a=machine(1000, card=3000, host=500))), [run]).of(run)
    assert cost is not None
    parts = parts_of(cost)
    assert sum(parts.values()) == pytest.approx(cost.usd_per_million_tokens)
    assert parts["card"] == pytest.approx(3 * parts["all"])
    # 50 W at 0.1 $/kWh over an hour, for 0.36 million tokens.
    assert parts[ELECTRICITY] == pytest.approx(0.005 / 0.36)


def test_the_terms_of_a_comparison_can_be_read_back(sample: Sample) -> None:
    measured = Machine(measured=Measured(tokens_per_s=5, power_w=7, source="t"), parts={"p": Part(source="t")})
    terms = Terms(costs(a=machine(5), m=measured), "m", 1e6)
    found = terms.document()
    assert Terms(Costs.model_validate(found["costs"]), found["baseline"], found["tokens_per_day"]) == terms
    loaded = price(terms, runs(sample, "a")).appraisal.loaded
    assert loaded is not None
    assert loaded[0].fleet.machines >= 1


def test_prices_of_which_none_is_of_a_run_are_an_error(sample: Sample) -> None:
    with pytest.raises(ConfigError, match="machines: x, b"):
        price(Terms(costs(a=machine(1, "x"), b=machine(1))), runs(sample, "a"))
