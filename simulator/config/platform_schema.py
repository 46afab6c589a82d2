"""What a platform's YAML may say: components, how work is placed on them, and what was assumed or fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, PlainValidator, SerializeAsAny, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.config.allowed import COMPONENT_MARK
from simulator.config.area_schema import Areas
from simulator.config.base_schema import Spec
from simulator.config.compat_schema import AttaccArtifact, CentArtifact, Compat
from simulator.config.registry import component_specs

Family = Literal["cpu", "gpu", "fpga", "asic", "pim", "ndp3d", "hybrid"]


class ComponentSpec(Spec):
    """The base of every component's spec.

    A unit module derives its own and registers it in `component_specs` under its kind. ``area``: the silicon of one
    device that it takes.
    """

    kind: str
    source: str | None = None
    area: Areas = Field(default_factory=dict)


class Calibration(Spec):
    """A factor that was fitted to measured data, named so that the result can list it."""

    name: str
    value: float
    fitted_to: str
    source: str


class Placement(Spec):
    """Which unit runs which op: a policy by name, and its options."""

    policy: str
    options: dict[str, int | float | str | bool] = Field(default_factory=dict)


def _number(value: Any) -> int | str:
    if value == "auto" or (type(value) is int and value >= 1):
        return cast("int | str", value)
    raise ValueError(f"'{value}' is not a number of devices (allowed: at least 1, or auto)")


Number = Annotated[int | Literal["auto"], PlainValidator(_number, json_schema_input_type=int | str)]
"""A number of devices, or ``auto``: as many as a workload needs."""


def _or_one(number: int | str) -> int:
    return 1 if isinstance(number, str) else number


class Devices(Spec):
    """``count`` equal devices, each with all components but those that are shared (host, fabric).

    ``auto``: as few as hold a workload, in whole units of ``multiple_of`` (a server, a wafer).
    """

    wanted: Number = Field(1, alias="count")
    multiple_of: Annotated[int, Field(ge=1)] = 1

    @property
    def count(self) -> int:
        """The devices; one while no workload has said how many."""
        return _or_one(self.wanted)


class Parallelism(Spec):
    """How a model is spread over devices: ``tensor`` x ``sequence`` x ``pipeline`` x ``data`` of them.

    ``auto``: what the count of devices leaves, or as few as a workload needs; of both at once ``pipeline`` is a stage
    for each block.
    ``policy``: what of a block each of the ``tensor`` devices holds. ``expert``: devices of a stage, of one copy or of
    several, over which whole experts are dealt out; 1: each expert is cut up as other products are. ``stage``: a
    ``device`` is one stage of the pipeline, or each ``block`` of the model is, on its share of its device's channels.
    ``start``: a block starts ``at_once`` when its input is there, or with its device's next ``refresh``. ``head``: the
    projection to the vocabulary is ``dealt_out`` to devices, or whole (``replicated``) on each that has its input.
    """

    policy: str = "megatron"
    wanted_tensor: Number = Field(1, alias="tensor")
    sequence: Annotated[int, Field(ge=1)] = 1
    wanted_pipeline: Number = Field(1, alias="pipeline")
    data: Annotated[int, Field(ge=1)] = 1
    expert: Annotated[int, Field(ge=1)] = 1
    stage: Literal["device", "block"] = "device"
    start: Literal["at_once", "refresh"] = "at_once"
    head: Literal["dealt_out", "replicated"] = "dealt_out"

    @property
    def tensor(self) -> int:
        """Devices that share each stage; one while no workload has said how many."""
        return _or_one(self.wanted_tensor)

    @property
    def pipeline(self) -> int:
        """Groups of devices, one after the other; one while no workload has said how many."""
        return _or_one(self.wanted_pipeline)


def _component(value: Any) -> ComponentSpec:
    """The component as the spec class of its ``kind``; faults inside it keep their paths."""
    if isinstance(value, ComponentSpec):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("mapping_type", "not a mapping")
    kind = value.get("kind")
    if kind is None:
        raise _kind_error("missing", value)
    if kind not in component_specs:
        message = component_specs.unknown(str(kind))
        raise _kind_error(PydanticCustomError("component_kind", "{message}", {"message": message}), kind)
    return component_specs.get(kind).model_validate(value, strict=True)


def _kind_error(what: str | PydanticCustomError, found: object) -> ValidationError:
    """A fault of the key ``kind`` itself."""
    return ValidationError.from_exception_data("component", [{"type": what, "loc": ("kind",), "input": found}])


def _compat(value: Any) -> Compat:
    """The artifact whose switch the document has."""
    if isinstance(value, Compat):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("mapping_type", "not a mapping")
    artifact = AttaccArtifact if "attacc" in value else CentArtifact
    return artifact.model_validate(value, strict=True)


Component = Annotated[
    SerializeAsAny[ComponentSpec], PlainValidator(_component), WithJsonSchema({"type": "object", COMPONENT_MARK: True})
]


class Platform(Spec):
    """A design point: what it is made of, and how work is laid out on it."""

    kind: Literal["platform"]
    name: str
    description: str
    family: Family
    source: str
    plugins: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    components: Annotated[dict[str, Component], Field(min_length=1)]
    devices: Devices = Field(default_factory=Devices)
    parallelism: Parallelism = Field(default_factory=Parallelism)
    compat: Annotated[SerializeAsAny[Compat], PlainValidator(_compat, json_schema_input_type=Compat)] | None = None
    placement: Placement
    layout: str

    @property
    def sized(self) -> bool:
        """Whether the devices are counted, and not left to the workload."""
        spread = self.parallelism
        return "auto" not in (self.devices.wanted, spread.wanted_tensor, spread.wanted_pipeline)
