"""What of a model lies in a far memory, and the room that it takes in the near one while it is used."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from simulator.errors import MappingError
from simulator.mapping.layout import Tensor
from simulator.system.builder import System
from simulator.units.copy_engine import CopyEngine
from simulator.workload.model import Model
from simulator.workload.optimizations.offload import Offload
from simulator.workload.precision import FORMAT_BITS
from simulator.workload.scenario import Workload

FAR, FETCHED = "far.", "fetched."


def far_shares(system: System, workload: Workload, held: Model, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """``tensors`` of ``held`` with the shares that are offloaded where they lie.

    Raises MappingError without a copy engine.
    """
    for method in workload.methods:
        if isinstance(method, Offload):
            tensors = _shared(system, workload, held, method, tensors)
    return tensors


def _shared(
    system: System, workload: Workload, held: Model, method: Offload, tensors: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    engine = system.components.get(method.engine)
    if not isinstance(engine, CopyEngine):
        engines = [name for name, part in system.components.items() if isinstance(part, CopyEngine)]
        known = ", ".join(engines) or "none"
        raise MappingError(f"optimizations.offload.engine: '{method.engine}' is no copy engine (there are: {known})")
    found: list[Tensor] = []
    far_bytes = 0
    for tensor in tensors:
        moved = ceil(method.weights * tensor.n_bytes) if tensor.layer is not None and tensor.outputs > 1 else 0
        found.append(replace(tensor, n_bytes=tensor.n_bytes - moved))
        far_bytes += moved
    cached = ceil(method.cache * _cache_bytes(workload, held))
    rooms = (method.prefetch + 1) / held.n_layers
    for name, n_bytes in (("weights", far_bytes), ("cache", cached)):
        if n_bytes:
            far = Tensor(f"{FAR}{name}", 1, 1, n_bytes, engine.far.name, tiled=False)
            found += [far, replace(far, name=f"{FETCHED}{name}", n_bytes=ceil(n_bytes * rooms), store=engine.near.name)]
    return tuple(found)


def _cache_bytes(workload: Workload, model: Model) -> float:
    """Bytes of the whole cache of ``model``."""
    bits = float(FORMAT_BITS[workload.precision.kv_cache])
    for method in workload.methods:
        bits = bits if isinstance(method, Offload) else method.cache_bits(bits, model.head_dim)
    tokens = workload.cached_tokens
    elements = sum(
        kept.layers * kept.tensors * kept.tokens(tokens) * kept.heads * kept.head_dim
        for kept in model.architecture.memory(model)
    )
    return workload.batch * elements * bits / 8
