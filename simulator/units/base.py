"""What every component has, and how a unit registers itself.

A component is one entry of a platform's ``components``. Its class is filed with `unit_type` under the ``kind`` that
the YAML names, together with the spec class that validates that entry. A component that runs ops is an `OpUnit`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from re import fullmatch
from typing import Annotated, Any, ClassVar, TypeVar

import simpy
from pydantic import AfterValidator, Field

from simulator.config.platform_schema import ComponentSpec
from simulator.config.registry import Registry, component_specs
from simulator.dram.engines import EngineName
from simulator.errors import ConfigError
from simulator.hooks import Hooks
from simulator.units.limits import Limits
from simulator.workload.ops import Op

NonNegative = Annotated[float, Field(ge=0, le=1e12)]
Positive = Annotated[float, Field(ge=1e-6, le=1e12)]
PositiveInt = Annotated[int, Field(ge=1, le=2**40)]


def key_like(pattern: str, what: str, examples: str) -> AfterValidator:
    """For the keys of a mapping: text of a form that says ``what``."""

    def check(key: str) -> str:
        if not fullmatch(pattern, key):
            raise ValueError(f"'{key}' is not {what} (allowed: {examples})")
        return key

    return AfterValidator(check)


class PartSpec(ComponentSpec):
    """The base of the shipped components' specs: what the document of a part says about itself.

    ``sources``: key -> where its value comes from, for keys that ``source`` does not cover; ``assumed ...`` for a
    guess.
    """

    name: str | None = None
    description: str | None = None
    sources: dict[str, str] = Field(default_factory=dict)


Process = Generator[simpy.Event, Any, None]
"""The body of a SimPy process."""


Callback = Callable[[simpy.Event], None]
"""What an event calls when it happens."""


class Call(simpy.Event):
    """One callback at the time for which `Environment.schedule` has it: a timeout without what nobody asks it for."""

    def __init__(self, env: Environment, callback: Callback) -> None:
        self.env = env
        self.callbacks = [callback]
        self._ok = True
        self._value = None


class Environment(simpy.Environment):
    """A SimPy environment whose time is whole ps, and which counts its events."""

    def __init__(self) -> None:
        super().__init__()
        self.events = 0

    @property
    def now_ps(self) -> int:
        """The present, in ps since the start of the run."""
        return int(self._now)

    def step(self) -> None:
        """Process the next event."""
        self.events += 1
        super().step()


@dataclass(frozen=True)
class Sharing:
    """How stages of a pipeline share a device: each has its own group of channels; ``active`` of them work in step."""

    groups: int = 1
    active: int = 1


@dataclass
class Surroundings:
    """What the components of one run share. ``exact``: no declared approximation; ``engine`` runs DRAM channels.

    ``sustained``: the run stands for one so long that a board's power limit acts; not so one op by itself.
    """

    env: Environment
    hooks: Hooks = field(default_factory=Hooks)
    limits: Limits = field(default_factory=Limits)
    exact: bool = False
    engine: EngineName = "compiled"
    sustained: bool = True
    sharing: Sharing = field(default_factory=Sharing)
    """Of the ops that run now: their batch is that of all active stages together."""
    notes: dict[str, None] = field(default_factory=dict)
    """What the run found that its result has to say, in order: formats that a unit lacks, and the like."""


class Component:
    """One part of a platform in one run.

    A subclass sets ``role`` and overrides what it has: `connect` to find its peers, `energy_table` and
    `static_power_w` for its prices, `assumptions` for what its model leaves out. ``spec`` is its validated entry in
    the platform.
    """

    role: ClassVar[str]
    shared: ClassVar[bool] = False
    """Whether a platform of many equal devices has it once and not on each device."""
    side_by_side: ClassVar[bool] = False
    """Whether what it does for several devices or microbatches overlaps in time."""
    clock_ps: float | None = None
    """Clock period, for a component that has a clock."""

    def __init__(self, name: str, spec: Any, around: Surroundings) -> None:
        self.name = name
        self.spec = spec
        self.around = around

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the components that this one uses. Raises ConfigError for one that is missing or of the wrong kind."""

    def settle(self) -> None:
        """A step has ended: tell what has happened by itself up to now, such as refreshes of an idle memory."""

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Action -> energy class -> pJ per action."""
        return {}

    def static_power_w(self) -> Mapping[str, float]:
        """Energy class -> W that flow whether or not anything runs: ``static_power_w`` of a spec that has it."""
        watts = getattr(self.spec, "static_power_w", None)
        return {} if watts is None else {"static": watts}

    def ceilings(self) -> tuple[tuple[tuple[str, ...], float], ...]:
        """(hops, bytes a second) that the component's wires cannot exceed, whatever the schedule."""
        return ()

    def assumptions(self) -> tuple[str, ...]:
        """What the model of this component leaves out or takes for granted in this run."""
        return ()


class OpUnit(Component, ABC):
    """A component that runs ops, one at a time in the order in which they become ready."""

    kinds: ClassVar[AbstractSet[str]] = frozenset()
    """Op kinds it runs, by name or by class (`KindsOf`); `supports` may be overridden instead."""
    in_step: ClassVar[bool] = False
    """Whether it can work for several stages of a pipeline at once, as `Surroundings.sharing` says."""

    def supports(self, kind: str) -> bool:
        """Whether it runs ops of ``kind``."""
        return kind in self.kinds

    def accepts(self, op: Op) -> bool:
        """Whether it takes ``op``, of a kind that it supports; when not, the placement looks for another unit."""
        del op
        return True

    def estimate_ps(self, op: Op) -> int | None:
        """About how long ``op`` takes alone on the idle unit, for a placement that compares; None: it cannot tell."""
        del op
        return None

    def take(self, op: Op) -> Op:
        """``op`` as this unit runs it: in the next format it has, and dense where it cannot make use of zeros.

        What it changes it says in `Surroundings.notes`.
        """
        return op

    def tried(self, op: Op) -> Op:
        """``op`` as `take` gives it, without a word in the result: for a unit that may not run it."""
        notes, before = self.around.notes, dict(self.around.notes)
        taken = self.take(op)
        notes.clear()
        notes.update(before)
        return taken

    def expect(self, ops: Sequence[Op]) -> None:
        """A step begins in which this unit will run ``ops``, in about this order; for one that works ahead."""

    @abstractmethod
    def execute(self, op: Op) -> Process:
        """A process that ends when the results of ``op`` are there; the next op may start then."""

    def mapping(self, op: Op) -> Mapping[str, int | str]:
        """What its mapper chooses for ``op``, by name; nothing for a unit that has no choice."""
        del op
        return {}

    @property
    def flops_per_s(self) -> float | None:
        """Peak arithmetic rate, for a unit that has one of its own."""
        return None

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """(memory, hop) -> bytes that ``op`` moves to and from cells, counted from its shape; a run has to match it."""
        del op
        return {}

    def operand_bytes(self, op: Op) -> int:
        """Least bytes that multipliers at the cells read for ``op``, from its operations alone; 0 without such."""
        del op
        return 0


AnyComponent = TypeVar("AnyComponent", bound=Component)

unit_types: Registry[type[Component]] = Registry("component kind")
"""Component ``kind`` -> the class that models it."""


def unit_type(kind: str, spec: type[ComponentSpec]) -> Callable[[type[AnyComponent]], type[AnyComponent]]:
    """Class decorator: components of ``kind`` are validated by ``spec`` and modelled by the class."""

    def file_it(unit: type[AnyComponent]) -> type[AnyComponent]:
        component_specs.register(kind)(spec)
        unit_types.register(kind)(unit)
        unit.role = kind
        return unit

    return file_it


def peer(
    owner: Component, components: Mapping[str, Component], key: str, name: str, wanted: type[AnyComponent]
) -> AnyComponent:
    """The component that ``owner``'s key names. Raises ConfigError when there is none or it is of another kind."""
    found = components.get(name)
    where = f"components.{owner.name}.{key}"
    if found is None:
        raise ConfigError(f"there is no component '{name}' (known: {', '.join(components)})", key=where)
    if not isinstance(found, wanted):
        raise ConfigError(f"'{name}' is a {found.role}, not a {wanted.role}", key=where)
    return found


def cycles_ps(cycles: int, clock_mhz: float) -> int:
    """Time of whole clock cycles in ps, rounded up."""
    return -int(-cycles * 1_000_000 // clock_mhz)
