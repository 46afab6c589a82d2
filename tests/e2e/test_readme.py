"""What the README shows is what the program prints.

With NEARBANK_UPDATE_README=1 in the environment the blocks are written anew instead of compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.main import build_parser

README = Path(__file__).resolve().parents[2] / "README.md"
COMMAND_BLOCK = re.compile(r"<!-- output: nearbank (?P<argv>.+?) -->\n```text\n(?P<shown>.*?)```", re.DOTALL)
EXAMPLE_BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```\n<!-- output of the example -->\n```text\n(?P<shown>.*?)```", re.DOTALL
)
SWEEPS = README.parent / "docs" / "sweeps.md"
TRAFFIC = README.parent / "docs" / "traffic.md"
MENTIONED = re.compile(r"^\| `nearbank (?P<words>.+?)` \|", re.MULTILINE)


def compare(block: re.Match[str], printed: str, page: Path = README) -> None:
    """The block of ``page`` shows ``printed``; or, when asked to, make it so."""
    printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    if os.environ.get("NEARBANK_UPDATE_README") == "1":
        text = page.read_text()
        page.write_text(text[: block.start("shown")] + printed + text[block.end("shown") :])
    else:
        assert block["shown"] == printed


def block(pattern: re.Pattern[str], page: Path = README) -> re.Match[str]:
    found = pattern.search(page.read_text())
    assert found is not None
    return found


def test_the_first_output_is_what_the_main_job_prints(
    nearbank: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = block(COMMAND_BLOCK)
    compare(shown, nearbank(*shlex.split(shown["argv"])).out)


def test_the_output_of_the_traffic_page_is_what_its_command_prints(
    nearbank: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = block(COMMAND_BLOCK, TRAFFIC)
    compare(shown, nearbank(*shlex.split(shown["argv"])).out, TRAFFIC)


def test_the_main_job_of_the_readme_is_that_of_make_run() -> None:
    makefile = (README.parent / "Makefile").read_text()
    assert f"nearbank {block(COMMAND_BLOCK)['argv']} -o" in makefile


@pytest.mark.parametrize("page", [README, SWEEPS], ids=["readme", "sweeps"])
def test_the_python_example_prints_what_stands_below_it(page: Path) -> None:
    shown, out = block(EXAMPLE_BLOCK, page), io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(shown["code"], str(page), "exec"), {})
    compare(shown, out.getvalue(), page)


def test_every_command_of_the_tour_parses() -> None:
    mentioned = MENTIONED.findall(README.read_text())
    commands = [words.replace("...", "aim_1card W") for words in mentioned]
    assert len(commands) >= 10
    for words in commands:
        assert build_parser().parse_args(shlex.split(words)).run
