"""`nearbank cost`: what tokens cost, and when a machine pays off."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json, positive_float
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.cost_schema import Costs, Machine
    from simulator.metrics.cost.tokens import Offer
    from simulator.metrics.result import Result

RESULT_FILE = "result.json"


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "cost",
        help="what tokens cost, and when a machine pays off",
        description=__doc__,
        epilog="COSTS is a name printed by `nearbank list costs`, or the path of a YAML file. Machines whose platform "
        "is among the runs, or that have measured figures, are compared.",
    )
    parser.add_argument("costs", metavar="COSTS", help="prices and terms")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="folders written by run -o or compare -o")
    parser.add_argument("--baseline", metavar="MACHINE", help="what the others are to pay off against")
    parser.add_argument(
        "--tokens-per-day", type=positive_float, metavar="N", help="a load: how many machines, and payback"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Price each machine that has figures."""
    from simulator.config.cost_schema import Costs
    from simulator.config.loader import build, load_document
    from simulator.metrics.cost.appraisal import appraise
    from simulator.report.cost_view import document, view

    costs = build(load_document(args.costs, expected_kind="cost"), Costs)
    offers = _offers(costs, [found for folder in args.folders for found in _results(folder)])
    if not offers:
        known = ", ".join(machine.arch or name for name, machine in costs.machines.items())
        raise ConfigError(f"no run of a machine of these costs, and none with measured figures (machines: {known})")
    appraisal = appraise(costs, offers, args.tokens_per_day, args.baseline)
    if args.json:
        output.document(document(appraisal))
    else:
        output.show(view(appraisal))
    return 0


def _results(folder: Path) -> list[Result]:
    from pydantic import ValidationError

    from simulator.metrics.result import Result

    own = folder / RESULT_FILE
    files = [own] if own.is_file() else sorted(folder.glob(f"*/{RESULT_FILE}"))
    if not files:
        raise ConfigError(f"there is no {RESULT_FILE} in it or below it", file=str(folder))
    found = []
    for file in files:
        try:
            found.append(Result.from_json(file.read_text(encoding="utf-8")))
        except (ValidationError, UnicodeDecodeError):
            raise ConfigError("it is no result of this simulator", file=str(file)) from None
    return found


def _offers(costs: Costs, results: Sequence[Result]) -> list[Offer]:
    return [offer for name, machine in costs.machines.items() for offer in _of_machine(name, machine, results)]


def _of_machine(name: str, machine: Machine, results: Sequence[Result]) -> list[Offer]:
    """One offer for each run of the machine's platform."""
    from simulator.metrics.cost.tokens import offer_of

    if machine.measured is not None:
        return [offer_of(name, machine, None)]
    return [offer_of(name, machine, found) for found in results if found.arch.name == (machine.arch or name)]
