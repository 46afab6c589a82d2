"""The `Result` of one run: a frozen record, schema ``nearbank.result/1``."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.metrics.traffic import Traffic

SCHEMA: Final = "nearbank.result/1"

VALUES: Final = "values"
"""The key of an `Identity` under which the resolved YAML stands."""

STAGES = ("prefill", "decode")
"""The stages of a run, in order: the prompt, then one step per further token."""

ENERGY_CLASSES = ("dram_array", "dram_io", "tsv", "link", "network", "sram", "compute", "static", "host")
"""The closed set of places where energy is spent."""

STATIC = "static"
"""The entry of ``energy_by_op_kind_j`` for power that flows whether or not an op runs."""

WAITING = "waiting"
"""The entry of ``time_by_op_kind_s`` for time in which no op runs (data on its way between components)."""


class Record(BaseModel):
    """A frozen part of the result in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Identity(Record):
    """What was simulated: its name, the SHA-256 of its resolved values, and those values."""

    name: str
    content_hash: str
    values: dict[str, Any]


class Latency(Record):
    """Seconds: to the first token, per later token, and to the last token. ``tpot_s`` is None without a decode step."""

    ttft_s: float
    tpot_s: float | None
    e2e_s: float


class Energy(Record):
    """Joules of the whole run. ``by_component`` and ``by_class`` each sum to ``total``."""

    total: float
    by_component: dict[str, float]
    by_class: dict[str, float]


class Capacity(Record):
    """Bytes the workload needs in the memory that holds it, and bytes there are."""

    needed_bytes: int
    available_bytes: int


class Thermal(Record):
    """The steady state of a stack under the run's average power, and what it did to the run.

    ``temperature_c`` and ``power_w`` (the heat made there): of the heat sink and each die. ``refresh_factor``: how much
    more often the memory refreshed. ``speed``: the share of full speed at which throttled parts ran. ``within_limit``:
    whether every die stays at or below ``limit_c``. ``converged``: whether leakage and temperature settle. ``runs``:
    simulations until refresh and speed agreed with the temperature.
    """

    ambient_c: float
    temperature_c: dict[str, float]
    power_w: dict[str, float]
    hottest_c: float
    limit_c: float
    within_limit: bool
    refresh_factor: int
    speed: float
    converged: bool
    runs: int


class OpKindWork(Record):
    """What all ops of a kind need in a stage: FLOPs, and bytes of stored weights, keys and values."""

    flops: int
    bytes: int


class BusyProfile(Record):
    """Busy share of each component, 0 to 1, in equal bins of ``bin_ps`` from ``start_ps`` after the step began.

    ``moved_bytes``: ``component: hop`` -> what crossed it in each bin, each transfer spread evenly over its time.
    The window is two blocks of the model in the middle of the last decode step that was simulated.
    """

    start_ps: int
    bin_ps: int
    busy: dict[str, tuple[float, ...]]
    moved_bytes: dict[str, tuple[int, ...]] = Field(default_factory=dict)


class Provenance(Record):
    """Where the figures come from. Every field but ``wall_s`` is the same for the same input."""

    version: str
    commit: str | None
    config_hashes: dict[str, str]
    seed: int
    python: str
    wall_s: float
    events: int
    commands_simulated: int


def _sorted(data: Any) -> Any:
    """``data`` with the keys of all mappings sorted, but for those of ``values``."""
    if isinstance(data, dict):
        return {key: data[key] if key == VALUES else _sorted(data[key]) for key in sorted(data)}
    return [_sorted(item) for item in data] if isinstance(data, list) else data


class Result(Record):
    """The figures of one run. Units are in the names; each field is defined in docs/results.md."""

    schema_: Literal["nearbank.result/1"] = Field(default=SCHEMA, alias="schema")
    arch: Identity
    workload: Identity
    tokens_per_s: float | None
    tokens_per_j: float | None
    power_w: float | None
    edp_j_s: float | None
    latency: Latency
    time_ps: int
    time_by_op_kind_s: dict[str, dict[str, float]]
    work_by_op_kind: dict[str, dict[str, OpKindWork]] = Field(default_factory=dict)
    cycles: dict[str, int]
    energy_j: Energy
    energy_by_op_kind_j: dict[str, dict[str, float]]
    data_movement_bytes: dict[str, int]
    commands: dict[str, int]
    utilization: dict[str, float]
    busy_profile: BusyProfile | None = None
    bound_by: dict[str, str]
    capacity: Capacity
    quality: dict[str, float] = Field(default_factory=dict)
    quality_from: dict[str, str] = Field(default_factory=dict)
    area_mm2: float | None = None
    area_by_component_mm2: dict[str, float] = Field(default_factory=dict)
    mapping: dict[str, dict[str, dict[str, int | str]]] = Field(default_factory=dict)
    thermal: Thermal | None = None
    traffic: Traffic | None = None
    assumptions: tuple[str, ...]
    calibrations: tuple[dict[str, Any], ...]
    provenance: Provenance

    def to_json(self) -> str:
        """The result as one JSON document: floats in shortest exact form, a newline at the end.

        Keys are sorted, but for those of ``values``, whose order may say something, as of the levels of a DRAM.
        """
        return json.dumps(_sorted(self.model_dump(mode="json")), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """The result that ``to_json`` wrote; pydantic.ValidationError if it is not one."""
        return cls.model_validate_json(text)
