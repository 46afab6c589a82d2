"""The commit is read from the checkout, however its reference is stored."""

from pathlib import Path

import pytest

from simulator.metrics.provenance import commit

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": HASH},
        {"HEAD": "ref: refs/heads/main", "refs/heads/main": HASH},
        {"HEAD": "ref: refs/heads/main", "packed-refs": f"# pack-refs with: peeled\n{HASH} refs/heads/main\n"},
    ],
    ids=["detached", "loose", "packed"],
)
def test_the_commit_is_found(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert commit(tmp_path) == HASH


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
