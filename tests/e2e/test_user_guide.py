"""The user guide works: its commands run in the order in which they stand, with the files that it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "user-guide.md"
BLOCK = re.compile(r"^```(?P<kind>console|\w+ file=(?P<file>\S+))\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"\s+# exit code (\d+)$")
MADE = (
    "out/first/index.html", "out/all.html", "out/survey.svg", "out/mine/my_card/commands.csv", "out/methods/index.html",
    "out/traffic/report.html", "out/channels/report.html", "out/pilot.html", "out/t.json.gz",
    "out/stream.cmd",
)  # fmt: skip


def steps() -> Iterator[tuple[str, str]]:
    """(file, content) of what the guide shows, and ("", command) of what it runs, in order."""
    for block in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        if block["file"]:
            yield block["file"], block["body"]
        else:
            yield from (("", line) for line in block["body"].splitlines())


def test_every_command_runs_with_the_files_before_it(
    nearbank: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for file, content in steps():
        if file:
            Path(file).write_text(content, encoding="utf-8")
            continue
        told = EXIT_CODE.search(content)
        program, *argv = shlex.split(EXIT_CODE.sub("", content))
        assert program == "nearbank", content
        shown = nearbank(*argv)
        assert shown.code == (int(told[1]) if told else 0), (content, shown.err)
        if told:
            assert shown.err.count("\n") == 1, shown.err
        ran += 1
    assert ran >= 30
    assert [name for name in MADE if not Path(name).is_file()] == []
