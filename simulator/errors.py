"""All errors that nearbank raises on purpose.

::

    SimulatorError                 exit code 3 unless said otherwise
    ├── ConfigError                2   a YAML document, an override, or a command line cannot be used
    │   └── ConfigErrors           2   several of them in one document
    ├── WorkloadError              2   a model or scenario that contradicts itself
    ├── TraceError                 2   a trace or log line that cannot be read
    ├── MappingError               2   an op that no unit of the platform can run
    │   └── CapacityError          2   data that does not fit the memories
    ├── TimingViolation            3   a command log that breaks a rule of its standard
    ├── SimulationStalled          3   work that can never finish
    └── ConservationError          3   tallies that contradict each other

``str()`` of each is what the user reads. All can be pickled, so that workers can hand them back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

_LONGEST = 1200
_KEPT_AT_THE_END = 300


def one_line(text: str) -> str:
    """``text`` without what would break the line or steer the terminal, and cut in the middle if it is endless.

    Such characters come out of the input that an error quotes; they are written as escapes.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _KEPT_AT_THE_END]} ... {text[-_KEPT_AT_THE_END:]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class SimulatorError(Exception):
    """The root of the tree. ``exit_code`` is what the process ends with when nobody handles the error."""

    exit_code: ClassVar[int] = 3

    def __str__(self) -> str:
        return one_line(super().__str__())


class _LocatedError(SimulatorError):
    """An error in an input file; ``str()`` is the line ``file:line:column: key.path: message``, as far as known."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.key = key

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return one_line(": ".join(part for part in (place, self.key, self.message) if part))


class ConfigError(_LocatedError):
    """A YAML document, an override, or a command line that cannot be used."""


class ConfigErrors(ConfigError):
    """Several faults of one document; ``str()`` has one line for each."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def __reduce__(self) -> tuple[type[ConfigErrors], tuple[tuple[ConfigError, ...]]]:
        return type(self), (self.errors,)


class WorkloadError(_LocatedError):
    """A model or scenario that contradicts itself or asks for something outside the model's limits."""


class TraceError(_LocatedError):
    """A trace or command log that cannot be read."""


class MappingError(SimulatorError):
    """An op that no unit of the platform can run, or that its placement cannot serve."""

    exit_code = 2


class CapacityError(MappingError):
    """Weights or KV cache that do not fit the memories they are placed in."""


class TimingViolation(SimulatorError):
    """A command log that breaks a rule of its standard."""


class SimulationStalled(SimulatorError):
    """Work that can never finish: names what is blocked and what it waits for."""


class ConservationError(SimulatorError):
    """Tallies that contradict each other, such as energies that do not add up; a fault of the simulator."""
