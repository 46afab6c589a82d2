"""Registries: how units, suites and other plug-ins become known by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from simulator.config.nearest import hint
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.base_schema import Spec
    from simulator.config.platform_schema import ComponentSpec

T = TypeVar("T")
R = TypeVar("R")


class Registry(Generic[T]):
    """Names to things of one kind (``what``, as error messages call it). A name is given once."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[R], R]:
        """A decorator that files what it decorates under ``name``. Raises ValueError when the name is taken."""

        def file_it(thing: R) -> R:
            if name in self._entries:
                raise ValueError(f"{self.what} '{name}' is registered twice")
            self._entries[name] = thing  # type: ignore[assignment]  # a decorator keeps the exact type of what it decorates
            return thing

        return file_it

    def get(self, name: str) -> T:
        """The thing called ``name``. Raises ConfigError that names the known ones and the nearest."""
        try:
            return self._entries[name]
        except KeyError:
            raise ConfigError(self.unknown(name)) from None

    def unknown(self, name: str) -> str:
        """The message for a name that nobody registered."""
        known = ", ".join(self.names()) or "none"
        return f"there is no {self.what} '{name}' (known: {known}){hint(name, self._entries)}"

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries


component_specs: Registry[type[ComponentSpec]] = Registry("component kind")
"""Component ``kind`` in a platform YAML -> the spec class that validates it; filled by the unit modules."""

optimization_blocks: Registry[type[Spec]] = Registry("optimization")
"""Key under a workload's ``optimizations`` -> the spec class that validates the block and says what the method does."""
