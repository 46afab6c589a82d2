"""What a report is made of: runs with their design points, and sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from simulator.hooks import IssuedCommand
from simulator.metrics.result import Result

if TYPE_CHECKING:
    from simulator.report.money import Money

Scalar = str | int | float | bool | None


def held(time: Mapping[str, float], bound_by: Mapping[str, str]) -> tuple[str, float] | None:
    """The limit of ``bound_by`` (by op kind) that takes most of ``time`` (by op kind), and its share of it."""
    total = sum(time.values())
    shares: dict[str, float] = {}
    for kind, seconds in time.items():
        limit = bound_by.get(kind)
        if limit is not None and total:
            shares[limit] = shares.get(limit, 0.0) + seconds / total
    return max(shares.items(), key=lambda item: (item[1], item[0])) if shares else None


@dataclass(frozen=True)
class Run:
    """A run to show. ``name`` is its own; ``design`` is what its name is at any batch size.

    ``point``: what `design_point.describe` says of the platform, None where it cannot be built here (a plug-in that is
    not installed). ``command``: how to get the result again. ``issued``: the DRAM commands of a short time by memory.
    """

    name: str
    design: str
    result: Result
    point: Mapping[str, Any] | None = None
    command: str | None = None
    issued: Mapping[str, Sequence[IssuedCommand]] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Sequences decoded together."""
        return int(self.result.workload.values["batch"])

    @property
    def label(self) -> str:
        """The run in few words."""
        return f"{self.design}, {'requests' if self.result.traffic else f'batch {self.batch}'}"

    @property
    def mark_name(self) -> str:
        """What stands beside its mark in a picture: ``b8`` is batch 8."""
        return self.design if self.result.traffic else f"{self.design} b{self.batch}"

    @property
    def decode_steps(self) -> int:
        """Steps that decode: those after the prompt, or all of a request stream. At least 1."""
        traffic = self.result.traffic
        return max(traffic.steps if traffic else int(self.result.workload.values["output_tokens"]) - 1, 1)

    @property
    def decoded_tokens(self) -> int:
        """Tokens of the decode stage, all sequences together: all but the first of each. At least 1."""
        traffic = self.result.traffic
        return max(traffic.output_tokens - traffic.requests, 1) if traffic else self.decode_steps * self.batch

    @property
    def family(self) -> str:
        """The family of its platform: ``cpu``, ``gpu``, ..."""
        return str(self.result.arch.values.get("family", "hybrid"))

    @property
    def stage(self) -> str:
        """The stage to look at: decode, or the prompt of a run without decode steps."""
        return "decode" if self.result.time_by_op_kind_s["decode"] else "prefill"

    @property
    def held_by(self) -> tuple[str, float] | None:
        """What held the decode stage for the longest, and its share of the time; None where no limit is known."""
        return held(self.result.time_by_op_kind_s[self.stage], self.result.bound_by)


def named_apart(runs: Sequence[Run]) -> list[Run]:
    """The runs with names that differ: those of the same label are numbered."""
    times = Counter(run.label for run in runs)
    seen: Counter[str] = Counter()
    found = []
    for run in runs:
        seen[run.label] += 1
        design = f"{run.design} ({seen[run.label]})" if times[run.label] > 1 else run.design
        what = "requests" if run.result.traffic else f"batch{run.batch}"
        found.append(replace(run, design=design, name=f"{design}_{what}"))
    return found


@dataclass(frozen=True)
class SweepTable:
    """A sweep to show. ``axes``: the columns that vary; ``objectives``: column -> ``max`` or ``min``.

    ``front``: positions in ``rows`` of the best compromises. ``missing``: points without an outcome. ``parquet``: its
    table to be downloaded, empty for none.
    """

    name: str
    rows: Sequence[Mapping[str, Scalar]]
    axes: Sequence[str]
    objectives: Mapping[str, str]
    front: Sequence[int]
    command: str
    missing: int = 0
    parquet: bytes = b""


@dataclass(frozen=True)
class Evidence:
    """All of a report. ``failed``: runs without a result, and why. ``max_power_w``: the cap to judge under.

    ``money``: what tokens cost, where prices were given.
    """

    runs: Sequence[Run]
    failed: Mapping[str, str] = field(default_factory=dict)
    sweeps: Sequence[SweepTable] = ()
    max_power_w: float | None = None
    command: str | None = None
    money: Money | None = None
