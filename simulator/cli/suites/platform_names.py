"""What measured points call their hardware, models and frameworks, and which documents stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from simulator.cli.suites.base import default_data
from simulator.config.base_schema import Spec
from simulator.config.loader import build, load_document

FILE = "names.yaml"


class Framework(Spec):
    """A framework whose name in the points holds a text: its stack, and the platforms' own where that is None."""

    holds: str
    stack: str | None = None
    only: tuple[str, ...] = ()
    """Hardware names that the entry is for; empty for all."""
    several: Literal["tensor", "pipeline"] = "tensor"
    """How it spreads a model over several devices."""
    head: Literal["dealt_out", "replicated"] = "dealt_out"
    """What it does with the projection to the vocabulary then."""


class Names(Spec):
    """The tables of a data folder. ``fitted``: the points (or kernels) that calibrations were fitted to."""

    kind: Literal["names"]
    description: str
    fitted: tuple[str, ...]
    hardware: Mapping[str, str]
    models: Mapping[str, str]
    weights: Mapping[str, str]
    frameworks: tuple[Framework, ...]
    kernels: Mapping[str, str] = Field(default_factory=dict)
    known: Mapping[str, str] = Field(default_factory=dict)
    """Id of a point, with `` W`` behind it for its power, or name of a kernel -> why its prediction is off."""
    devices: Mapping[str, int] = Field(default_factory=dict)
    """How many devices of its platform some hardware is; one if not said."""
    power_tail_s: Mapping[str, float] = Field(default_factory=dict)
    """Text in a point's source -> how long after a run its power was still sampled, on an idle board."""

    def tail_s(self, source: str) -> float:
        """The entry of ``power_tail_s`` for a point's source; 0 without."""
        return next((seconds for text, seconds in self.power_tail_s.items() if text in source), 0.0)

    def platform(self, hardware: str, kind: str) -> str | None:
        """The platform for some hardware, or for its processor of ``kind`` (``CPU``, ``GPU``)."""
        return self.hardware.get(hardware) or self.hardware.get(f"{hardware} {kind}")

    def framework(self, name: str, hardware: str) -> Framework | None:
        """The entry for a framework on some hardware."""
        fitting = (f for f in self.frameworks if f.holds in name and (not f.only or hardware in f.only))
        return next(fitting, None)


def read_names(folder: Path) -> Names:
    """The tables of ``folder``, or of the shipped data where it has none of its own. Raises ConfigError."""
    own = folder / FILE
    path = own if own.is_file() else default_data("platforms") / FILE
    return build(load_document(path), Names)
