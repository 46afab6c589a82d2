"""The golden file of suite `dram`: what other simulators measured, by simulator, configuration, stream and refresh."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import ConfigError

FILE = "golden.json"
REFRESH = ("refresh_on", "refresh_off")
CYCLES = "cycles_first_cmd_to_last_data"
"""Ticks from the first command to the end of the last read's data: the same whatever the front end."""


@dataclass(frozen=True)
class GoldenRun:
    """One measured run: ``cycles`` in ticks of the configuration, ``requests`` in number, ``commands`` by name."""

    stream: str
    refresh: str
    cycles: int
    requests: int
    commands: Mapping[str, int]


@dataclass(frozen=True)
class GoldenConfig:
    """One configuration of one simulator: its description as it stands in the file, and its runs."""

    simulator: str
    name: str
    file: Path
    entry: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How cases name the configuration."""
        return f"{self.simulator}/{self.name}"

    def error(self, message: str) -> ConfigError:
        """A fault of this configuration."""
        return ConfigError(f"{self.title}: {message}", file=str(self.file))

    def value(self, key: str) -> Any:
        """A part of the description. Raises ConfigError when it is missing."""
        if key not in self.entry:
            raise self.error(f"the key '{key}' is missing")
        return self.entry[key]

    def runs(self) -> Iterator[GoldenRun]:
        """All runs in the order of the file. Raises ConfigError for one without its figures."""
        for stream, modes in self.value("streams").items():
            for refresh in REFRESH:
                if refresh in modes:
                    yield self._run(stream, refresh, modes[refresh])

    def _run(self, stream: str, refresh: str, figures: Mapping[str, Any]) -> GoldenRun:
        try:
            requests = int(figures["reads"]) + int(figures["writes"])
            commands = {str(name): int(count) for name, count in figures.get("commands", {}).items()}
            return GoldenRun(stream, refresh, int(figures[CYCLES]), requests, commands)
        except (KeyError, TypeError, ValueError) as error:
            message = f"{stream}, {refresh}: reads, writes and {CYCLES} are whole numbers ({error})"
            raise self.error(message) from error


def read_golden(folder: Path) -> tuple[GoldenConfig, ...]:
    """All configurations of a folder. Raises ConfigError when its file is not there or not of the format."""
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=str(path)) from error
    if not isinstance(data, dict) or not all(isinstance(configs, dict) for configs in data.values()):
        raise ConfigError("a mapping of simulators to configurations is needed", file=str(path))
    return tuple(
        GoldenConfig(simulator, name, path, entry)
        for simulator, configs in data.items()
        for name, entry in configs.items()
    )
