"""The sections of a model's step, and the weight tensors that they read."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.workload.blueprint import Section, tensor_name
from simulator.workload.precision import Precision
from simulator.workload.section_builder import SectionBuilder
from simulator.workload.step import Step

if TYPE_CHECKING:
    from simulator.workload.model import Model


@dataclass(frozen=True, slots=True)
class WeightTensor:
    """``matrices`` of ``out_features`` rows of ``in_features`` elements; a norm's weight vector is one row."""

    name: str
    layer: int | None
    out_features: int
    in_features: int
    matrices: int = 1

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.matrices * self.out_features * self.in_features


def prologue(model: Model, step: Step, precision: Precision) -> Section:
    """From token ids to the residual stream."""
    b = SectionBuilder(step, precision, model.d_model)
    return b.build(model.architecture.prologue(b, model))


def block(model: Model, step: Step, precision: Precision, variant: Hashable) -> Section:
    """A block of one variant."""
    b = SectionBuilder(step, precision, model.d_model)
    return b.build(model.architecture.block(b, model, variant))


def epilogue(model: Model, step: Step, precision: Precision) -> Section:
    """From the last position of each sequence to the next tokens."""
    b = SectionBuilder(step, precision, model.d_model, tokens=step.batch)
    return b.build(model.architecture.epilogue(b, model))


def weight_tensors(model: Model) -> tuple[WeightTensor, ...]:
    """Every weight tensor in order of first use; one that is used twice (a tied embedding) is listed once."""
    found: dict[str, WeightTensor] = {}
    for layer, section in _sections(model):
        for weight in (blueprint.weight for blueprint in section.blueprints):
            if weight is not None:
                name = tensor_name(layer, weight.name)
                found.setdefault(name, WeightTensor(name, layer, weight.rows, weight.columns, weight.matrices))
    return tuple(found.values())


def n_parameters(model: Model) -> int:
    """Number of trained parameters; a tied embedding counts once."""
    return sum(tensor.elements for tensor in weight_tensors(model))


def _sections(model: Model) -> Iterator[tuple[int | None, Section]]:
    step, precision = Step(1, 1, 0), Precision()
    blocks: dict[Hashable, Section] = {}
    yield None, prologue(model, step, precision)
    for layer in range(model.n_layers):
        variant = model.architecture.variant(model, step, layer)
        if variant not in blocks:
            blocks[variant] = block(model, step, precision, variant)
        yield layer, blocks[variant]
    yield None, epilogue(model, step, precision)
