"""docs/extending.md as written: its listings are those of examples/plugin, its commands run, its output is right."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "plugin"
PAGE = (ROOT / "docs" / "extending.md").read_text()
SHOWN = re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for line in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)[0].splitlines() if "nearbank" in line]
CODE, PRINTED = re.findall(r"```python run\n(.*?)```\n<!-- .*? -->\n```text\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture(autouse=True)
def _in_the_source_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(EXAMPLE))


def test_the_page_shows_the_files_of_the_example() -> None:
    assert {name for name, _ in SHOWN} == {path.name for path in EXAMPLE.glob("*.*")}
    for name, text in SHOWN:
        assert text.strip() in (EXAMPLE / name).read_text(), name


def test_its_commands_run_on_the_plug_in(nearbank: Callable[..., Any]) -> None:
    ran = [nearbank(*shlex.split(command)[1:]) for command in COMMANDS]
    assert [outcome.code for outcome in ran] == [0, 0, 0]
    assert "look-up table" in ran[0].out
    assert all("aim_softmax" in outcome.out for outcome in ran)


def test_its_python_prints_what_stands_below_it() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(CODE, "docs/extending.md", "exec"), {})
    assert out.getvalue() == PRINTED


def test_the_unit_takes_the_time_and_energy_of_its_closed_form(nearbank: Callable[..., Any]) -> None:
    done = nearbank("op", "examples/plugin/aim_softmax.yaml", "softmax", "--shape", "32x512", "--json").json
    assert done["unit"] == "tables"
    assert done["time_ps"] == -(-done["flops"] // 64) * 1000
