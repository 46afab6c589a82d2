"""Placement: which component runs each op, by a named policy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.config.registry import Registry
from simulator.errors import MappingError
from simulator.workload.collective import COLLECTIVE_KINDS
from simulator.workload.ops import KindsOf, Op

ATTENTION = KindsOf("attention")
MATRIX = KindsOf("matrix")
"""Products with one weight matrix."""
EXPERTS = KindsOf("grouped_matrix")
"""Products with several matrices of one tensor."""
PRODUCTS = KindsOf("matrix", "grouped_matrix", "attention", "latent_attention")
"""All that multiplies with weights or with the cache."""
CACHE = KindsOf("cache")
SAMPLING = frozenset({"sampling"})
ELEMENTWISE = frozenset({"add", "mul", "relu"})


class Candidate(Protocol):
    """A component that may run ops."""

    @property
    def role(self) -> str:
        """What it is: ``near_bank``, ``matrix``, ``vector``, ``host``, or the kind of a plug-in."""

    def supports(self, kind: str) -> bool:
        """Whether it runs ops of ``kind``."""

    def accepts(self, op: Op) -> bool:
        """Whether it takes this op of a kind that it runs; a policy then looks on."""


Options = Mapping[str, str | int | float | bool]
"""A platform's ``placement.options``."""

Policy = Callable[[str, Options], tuple[str, ...]]
"""(op kind, the platform's placement options) -> roles in order of preference."""


@dataclass(frozen=True)
class PerOp:
    """A policy that looks at each op by itself: its batch, its intensity, what the components say of it.

    ``prefer``: (op, the platform's placement options, all components) -> components in order of preference.
    ``follows``: kinds that run where the op before them does, if that component runs them. ``options``: the placement
    options that it reads.
    """

    prefer: Callable[[Op, Options, Mapping[str, Candidate]], tuple[str, ...]]
    follows: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()


placements: Registry[Policy | PerOp] = Registry("placement policy")
"""Policies by the name that a platform's ``placement.policy`` gives."""


SUB_BATCHES = "sub_batches"
"""Placement option of every policy: parts of the batch that a decode step runs side by side."""


def option_names(policy: str) -> tuple[str, ...]:
    """The placement options that ``policy`` has, beside the op kinds for which a component may be named."""
    found = placements.get(policy)
    return (*sorted(found.options if isinstance(found, PerOp) else ()), SUB_BATCHES)


@placements.register("near_bank_first")
def near_bank_first(kind: str, options: Options) -> tuple[str, ...]:
    """Products and cache writes on near-bank units, element-wise ops on the vector unit, sampling on the host."""
    del options
    if kind in PRODUCTS or kind in CACHE:
        return ("near_bank",)
    return ("host",) if kind in SAMPLING else ("vector",)


@placements.register("matrix_memory")
def matrix_memory(kind: str, options: Options) -> tuple[str, ...]:
    """Products on the matrix unit, fed from plain memory; the rest on the vector unit, sampling on the host."""
    del options
    if kind in PRODUCTS:
        return ("matrix",)
    return ("host",) if kind in SAMPLING else ("vector",)


@placements.register("pim_weights")
def pim_weights(kind: str, options: Options) -> tuple[str, ...]:
    """Products with weights on HBM-PIM units as far as they take them, all else as `matrix_memory`."""
    if kind in MATRIX or kind in ELEMENTWISE:
        return ("hbm_pim", *matrix_memory(kind, options))
    return matrix_memory(kind, options)


PROCESSORS = ("gpu", "cpu", "fpga")
"""Roles that run whole models by themselves."""


@placements.register("one_processor")
def one_processor(kind: str, options: Options) -> tuple[str, ...]:
    """Every op on the first GPU, CPU or FPGA."""
    del kind, options
    return PROCESSORS


@placements.register("cores_of_a_mesh")
def cores_of_a_mesh(kind: str, options: Mapping[str, str | int | float | bool]) -> tuple[str, ...]:
    """Every op on a mesh of cores."""
    del kind, options
    return ("core_mesh",)


@placements.register("logic_die")
def logic_die(kind: str, options: Options) -> tuple[str, ...]:
    """Products on the vaults' matrix units, the rest on their vector units, sampling on the host."""
    del options
    if kind in PRODUCTS:
        return ("vault_matrix", "matrix")
    return ("host",) if kind in SAMPLING else ("vector",)


@placements.register("dpu_first")
def dpu_first(kind: str, options: Options) -> tuple[str, ...]:
    """Products and cache writes on DPUs, element-wise ops on the host's vector unit, sampling on the host."""
    del options
    if kind in PRODUCTS or kind in CACHE:
        return ("dpu",)
    return ("host",) if kind in SAMPLING else ("vector",)


@dataclass(frozen=True)
class Placement:
    """A policy with its options and the components it chooses from, in the platform's order.

    ``options`` may name a component for an op kind, which overrules the policy.
    """

    policy: str
    options: Options
    components: Mapping[str, Candidate]

    def component_for(self, op: Op) -> str:
        """The component that runs ``op``. Raises MappingError, naming who could, when the policy finds none."""
        named = self.options.get(op.kind)
        if named is not None:
            return self.named(op, str(named))
        names, wanted = self._preferred(op)
        for name in names:
            if self.components[name].supports(op.kind) and self.components[name].accepts(op):
                return name
        raise MappingError(
            f"{op.name}: placement '{self.policy}' wants a {wanted} component for {op.kind}; {self._able(op)}"
        )

    def after(self, op: Op, before: Iterable[str]) -> str | None:
        """The component that ``op`` follows to, out of those that run the ops ``before`` it; None: it follows none."""
        policy = placements.get(self.policy)
        if not isinstance(policy, PerOp) or op.kind not in policy.follows or op.kind in self.options:
            return None
        return next((name for name in before if self.components[name].supports(op.kind)), None)

    def alike(self, op: Op) -> Hashable:
        """Ops for which this is equal are placed alike."""
        return op.shape_key if isinstance(placements.get(self.policy), PerOp) else op.kind

    def _preferred(self, op: Op) -> tuple[Iterable[str], str]:
        """Components in order of preference, and what was looked for."""
        policy = placements.get(self.policy)
        if op.kind in COLLECTIVE_KINDS:
            roles: tuple[str, ...] = ("fabric",)
        elif isinstance(policy, PerOp):
            return policy.prefer(op, self.options, self.components), "fitting"
        else:
            roles = policy(op.kind, self.options)
        parts = self.components.items()
        return (name for role in roles for name, part in parts if part.role == role), " or ".join(roles)

    def named(self, op: Op, name: str) -> str:
        """The component ``name``, which was chosen for ``op``. Raises MappingError when it cannot run it."""
        if name not in self.components or not self.components[name].supports(op.kind):
            raise MappingError(
                f"{op.name}: placement puts {op.kind} on '{name}', which cannot run it; {self._able(op)}"
            )
        return name

    def named_for(self, op: Op, on: Sequence[str] = ()) -> str | None:
        """The component that was chosen for ``op`` beforehand; None where the policy has to choose.

        ``on``: the components that run all ops of its pass but collectives, the first that can. Raises MappingError.
        """
        names = on if on and op.kind not in COLLECTIVE_KINDS else (op.on,) if op.on else ()
        if not names:
            return None
        able = (name for name in names if name in self.components and self.components[name].supports(op.kind))
        return self.named(op, next(able, names[-1]))

    def _able(self, op: Op) -> str:
        able = [name for name, component in self.components.items() if component.supports(op.kind)]
        return f"able to run it: {', '.join(able) or 'none of ' + ', '.join(self.components)}"
