"""Plug-ins: modules that register units, policies or suites when they are imported."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from simulator.config.tree import Node, dotted
from simulator.errors import ConfigError

GROUP = "nearbank.plugins"
"""The entry-point group of installed plug-ins."""

_LOADED: set[str] = set()


def import_entry_points() -> None:
    """Import every installed plug-in, once a process. Raises ConfigError when one cannot be imported."""
    if GROUP in _LOADED:
        return
    _LOADED.add(GROUP)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            raise ConfigError(f"the installed plug-in '{entry.name}' cannot be imported: {_cause(error)}") from error


def import_plugins(root: Node) -> None:
    """Import the modules that the document's ``plugins`` list names. Raises ConfigError at the entry that fails."""
    listed = root.child("plugins")
    if listed is None or not isinstance(listed.value, list):
        return
    for position, node in enumerate(listed.value):
        key = dotted(("plugins", position))
        if not isinstance(node.value, str):
            raise node.origin.error(f"'{node.value}' is not the name of a module", key)
        try:
            importlib.import_module(node.value)
        except (Exception, SystemExit) as error:
            message = f"the plug-in '{node.value}' cannot be imported: {_cause(error)}{_path_hint(error, node.value)}"
            raise node.origin.error(message, key) from error


def _path_hint(error: BaseException, module: str) -> str:
    """What to do where Python does not find the plug-in itself."""
    missing = isinstance(error, ModuleNotFoundError) and error.name in (module, module.partition(".")[0])
    return "; PYTHONPATH has to name the folder that it lies in" if missing else ""


def _cause(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
