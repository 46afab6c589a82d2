"""Whether a workload fits a platform: its tensors and cache on the memories that its units use."""

from __future__ import annotations

from dataclasses import replace

from simulator.mapping.layout import Cache, Demand, Layout, Store, Tensor, layouts
from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.units.base import OpUnit
from simulator.units.hbm_pim import HbmPim
from simulator.units.memory import Memory
from simulator.units.near_bank import NearBank
from simulator.workload.graph import DecodeGraphs
from simulator.workload.ops import LookupOp, MatrixOp, VectorOp
from simulator.workload.precision import FORMAT_BITS
from simulator.workload.scenario import Workload
from simulator.workload.tensors import weight_tensors


def check_capacity(system: System, workload: Workload) -> Layout:
    """The layout of ``workload`` on ``system``. Raises CapacityError that says what would fit."""
    return layouts.get(system.platform.layout)(_demand(system, workload), stores(system))


def _demand(system: System, workload: Workload) -> Demand:
    return Demand(
        tensors=_tensors(system, workload),
        cache=_cache(system, workload),
        batch=workload.batch,
        tokens=workload.cached_tokens,
    )


def needed_and_available(system: System, workload: Workload) -> tuple[int, int]:
    """Bytes that ``workload`` takes in the memories of ``system`` with all padding, and bytes there are, fit or not."""
    demand = _demand(system, workload)
    needed = available = 0
    for store in stores(system):
        needed += sum(demand.rows(store)) * store.row_set_bytes
        available += store.capacity_bytes
    return needed, available


def stores(system: System) -> list[Store]:
    """The memories, each with the near-bank array or the PIM units that compute in it."""
    arrays = {c.memory.name: c.array for c in system.components.values() if isinstance(c, NearBank)}
    units = {c.memory.name: c.array for c in system.components.values() if isinstance(c, HbmPim)}
    memories = [c for c in system.components.values() if isinstance(c, Memory)]
    return [replace(memory.store, array=arrays.get(memory.name), pim=units.get(memory.name)) for memory in memories]


def _tensors(system: System, workload: Workload) -> tuple[Tensor, ...]:
    """Every weight tensor where its (last) reader has its memory; a tied table that a product reads is tiled."""
    graph = DecodeGraphs(workload.model, batch=workload.batch, precision=workload.precision).at(workload.prompt_tokens)
    place: dict[str, tuple[str, bool]] = {}
    for _, op in ops_of(graph):
        if isinstance(op, MatrixOp | LookupOp | VectorOp) and op.weight:
            unit = system.units[system.placement.component_for(op)]
            place[op.weight] = (_memory_of(unit), isinstance(unit, NearBank | HbmPim))
    weight_bytes = workload.precision.weight_bytes
    return tuple(
        Tensor(t.name, t.out_features, t.in_features, weight_bytes(t.elements), *place[t.name])
        for t in weight_tensors(workload.model)
        if t.name in place
    )


def _cache(system: System, workload: Workload) -> Cache:
    graph = DecodeGraphs(workload.model, batch=workload.batch, precision=workload.precision).at(workload.prompt_tokens)
    reader = next(op for _, op in ops_of(graph) if op.kind == "attn_score")
    unit = system.units[system.placement.component_for(reader)]
    model = workload.model
    return Cache(
        layers=model.n_layers,
        kv_heads=model.n_kv_heads,
        head_dim=model.head_dim,
        element_bits=FORMAT_BITS[workload.precision.kv_cache],
        store=_memory_of(unit),
        tiled=isinstance(unit, NearBank),
    )


def _memory_of(unit: OpUnit) -> str:
    memory = getattr(unit, "memory", None)
    return memory.name if isinstance(memory, Memory) else ""
