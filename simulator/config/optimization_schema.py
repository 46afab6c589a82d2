"""The ``optimizations`` of a workload: blocks by name, each validated by the class that registered under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, SerializeAsAny, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.config.allowed import OPTIMIZATIONS_MARK
from simulator.config.base_schema import Spec
from simulator.config.registry import optimization_blocks


@dataclass(frozen=True)
class _Named:
    """A block on its way to its class."""

    name: str
    entry: Any


def _named(blocks: Any) -> Any:
    """Each entry with its name, by which its class is found."""
    return {name: _Named(str(name), entry) for name, entry in blocks.items()} if isinstance(blocks, Mapping) else blocks


def _block(named: _Named) -> Spec:
    """The block as the class of its name; faults inside it keep their paths."""
    if named.name not in optimization_blocks:
        message = optimization_blocks.unknown(named.name)
        fault = PydanticCustomError("optimization", "{message}", {"message": message})
        raise ValidationError.from_exception_data("block", [{"type": fault, "loc": (), "input": named.name}])
    block = optimization_blocks.get(named.name)
    return named.entry if isinstance(named.entry, block) else block.model_validate(_frozen(named.entry), strict=True)


def _frozen(value: Any) -> Any:
    """Lists as tuples, which is what specs hold; also of what was read back from JSON."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


Optimizations = Annotated[
    dict[str, Annotated[SerializeAsAny[Spec], PlainValidator(_block)]],
    BeforeValidator(_named),
    WithJsonSchema({"type": "object", OPTIMIZATIONS_MARK: True}),
]
"""Block name -> block, in the order of the YAML."""
