"""Checks on each step of a run: bytes asked for are bytes moved, and nothing is faster than its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from simulator.errors import ConservationError
from simulator.hooks import Instrument
from simulator.system.builder import System
from simulator.system.executor import PlacedOp, critical_path_ps
from simulator.units import hops
from simulator.units.base import OpUnit
from simulator.units.stacked_memory import StackedMemory
from simulator.workload.ops import Op


class Conservation(Instrument):
    """Adds up what the components report in a step and compares it with what the ops needed."""

    def __init__(self) -> None:
        self._moved: Counter[tuple[str, str]] = Counter()
        self._crossing_ps: Counter[tuple[str, str]] = Counter()
        """Time in which anything crossed the hop; of a component whose transfers follow each other."""

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        """``n_bytes`` crossed ``hop`` in ``component``."""
        self._moved[component, hop] += n_bytes
        self._crossing_ps[component, hop] += end_ps - start_ps

    def check(self, system: System, ops: dict[str, PlacedOp], took_ps: int) -> None:
        """Check the step that just ended after ``took_ps`` and forget it. Raises ConservationError."""
        moved, self._moved = self._moved, Counter()
        crossing_ps, self._crossing_ps = self._crossing_ps, Counter()
        _check_bytes(moved, _needed(system, ops.values()))
        _check_stacks(system, moved)
        _check_path(ops, took_ps)
        _check_rates(system, moved, crossing_ps, took_ps)
        _check_flops(system, ops.values(), took_ps)


def _needed(system: System, placed_ops: Iterable[PlacedOp]) -> Counter[tuple[str, str]]:
    needed: Counter[tuple[str, str]] = Counter()
    for placed in placed_ops:
        unit = system.units[placed.unit]
        op_needs = unit.array_bytes(placed.op)
        if op_needs:
            _check_op(unit, placed.op, op_needs)
        needed.update(op_needs)
    return needed


def _check_op(unit: OpUnit, op: Op, needs: Mapping[tuple[str, str], int]) -> None:
    """What a unit counts for an op holds the op's own tensors and operands: a mapping that skips some is found here."""
    stored = op.weight_bytes + op.kv_read_bytes + op.kv_write_bytes
    for hop, least in ((hops.CELLS_TO_IO, stored), (hops.IO_TO_MAC, unit.operand_bytes(op))):
        counted = sum(n_bytes for (_, crossed), n_bytes in needs.items() if crossed == hop)
        if counted < least:
            raise ConservationError(f"{op.name}: {unit.name} moves {counted} bytes over {hop}, it needs {least}")


def _check_bytes(moved: Counter[tuple[str, str]], needed: Counter[tuple[str, str]]) -> None:
    for component, hop in {*needed, *(key for key in moved if key[1] in (hops.CELLS_TO_IO, hops.IO_TO_MAC))}:
        if moved[component, hop] != needed[component, hop]:
            raise ConservationError(
                f"{component}: {moved[component, hop]} bytes crossed {hop}, the ops needed {needed[component, hop]}"
            )


def _check_stacks(system: System, moved: Counter[tuple[str, str]]) -> None:
    """What leaves and enters the channels of a stacked memory is what crosses its vertical buses."""
    for name, memory in system.components.items():
        if isinstance(memory, StackedMemory):
            at_channels = moved[name, hops.PINS_TO_CONTROLLER] + moved[name, hops.CONTROLLER_TO_PINS]
            crossed = moved[memory.bus.name, hops.VERTICAL_BUS]
            if crossed != at_channels:
                raise ConservationError(
                    f"{memory.bus.name}: {crossed} bytes crossed it, the channels of {name} moved {at_channels}"
                )


def _check_flops(system: System, placed_ops: Iterable[PlacedOp], took_ps: int) -> None:
    flops: Counter[str] = Counter()
    for placed in placed_ops:
        flops[placed.unit] += placed.op.flops
    for name, unit in system.units.items():
        if unit.flops_per_s is not None and flops[name] > unit.flops_per_s * took_ps * 1e-12:
            raise ConservationError(
                f"{name}: {flops[name]} operations in a step of {took_ps} ps are above its peak rate"
            )


def _check_path(ops: dict[str, PlacedOp], took_ps: int) -> None:
    critical_ps = critical_path_ps(ops)
    if took_ps < critical_ps:
        raise ConservationError(f"a step took {took_ps} ps, less than its critical path of {critical_ps} ps")


def _check_rates(
    system: System, moved: Counter[tuple[str, str]], crossing_ps: Counter[tuple[str, str]], took_ps: int
) -> None:
    for name, component in system.components.items():
        for crossed, bytes_per_s in component.ceilings():
            for together in (*((hop,) for hop in crossed), crossed):
                in_use_ps = took_ps if len(together) > 1 else min(took_ps, crossing_ps[name, together[0]])
                least_ps = sum(moved[name, hop] for hop in together) / bytes_per_s * 1e12
                # A burst on its way at the end of a step may have been counted in it.
                if in_use_ps < least_ps * (1 - 1e-9):
                    raise ConservationError(
                        f"{name}: {' and '.join(together)} took {in_use_ps} ps, but alone need {least_ps:.0f} ps"
                    )
