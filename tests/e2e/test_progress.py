"""Progress goes to stderr: now and then a plain line, or a bar on a terminal; never to stdout."""

from __future__ import annotations

import pytest

from simulator.cli import progress


def test_a_pipe_gets_a_line_when_the_last_one_is_old_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    with progress.progress("job", "cases") as report:
        for done in range(1, 8):
            now_s += 10.0
            report(done, 7)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["job: 3 of 7 cases", "job: 6 of 7 cases"]
    assert captured.out == ""


def test_a_terminal_gets_a_bar_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.progress("job") as report:
        report(7, 7)
    captured = capsys.readouterr()
    assert "job" in captured.err
    assert "7/7" in captured.err
    assert captured.out == ""
