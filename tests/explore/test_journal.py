"""The journal: whatever is torn off its end or damaged in it, the other outcomes stay."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import ConfigError
from simulator.explore.journal import Journal, read_journal
from simulator.explore.outcome import Outcome

OUTCOMES = [
    Outcome("a", "done", {"tokens_per_s": 1.5, "bound_by.lm_head": "rows"}, ("guess 1", "guess 2"), wall_s=0.25),
    Outcome("b", "skipped"),
    Outcome("c", "done", {"tokens_per_s": 2.5}, ("guess 1", "guess 2"), attempts=2),
    Outcome("d", "failed", error="took more than 3 s (limits.time_s)"),
    Outcome("e", "done", {"tokens_per_s": None}, ("another \u2014 guess",)),
]


def written(path: Path, outcomes: list[Outcome]) -> bytes:
    with Journal(path) as journal:
        for outcome in outcomes:
            journal.append(outcome)
    return path.read_bytes()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written(tmp_path / "j", OUTCOMES)
    assert list(read_journal(tmp_path / "j")) == OUTCOMES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2000))
def test_a_torn_tail_costs_only_what_is_torn(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    path.unlink(missing_ok=True)
    data = written(path, OUTCOMES)
    path.write_bytes(data[: min(cut, len(data))])
    left = list(read_journal(path))
    assert left == OUTCOMES[: len(left)]
    whole = sum(1 for line in data[:cut].splitlines(keepends=True) if line.endswith(b"\n") and b'"texts"' not in line)
    assert len(left) == whole
    written(path, OUTCOMES[len(left) :])
    assert list(read_journal(path)) == OUTCOMES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_damaged_byte_never_makes_a_wrong_outcome(tmp_path: Path, at: int, byte: int) -> None:
    path = tmp_path / "j"
    path.unlink(missing_ok=True)
    data = bytearray(written(path, OUTCOMES))
    data[at % len(data)] = byte
    path.write_bytes(bytes(data))
    for outcome in read_journal(path):
        same = next(known for known in OUTCOMES if known.id == outcome.id)
        # A lost line of assumptions leaves the figures, which are what cannot be had again for nothing.
        assert outcome in (same, Outcome(**(same.record() | {"assumptions": ()})))


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"), pytest.raises(ConfigError, match="another sweep is writing"):
        Journal(tmp_path / "j")
    Journal(tmp_path / "j").close()


def test_a_write_that_fails_names_the_file_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "j"
    before = written(path, OUTCOMES[:1])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            with pytest.raises(OSError, match=r".") as caught:
                journal.append(OUTCOMES[2])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.filename == str(path)
        assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
        assert path.read_bytes() == before
        journal.append(OUTCOMES[2])
    assert list(read_journal(path)) == [OUTCOMES[0], OUTCOMES[2]]
