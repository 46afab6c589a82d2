"""The folder of one run: its result, and the DRAM commands of a short time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.hooks import IssuedCommand
    from simulator.metrics.command_window import CommandWindow
    from simulator.metrics.result import Result

RESULT_FILE, COMMANDS_FILE = "result.json", "commands.csv"


def write(folder: Path, result: Result, window: CommandWindow) -> None:
    """Write both; what a run before left there goes."""
    from simulator.metrics.command_window import to_csv

    output.write_atomically(folder / RESULT_FILE, result.to_json())
    issued = window.told()
    if issued:
        output.write_atomically(folder / COMMANDS_FILE, to_csv(issued))
    else:
        (folder / COMMANDS_FILE).unlink(missing_ok=True)


def commands_in(folder: Path) -> Mapping[str, Sequence[IssuedCommand]]:
    """The commands by memory, none where there is no such file. Raises ConfigError for one that is something else."""
    from simulator.metrics.command_window import from_csv

    path = folder / COMMANDS_FILE
    if not path.is_file():
        return {}
    try:
        return from_csv(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"it holds no commands: {error}", file=str(path)) from None
