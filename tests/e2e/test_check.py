"""`nearbank check` finds a planted violation and passes a legal log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = "# standard: gddr6_aim_ref\nclk,command,bankgroup,bank,row,column\n"
LEGAL = "1,ACT,0,0,7,-1\n37,RD,0,0,7,3\n"


@pytest.fixture
def log(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a log file."""

    def write(body: str, head: str = HEAD) -> Path:
        path = tmp_path / "some.cmd"
        path.write_text(head + body)
        return path

    return write


def test_a_legal_log_has_no_violations(nearbank: Callable[..., Any], log: Callable[[str], Path]) -> None:
    shown = nearbank("check", "gddr6_aim_ref", log(LEGAL))
    assert (shown.code, shown.out) == (0, "violations: 0\n")


def test_a_read_one_clock_too_early_is_found_and_named(
    nearbank: Callable[..., Any], log: Callable[[str], Path]
) -> None:
    path = log(LEGAL.replace("37,RD", "36,RD"))
    shown = nearbank("check", "gddr6_aim_ref", path)
    assert shown.code == 1
    assert shown.out.startswith("violations: 1\ntick 36: ")
    found = nearbank("check", "gddr6_aim_ref", path, "--json")
    assert found.code == 1
    assert found.json["violations"] == len(found.json["found"]) == 1
    assert found.json["found"][0]["tick"] == 36


@pytest.mark.parametrize(
    ("head", "body", "place"),
    [
        (HEAD, "1,ACT,0,0,seven,-1\n", ":3:11: 'seven' is not a whole number"),
        (HEAD, "1,ACT,0,0\n", ":3:1: "),
        ("clk,command\n", "", ":1:1: a log begins with '# standard: NAME'"),
        (HEAD.replace("_ref", ""), LEGAL, ":1:13: a log of 'gddr6_aim', not of gddr6_aim_ref;"),
        (
            "# standard: GDDR6-AiM\nclk,command,bank,row,column\n",
            "1,ACT,0,7,-1\n",
            ":2:1: the levels are bank; gddr6_aim_ref has bankgroup,bank",
        ),
    ],
)
def test_a_log_that_cannot_be_read_is_located(
    nearbank: Callable[..., Any], log: Callable[[str, str], Path], head: str, body: str, place: str
) -> None:
    path = log(body, head)
    shown = nearbank("check", "gddr6_aim_ref", path)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(f"{path}{place}")
    assert shown.err.count("\n") == 1
