"""`nearbank cost`: what tokens cost, and when a machine pays off."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json
from simulator.cli.prices import add_payback, terms_of
from simulator.cli.result_folder import RESULT_FILE
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.report.evidence import Run


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
    add_payback(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Price each machine that has figures."""
    from simulator.report.cost_view import document, view
    from simulator.report.money import price

    terms = terms_of(args)
    assert terms is not None
    appraisal = price(terms, _runs(args.folders)).appraisal
    if args.json:
        output.document(document(appraisal))
    else:
        output.show(view(appraisal))
    return 0


def _runs(folders: Sequence[Path]) -> list[Run]:
    """The runs in ``folders``, named after the folders that hold them where these are several."""
    from simulator.report.evidence import named_apart

    return named_apart([run for folder in folders for run in _in(folder)])


def _in(folder: Path) -> Iterator[Run]:
    own = folder / RESULT_FILE
    files = [own] if own.is_file() else sorted(folder.glob(f"*/{RESULT_FILE}"))
    if not files:
        raise ConfigError(f"there is no {RESULT_FILE} in it or below it", file=str(folder))
    for file in files:
        yield _run(file, None if file == own else file.parent.name)


def _run(file: Path, named: str | None) -> Run:
    """The run in ``file``. ``named``: what it is called, its batch size at the end; its platform's name when None."""
    from pydantic import ValidationError

    from simulator.metrics.result import Result
    from simulator.report.evidence import Run

    try:
        result = Result.from_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError):
        raise ConfigError("it is no result of this simulator", file=str(file)) from None
    if result.tokens_per_s is None:
        raise ConfigError(f"the run of '{result.arch.name}' has no decode step, so no rate", file=str(file))
    design = (named or result.arch.name).removesuffix(f"_batch{result.workload.values.get('batch')}")
    return Run(design, design, result)
