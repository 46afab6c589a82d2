"""The layers and the places of the heavy libraries, as pyproject.toml states them for import-linter."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "simulator"

ONLY_IN = {
    "simpy": ("units/", "system/", "dram/reference"),
    "numba": ("dram/kernel/",),
    "networkx": ("workload/", "mapping/", "system/"),
    "yaml": ("config/",),
}


def test_import_linter_keeps_every_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("library", ONLY_IN)
def test_library_is_imported_only_where_it_may_be(library: str) -> None:
    users = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if library in imported(p)}
    assert users, f"nothing imports {library}"
    assert [user for user in users if not user.startswith(ONLY_IN[library])] == []
