"""The mappers' choices for a workload on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

Choices = Mapping[str, Mapping[str, Mapping[str, Any]]]


def view(arch: str, workload: str, found: Choices) -> Group:
    """One table a stage: op kinds and what was chosen for each."""
    stages = [part for stage, kinds in found.items() if kinds for part in (Text(stage, style="bold"), _table(kinds))]
    heading = Text.assemble("mappings of ", (workload, "bold"), " on ", (arch, "bold"))
    return Group(heading, *(stages or [Text("its units have nothing to choose")]))


def _table(kinds: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for kind, choices in kinds.items():
        table.add_row(kind, ", ".join(f"{name} {value}" for name, value in choices.items()))
    return table
