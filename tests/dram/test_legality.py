"""A million commands of random streams, on all standards under all policies: none breaks a rule.

The script `experiments/benchmarks/legality.py` does the same with a hundred million.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "experiments" / "benchmarks" / "legality.py"
COMMANDS = 1_000_000


def test_a_million_commands_break_no_rule() -> None:
    found = importlib.util.spec_from_file_location("legality", SCRIPT)
    assert found is not None
    assert found.loader is not None
    legality = importlib.util.module_from_spec(found)
    found.loader.exec_module(legality)
    issued, violations = legality.check(COMMANDS, requests_of_a_round=COMMANDS // 600)
    assert violations == {}
    assert issued.total() >= COMMANDS
