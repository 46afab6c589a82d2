"""Who wins: the best run of each question, only among those that qualify, with what held it."""

from collections.abc import Callable

from simulator.metrics.result import Result
from simulator.report.evidence import Run
from simulator.report.winners import Candidate, of_run, sentence, winners

Sample = Callable[..., Result]


def entry(sample: Sample, name: str, speed: float | None, power: float, per_joule: float) -> Candidate:
    return of_run(Run(name, name, sample(name, tokens_per_s=speed, power_w=power, tokens_per_j=per_joule)))


def test_the_best_of_each_question_and_its_margin_over_the_next_design(sample: Sample) -> None:
    runs = [
        entry(sample, "fast", 400.0, 300.0, 1.3),
        entry(sample, "frugal", 100.0, 10.0, 10.0),
        entry(sample, "mid", 200.0, 75.0, 2.7),
    ]
    speed, joules, capped = winners(runs, 75.0)
    assert [w.best.name for w in (speed, joules, capped) if w.best] == ["fast", "frugal", "mid"]
    assert (speed.figure, speed.margin) == ("400 tokens/s", "2.00 x mid, batch 4")
    assert capped.question == "Most tokens/s within 75.0 W"
    assert len(winners(runs, None)) == 2


def test_the_reason_is_what_held_most_of_the_time(sample: Sample) -> None:
    winner = winners([entry(sample, "one", 1.0, 1.0, 1.0)], None)[0]
    assert winner.best is not None
    assert winner.best.reason == "held by dram column rate for 80.0 % of the time"
    assert sentence(winner) == f"Most tokens/s: one, batch 4, 1.00 tokens/s; {winner.best.reason}"


def test_nobody_wins_where_nobody_qualifies(sample: Sample) -> None:
    runs = [entry(sample, "no_decode", None, 1.0, 1.0), entry(sample, "hot", 9.0, 80.0, 1.0)]
    capped = winners(runs, 50.0)[2]
    assert capped.best is None
    assert sentence(capped) == "Most tokens/s within 50.0 W: none qualifies"
