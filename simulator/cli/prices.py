"""Arguments for what tokens cost, shared by the verbs that price runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli.arguments import positive_float
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.cost_schema import Costs
    from simulator.report.money import Terms


def add_costs(parser: argparse.ArgumentParser) -> None:
    """``--costs`` with what `add_payback` adds."""
    parser.add_argument(
        "--costs", metavar="COSTS", help="also $ per million tokens: a name from `nearbank list costs`, or a path"
    )
    add_payback(parser)


def add_payback(parser: argparse.ArgumentParser) -> None:
    """``--baseline`` and ``--tokens-per-day``."""
    parser.add_argument("--baseline", metavar="MACHINE", help="what the others are to pay off against, under a load")
    parser.add_argument(
        "--tokens-per-day", type=positive_float, metavar="N", help="a load: how many machines, and payback"
    )


def terms_of(args: argparse.Namespace) -> Terms | None:
    """Prices and terms that ``args`` ask for; None without ``--costs``. Raises ConfigError for some that do nothing."""
    from simulator.config.cost_schema import Costs
    from simulator.config.loader import build, load_document
    from simulator.report.money import Terms

    if args.costs is None:
        for name in ("baseline", "tokens_per_day"):
            if getattr(args, name) is not None:
                raise ConfigError(f"--{name.replace('_', '-')} needs prices: --costs NAME")
        return None
    costs = build(load_document(args.costs, expected_kind="cost"), Costs)
    _check_baseline(args, costs)
    return Terms(costs, args.baseline, args.tokens_per_day)


def payment(args: argparse.Namespace) -> list[str]:
    """The words of a command that ask for the same."""
    words = []
    if args.costs is not None:
        words += ["--costs", args.costs]
    if args.baseline is not None:
        words += ["--baseline", args.baseline]
    if args.tokens_per_day is not None:
        words += ["--tokens-per-day", f"{args.tokens_per_day:g}"]
    return words


def _check_baseline(args: argparse.Namespace, costs: Costs) -> None:
    from simulator.config.nearest import hint

    if args.baseline is None:
        return
    if args.baseline not in costs.machines:
        known = f"(allowed: {', '.join(costs.machines)}){hint(args.baseline, costs.machines)}"
        raise ConfigError(f"--baseline: '{args.baseline}' is no machine of these costs {known}")
    if args.tokens_per_day is None:
        raise ConfigError("--baseline needs a load to pay off under: --tokens-per-day N")
