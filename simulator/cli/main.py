"""Entry point of the `nearbank` command: parses, runs one verb, turns errors into one line and an exit code.

Exit codes: 0 good, 1 a check or validation failed, 2 bad input, 3 simulation error, 130 interrupted. An exception that
nobody expected, such as a plug-in's, is one line and exit code 3, too; with NEARBANK_TRACEBACK=1 in the environment
its traceback comes first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from simulator.cli import (
    check,
    compare,
    cost,
    listing,
    op,
    output,
    pareto,
    plot,
    replay,
    report,
    run,
    show,
    sweep,
    validate,
)
from simulator.errors import SimulatorError, one_line

VERBS = (run, compare, sweep, pareto, report, plot, cost, op, replay, check, validate, listing, show)
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
TRACEBACK_VARIABLE = "NEARBANK_TRACEBACK"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, one_line(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            from simulator.config.nearest import hint

            choices = [str(choice) for choice in action.choices]
            known = f"invalid choice: '{value}' (choose from {', '.join(choices)}){hint(str(value), choices)}"
            raise argparse.ArgumentError(action, known)


class _Version(argparse.Action):
    """Prints the version; looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from simulator.metrics.provenance import version

        sys.stdout.write(f"nearbank {version()}\n")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = _Parser(
        prog="nearbank",
        description="Cycle-level simulation of LLM inference on near-memory hardware.",
        epilog="ARCH and WORKLOAD are names printed by `nearbank list`, or paths of YAML files.",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="print the version and exit"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add_parser(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: this process's) and return its exit code."""
    _open_closed_streams()
    try:
        args = build_parser().parse_args(argv)
        with output.only_results_on_stdout():
            code: int = args.run(args)
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has gone.
        _discard_stdout()
        return 0
    except SimulatorError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        if error.filename is None:
            _discard_stdout()
        return _fail(one_line(f"{error.filename or 'stdout'}: {error.strerror or error}"), EXIT_BAD_INPUT)
    except Exception as error:
        return _fail(_unexpected(error), SimulatorError.exit_code)
    return code


def _open_closed_streams() -> None:
    """Let a stream that the shell closed (``>&-``) lead to nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end


def _discard_stdout() -> None:
    """Point stdout at nothing, so that the flush at exit does not raise again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception) -> str:
    """One line about an exception that nobody expected: what it is, and the line of code that raised it."""
    import traceback

    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    place = traceback.extract_tb(root.__traceback__)[-1]
    what = f"{type(root).__name__}: {root}".removesuffix(": ")
    return one_line(f"unexpected {what} ({place.filename}:{place.lineno}; {TRACEBACK_VARIABLE}=1 shows all of it)")


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
