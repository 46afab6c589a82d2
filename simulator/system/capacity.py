"""Whether a workload fits a platform: its tensors and cache on the memories that its units use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from simulator.mapping.layout import Cache, Caches, Demand, Layout, Store, Tensor, layouts
from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.system.far_shares import far_shares
from simulator.system.parallel import spread_workload
from simulator.system.stage_share import DRAFT, fullest_stage
from simulator.units.base import OpUnit
from simulator.units.drive import Drive
from simulator.units.gemv_unit import GemvUnit
from simulator.units.hbm_pim import HbmPim
from simulator.units.near_bank import NearBank
from simulator.units.storage import Storage
from simulator.workload.architecture import EMBEDDING_TABLE, LM_HEAD
from simulator.workload.cached import cached_bits, cached_share, cached_tokens
from simulator.workload.model import Model
from simulator.workload.ops import GroupedMatrixOp, LookupOp, MatrixOp, Op, VectorOp
from simulator.workload.optimizations import Draft, Pass
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload
from simulator.workload.step_graphs import Held, StepGraphs
from simulator.workload.tensors import WeightTensor, kv_cache_bytes, weight_tensors


def check_capacity(system: System, workload: Workload) -> Layout:
    """The layout of ``workload`` on ``system``, on each device. Raises CapacityError that says what would fit."""
    share = _share(system, workload)
    layout = layouts.get(system.platform.layout)(share.demand, share.stores)
    return replace(layout, needed_bytes=layout.needed_bytes * share.copies, available_bytes=share.available_bytes)


def needed_and_available(system: System, workload: Workload) -> tuple[int, int]:
    """Bytes that ``workload`` takes in the memories of ``system`` with all padding, and bytes there are, fit or not."""
    share = _share(system, workload)
    needed = sum(sum(share.demand.rows(store)) * store.row_set_bytes for store in share.stores)
    return needed * share.copies, share.available_bytes


@dataclass(frozen=True)
class _Share:
    """What one device has to hold, the memories it has for that, and how often that is there; bytes of all devices."""

    demand: Demand
    stores: list[Store]
    copies: int
    available_bytes: int


def _share(system: System, workload: Workload) -> _Share:
    """The whole workload on the only device, or the fullest stage on its share of its device's channels."""
    memories = stores(system)
    capacity = sum(store.capacity_bytes for store in memories)
    if system.platform.devices.count == 1:
        return _Share(_demand(system, workload), memories, 1, capacity)
    spread = spread_workload(system.platform, workload)
    plan = spread.plan
    return _Share(
        fullest_stage(_demand(system, replace(workload, batch=plan.sequences), spread.held), spread),
        [_of_stage(store, plan.groups) for store in memories],
        plan.stages * spread.sharers * plan.data,
        capacity * plan.devices,
    )


def _of_stage(store: Store, groups: int) -> Store:
    """What one of ``groups`` stages of a device has of a memory of it."""
    if store.parts == "channels":
        return store.with_channels(max(1, store.channels // groups))
    return replace(store, rows=store.rows // groups, parts=f"{store.parts} in place of each")


def _demand(system: System, workload: Workload, held: Held | None = None) -> Demand:
    """What lies in memory; ``held``: of each model."""
    return Demand(
        tensors=_tensors(system, workload, held or _all),
        cache=_cache(system, workload, held or _all),
        batch=workload.batch,
        tokens=cached_tokens(workload, workload.cached_tokens),
    )


def stores(system: System) -> list[Store]:
    """The memories, each with the near-bank array or the PIM units that compute in it."""
    arrays = {c.memory.name: c.array for c in system.components.values() if isinstance(c, NearBank)}
    units = {c.memory.name: c.array for c in system.components.values() if isinstance(c, HbmPim)}
    keepers = {c.memory.name: c for c in system.components.values() if isinstance(c, GemvUnit)}
    memories = [c for c in system.components.values() if isinstance(c, Storage)]
    drives = [c.store for c in system.components.values() if isinstance(c, Drive)]
    return [
        *(
            replace(m.store, array=arrays.get(m.name), pim=units.get(m.name), keeper=keepers.get(m.name))
            for m in memories
        ),
        *drives,
    ]


def _all(model: Model) -> Model:
    return model


def _tensors(system: System, workload: Workload, held: Held) -> tuple[Tensor, ...]:
    """Every weight tensor, with those of heads and of draft models."""
    passes = StepGraphs(workload, held=held).passes(workload.prompt_tokens)
    model, precision = workload.model, workload.precision
    found = _tensors_of(system, held(model), precision, passes[-1])
    found = far_shares(system, workload, held(model), found)
    for draft in workload.decoding.drafts(model) if workload.decoding else ():
        found += _tensors_of_draft(system, workload, draft, held(draft.model), passes[0])
    return found


def _tensors_of(system: System, model: Model, precision: Precision, step: Pass) -> tuple[Tensor, ...]:
    """Each tensor where its (last) reader has its memory; a tied table that a product reads is tiled."""
    readers: dict[str, tuple[Op, OpUnit]] = {}
    for _, op in ops_of(step.graph):
        if isinstance(op, MatrixOp | GroupedMatrixOp | LookupOp | VectorOp) and op.weight:
            unit = _unit_of(system, op, step.on)
            readers[op.weight] = (unit.take(op), unit)
    tensors = [tensor for tensor in weight_tensors(model) if tensor.name in readers]
    known = {tensor.name for tensor in tensors}
    for name, (op, _) in readers.items():
        if name not in known and isinstance(op, MatrixOp):
            tensors.append(WeightTensor(name, op.layer, op.out_features, op.in_features))

    def place(tensor: WeightTensor) -> Tensor:
        op, unit = readers[tensor.name]
        outputs, inputs = tensor.out_features, tensor.in_features
        n_bytes = precision.weight_bytes(tensor.elements)
        if op.encoding is not None:
            outputs, inputs = op.encoding.full if op.encoding.full[0] else (outputs, inputs)
            n_bytes = tensor.matrices * op.encoding.n_bytes(outputs, inputs)
        tiled = isinstance(unit, NearBank | HbmPim)
        return Tensor(tensor.name, outputs, inputs, n_bytes, memory_of(unit), tiled, tensor.matrices, tensor.layer)

    return tuple(place(tensor) for tensor in tensors)


def _tensors_of_draft(system: System, workload: Workload, draft: Draft, held: Model, step: Pass) -> tuple[Tensor, ...]:
    """Weights of a draft model, but for those that are the model's, and its cache."""
    shared = {EMBEDDING_TABLE, LM_HEAD} if draft.shares_ends else set()
    found = _tensors_of(system, held, workload.precision, step)
    weights = [tensor for tensor in found if tensor.name not in shared]
    n_bytes = kv_cache_bytes(held, batch=workload.batch, tokens=workload.cached_tokens, precision=workload.precision)
    reader = next((op for _, op in ops_of(step.graph) if op.kv_read_bytes), None)
    store = weights[-1].store if reader is None else memory_of(_unit_of(system, reader, step.on))
    cache = replace(weights[-1], name="kv_cache", n_bytes=n_bytes, store=store, tiled=False, layer=None)
    return tuple(replace(tensor, name=f"{DRAFT}{tensor.name}") for tensor in (*weights, cache))


def _unit_of(system: System, op: Op, on: tuple[str, ...]) -> OpUnit:
    """The unit that runs ``op`` of a pass ``on`` some components."""
    return system.units[system.placement.named_for(op, on) or system.placement.component_for(op)]


def _cache(system: System, workload: Workload, held: Held) -> Caches:
    graph = StepGraphs(workload, held=held, alike=True).decode_graph(workload.prompt_tokens)
    # A fetch runs on an engine, and a table of pages, which is fused into what reads them, lies anywhere.
    reader = next(op for _, op in ops_of(graph) if op.kv_read_bytes and not (op.on or op.fused))
    unit = system.units[system.placement.component_for(reader)]
    model, bits, share = held(workload.model), cached_bits(workload), cached_share(workload)
    return Caches(
        tuple(
            Cache(
                layers=ceil(kept.layers * share),
                kv_heads=kept.heads,
                head_dim=kept.head_dim,
                element_bits=bits,
                store=memory_of(unit),
                tiled=isinstance(unit, NearBank),
                tensors=kept.tensors,
                window=kept.window,
                fixed=kept.fixed,
            )
            for kept in model.architecture.memory(model)
        )
    )


def memory_of(unit: OpUnit) -> str:
    """The memory that a unit's operands lie in; nothing where that is no storage."""
    memory = getattr(unit, "memory", None)
    return memory.name if isinstance(memory, Storage) else ""
