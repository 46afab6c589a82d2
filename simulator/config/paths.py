"""Where documents lie, and how a name finds one.

A name is the end of a path below ``arch_configs/`` or ``workloads/`` without its suffix: ``gddr6_aim``,
``dram/gddr6_aim`` and ``platforms/pim/aim_1card`` are names. A file ``NAME.yaml`` in the current directory comes first,
then the shipped data.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePosixPath

from simulator.config.nearest import hint
from simulator.errors import ConfigError

SUFFIX = ".yaml"
SUFFIXES = (SUFFIX, ".yml", ".json")
ROOTS = ("arch_configs", "workloads")
FOLDERS = {
    "platform": "arch_configs/platforms",
    "dram": "arch_configs/dram",
    "unit": "arch_configs/units",
    "link": "arch_configs/links",
    "cost": "arch_configs/costs",
    "model": "workloads/models",
    "quality": "workloads/quality",
    "workload": "workloads/scenarios",
}
"""``kind`` of a document -> the folder where shipped ones lie."""

LISTED = {
    "archs": "platform",
    "drams": "dram",
    "units": "unit",
    "links": "link",
    "costs": "cost",
    "models": "model",
    "quality": "quality",
    "scenarios": "workload",
}
"""What `nearbank list` calls the documents of each kind."""


@cache
def data_root() -> Path:
    """The folder that holds ``arch_configs`` and ``workloads``: in the installed package, else the source tree."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


@cache
def shipped() -> tuple[str, ...]:
    """All shipped documents, as paths below the data root without suffix, sorted."""
    root = data_root()
    files = (file for name in ROOTS for file in (root / name).rglob(f"*{SUFFIX}"))
    return tuple(sorted(file.relative_to(root).with_suffix("").as_posix() for file in files))


def find(ref: str, *, kinds: Iterable[str] = (), base: Path | None = None) -> Path:
    """The file that ``ref`` (a name or a path) means.

    Of several documents with that name, one of ``kinds`` is meant. ``base``: the folder that a relative path in a
    document starts from. Raises ConfigError with the nearest name, or with the choices when the name is ambiguous.
    """
    kinds = tuple(kinds)
    if not ref.strip():
        raise ConfigError("a name or a path is needed, not ''")
    if ref.endswith(SUFFIXES):
        return _existing(ref, base)
    local = Path(f"{ref}{SUFFIX}")
    if _is_file(local):
        return local
    matches = [path for path in shipped() if _ends_with(path, ref)]
    wanted = [path for path in matches if _kind_of(path) in kinds]
    exact = [path for path in matches if ref in {path, path.partition("/")[2]}]
    choice = exact or wanted or matches
    if len(choice) > 1:
        names = ", ".join(path.partition("/")[2] for path in choice)
        raise ConfigError(f"'{ref}' is ambiguous: it may be any of {names}")
    if not choice:
        raise ConfigError(not_found(ref, kinds))
    return data_root() / f"{choice[0]}{SUFFIX}"


def not_found(ref: str, kinds: Iterable[str]) -> str:
    """The message for a name that means nothing."""
    kinds = tuple(kinds)
    what = " or ".join(kinds) or "document"
    return f"there is no {what} '{ref}'{choices(ref, kinds)}"


def choices(ref: str, kinds: Iterable[str]) -> str:
    """Where to see the names of ``kinds``, and the one nearest to ``ref`` (of any kind if none is given)."""
    kinds = tuple(kinds)
    lists = [f"nearbank list {listed}" for listed, kind in LISTED.items() if kind in kinds]
    known = f" (known: {' or '.join(lists)})" if lists else ""
    names = [name for kind in kinds or FOLDERS for name in _names(kind) if name != ref]
    long_names = [path.partition("/")[2] for path in shipped() if not kinds or _kind_of(path) in kinds]
    stem = ref.rpartition("/")[2]
    return known + (hint(ref, names) or hint(stem, names) or hint(ref, long_names))


def list_names(kind: str) -> tuple[str, ...]:
    """The names of all shipped documents of a kind (a key of `LISTED`).

    Each is as short as it can be while it means one document only. Raises ConfigError for another kind.
    """
    if kind not in LISTED:
        raise ConfigError(f"there is no list of '{kind}' (known: {', '.join(LISTED)}){hint(kind, LISTED)}")
    return _names(LISTED[kind])


def display(path: Path) -> str:
    """What errors call a file: relative to the current directory if it is below it."""
    resolved = path.resolve()
    here = Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)


def identity(path: Path) -> str:
    """What results call a file: the same wherever the package is installed."""
    resolved = path.resolve()
    root = data_root()
    return (
        resolved.relative_to(root).as_posix()
        if resolved.is_relative_to(root)
        else PurePosixPath(display(path)).as_posix()
    )


def _existing(ref: str, base: Path | None) -> Path:
    path = Path(ref) if base is None else base / ref
    if _is_file(path):
        return path
    if path.is_dir():
        raise ConfigError("is a directory, not a YAML file", file=display(path))
    siblings = (
        [entry.name for entry in path.parent.iterdir() if entry.suffix in SUFFIXES] if path.parent.is_dir() else []
    )
    raise ConfigError(f"there is no such file{hint(path.name, siblings)}", file=display(path))


def _is_file(path: Path) -> bool:
    """Whether there is such a file, or another thing that can be read. Raises ConfigError if it cannot be known."""
    try:
        return path.exists() and not path.is_dir()
    except OSError as error:
        raise ConfigError(f"cannot be looked up: {error.strerror}", file=str(path)) from error


def _ends_with(path: str, ref: str) -> bool:
    return path == ref or path.endswith(f"/{ref}")


def _kind_of(path: str) -> str | None:
    return next((kind for kind, folder in FOLDERS.items() if path.startswith(f"{folder}/")), None)


def _names(kind: str) -> tuple[str, ...]:
    every = shipped()
    return tuple(sorted(_shortest(path, every) for path in every if _kind_of(path) == kind))


def _shortest(path: str, all_paths: Iterable[str]) -> str:
    parts = path.split("/")
    others = [other for other in all_paths if other != path]
    for length in range(1, len(parts)):
        name = "/".join(parts[-length:])
        if not any(_ends_with(other, name) for other in others):
            return name
    return path
