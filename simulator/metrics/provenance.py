"""Where a result comes from: version, commit, interpreter."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "nearbank"
SOURCE_TREE = "0+source"
"""Version reported when the package runs from a source tree without having been installed."""


def version() -> str:
    """The installed version of the distribution."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return SOURCE_TREE


def python_version() -> str:
    """Implementation and version of the interpreter."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def commit(root: Path | None = None) -> str | None:
    """The commit checked out where the package's source lies; None outside a git checkout."""
    git = (root or Path(__file__).resolve().parents[2]) / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        ref = head.removeprefix("ref: ")
        loose = git / ref
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8")
    except OSError:
        return None
    return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {ref}")), None)
