"""Rules that hold for every verb: help is light, errors are one line, exit codes say what happened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.cli import entry, output
from simulator.cli import main as cli
from simulator.cli.arguments import split_overrides
from simulator.errors import ConservationError, SimulationStalled, TraceError

VERBS = ("run", "compare", "op", "replay", "check", "validate", "list", "show")
HEAVY = ("numpy", "numba", "simpy", "networkx", "pydantic", "rich", "yaml")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from simulator.cli.main import build_parser; build_parser().format_help(); print(*sys.modules)"
    loaded = set(python(code).stdout.split())
    assert "simulator.cli.run" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_help_names_every_verb(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("--help")
    assert shown.code == 0
    assert all(f"\n    {verb} " in shown.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(nearbank: Callable[..., Any], verb: str) -> None:
    shown = nearbank(verb, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"usage: nearbank {verb}")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "VERB"),
        (["rnu"], "invalid choice: 'rnu'"),
        (["run", "aim_1card"], "WORKLOAD"),
        (["run", "a", "b", "--batch", "0"], "'0' is not a whole number of at least 1"),
        (["op", "a", "gemm", "--shape", "12"], "'12' is not OUTxIN, such as 4096x11008"),
        (["op", "a", "gemm", "--shape", "0x12"], "'0x12' is not OUTxIN"),
        (
            ["op", "a", "gemm", "--shape", "99999999999x4"],
            "'99999999999x4' is out of range (allowed: 1..16777216 each)",
        ),
        (["list", "chips"], "'chips'"),
        (["list", "arch"], "nearest: 'archs'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    nearbank: Callable[..., Any], argv: list[str], said: str
) -> None:
    shown = nearbank(*argv)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert shown.err.count("\n") == 1


def test_an_interrupt_ends_with_130_and_no_traceback(
    nearbank: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.cli.listing.run", interrupted)
    shown = nearbank("list", "archs")
    assert (shown.code, shown.out, shown.err) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SimulationStalled("op L00.rope waits for vector"), 3, "op L00.rope waits for vector"),
        (ConservationError("memory: busier than time"), 3, "memory: busier than time"),
        (TraceError("'x' is not a request", file="t.req", line=4, column=2), 2, "t.req:4:2: 'x' is not a request"),
        (PermissionError(13, "Permission denied", "out/result.json"), 2, "out/result.json: Permission denied"),
    ],
)
def test_an_error_is_its_line_and_its_exit_code(
    nearbank: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, line: str
) -> None:
    def fails(_: object) -> int:
        raise error

    monkeypatch.setattr("simulator.cli.listing.run", fails)
    shown = nearbank("list", "archs")
    assert (shown.code, shown.out, shown.err) == (code, "", f"{line}\n")


def test_an_interrupt_of_its_imports_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "simulator.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "simulator.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    assert entry.main() == entry.EXIT_INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from simulator.cli.main import main; sys.exit(main(['list', 'drams']))"
    command = f"{sys.executable} -c {code!r} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_directory_that_cannot_be_written_is_one_line(
    nearbank: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(
        "simulator.cli.listing.run", lambda _: output.write_atomically(tmp_path / "file" / "x", "") or 0
    )
    shown = nearbank("list", "archs")
    assert shown.code == cli.EXIT_BAD_INPUT
    assert shown.err == f"{tmp_path / 'file'}: a file, not a directory\n"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    output.write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        output.write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_overrides_go_to_the_document_they_name() -> None:
    texts = ["memory.channels=8", "workload.batch=2", "batch=4", "precision.weights=int8", "placement.policy=x"]
    platform, workload = split_overrides(texts)
    assert platform == ["memory.channels=8", "placement.policy=x"]
    assert workload == ["batch=2", "batch=4", "precision.weights=int8"]
