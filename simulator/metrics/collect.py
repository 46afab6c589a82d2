"""The collector: all observers of one run, and the `Result` made from what they saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import ConservationError
from simulator.hooks import Instrument
from simulator.metrics import provenance
from simulator.metrics.area import DieArea
from simulator.metrics.commands import CommandCounts
from simulator.metrics.data_movement import DataMovement
from simulator.metrics.energy import PS_PER_S, EnergyReport, EnergyTable, EnergyTally
from simulator.metrics.latency import OpKindTimes, TokenTimes
from simulator.metrics.op_work import OpWork
from simulator.metrics.result import STAGES, Capacity, Identity, Latency, Provenance, Result, Thermal
from simulator.metrics.stage import Stage, Tally, whole
from simulator.metrics.utilization import Utilization


@dataclass(frozen=True)
class RunFacts:
    """What the observers cannot see: who ran, at which prices, and what the system knows about itself.

    ``static_power_w``: component -> energy class -> W. ``clock_ps``: component -> clock period, for those with one.
    ``side_by_side``: components whose work for several devices overlaps. ``blocks``: of the model, 0 where they do not
    run one after the other. ``quality``: metric -> value and where it was published.
    """

    arch: Identity
    workload: Identity
    batch: int
    energy_tables: Mapping[str, EnergyTable]
    static_power_w: Mapping[str, Mapping[str, float]]
    clock_ps: Mapping[str, float]
    bound_by: Mapping[str, str]
    capacity: Capacity
    quality: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    side_by_side: Collection[str] = ()
    area: DieArea = field(default_factory=lambda: DieArea({}, ()))
    blocks: int = 0
    mapping: Mapping[str, dict[str, dict[str, int | str]]] = field(default_factory=dict)
    thermal: Thermal | None = None
    assumptions: tuple[str, ...] = ()
    calibrations: tuple[dict[str, Any], ...] = ()
    config_hashes: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    wall_s: float = 0.0
    events: int = 0


class Collector:
    """Observes one run on ``devices`` equal devices.

    ``instruments`` go to the hooks; call ``enter`` before each step, ``result`` at the end.
    """

    def __init__(self, devices: int = 1) -> None:
        self.stage = Stage()
        self.tokens = TokenTimes(self.stage)
        self.op_kinds = OpKindTimes(self.stage)
        self.energy = EnergyTally(self.stage)
        self.movement = DataMovement(self.stage)
        self.command_counts = CommandCounts(self.stage)
        self.utilization = Utilization(self.stage, devices)
        self.work = OpWork(self.stage)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """All tallies of the collector."""
        return (
            self.tokens,
            self.op_kinds,
            self.energy,
            self.movement,
            self.command_counts,
            self.utilization,
            self.work,
        )

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What to register with the hooks."""
        return self.tallies

    def enter(self, stage: str, weight: float = 1, tokens: float | None = None) -> None:
        """The next step belongs to ``stage`` (``prefill`` or ``decode``) and stands for ``weight`` steps.

        ``tokens``: what all those yield for each sequence; None for one each.
        """
        self._begin(stage)
        self.stage.weigh(weight)
        if tokens is not None:
            self.stage.tokens = tokens

    def enter_part(self, stage: str, time: float, count: float, tokens: float) -> None:
        """What is simulated next belongs to ``stage`` and counts as `Stage` says."""
        self._begin(stage)
        self.stage.time, self.stage.count, self.stage.tokens = time, count, tokens

    def _begin(self, stage: str) -> None:
        if stage not in STAGES:
            raise ValueError(f"stage is one of {', '.join(STAGES)}, not {stage!r}")
        for tally in self.tallies:
            tally.flush()
        self.stage.name = stage

    def result(self, facts: RunFacts) -> Result:
        """The result of the run. Raises ConservationError when the tallies contradict each other."""
        stage_ps = self.tokens.stage_ps()
        time_ps = whole(sum(stage_ps.values()))
        report = self.energy.report(facts.energy_tables, facts.static_power_w, stage_ps)
        profile = self.utilization.profile(facts.blocks) if self.tokens.steps["decode"] and facts.blocks else None
        fractions = self.utilization.fractions(time_ps, facts.side_by_side)
        busy_ps = self.utilization.busy_ps()
        return Result(
            arch=facts.arch,
            workload=facts.workload,
            **self._rates(facts.batch, report),
            time_ps=time_ps,
            time_by_op_kind_s=self._time_by_op_kind(stage_ps),
            work_by_op_kind=self.work.by_op_kind(),
            cycles={c: whole(busy_ps[c] / period) for c, period in sorted(facts.clock_ps.items()) if c in busy_ps},
            energy_j=report.energy(),
            energy_by_op_kind_j=report.by_op_kind(),
            data_movement_bytes=self.movement.by_hop(),
            commands=self.command_counts.by_name(),
            utilization=fractions,
            busy_profile=profile,
            bound_by=dict(sorted(facts.bound_by.items())),
            capacity=facts.capacity,
            quality={metric: value for metric, (value, _) in sorted(facts.quality.items())},
            quality_from={metric: where for metric, (_, where) in sorted(facts.quality.items())},
            area_mm2=facts.area.total_mm2,
            area_by_component_mm2=dict(sorted(facts.area.by_component_mm2.items())),
            mapping=dict(facts.mapping),
            thermal=facts.thermal,
            assumptions=(*facts.assumptions, *facts.area.assumptions()),
            calibrations=facts.calibrations,
            provenance=self._provenance(facts),
        )

    def _rates(self, batch: int, report: EnergyReport) -> dict[str, Any]:
        stage_s = {stage: ps / PS_PER_S for stage, ps in self.tokens.stage_ps().items()}
        steps, decode_s = self.tokens.steps["decode"], stage_s["decode"]
        ttft_s, e2e_s = stage_s["prefill"], sum(self.tokens.stage_ps().values()) / PS_PER_S
        if not steps:
            latency = Latency(ttft_s=ttft_s, tpot_s=None, e2e_s=e2e_s)
            return {"latency": latency} | dict.fromkeys(("tokens_per_s", "tokens_per_j", "power_w", "edp_j_s"))
        tokens, decode_j, tpot_s = batch * steps, report.total(stage="decode"), decode_s / steps
        return {
            "latency": Latency(ttft_s=ttft_s, tpot_s=tpot_s, e2e_s=e2e_s),
            "tokens_per_s": tokens / decode_s,
            "tokens_per_j": tokens / decode_j if decode_j else None,
            "power_w": decode_j / decode_s,
            "edp_j_s": decode_j / tokens * tpot_s,
        }

    def _time_by_op_kind(self, stage_ps: Mapping[str, float]) -> dict[str, dict[str, float]]:
        by_kind = self.op_kinds.by_kind_ps()
        for stage, parts in by_kind.items():
            if abs(sum(parts.values()) - stage_ps[stage]) > max(1.0, 1e-9 * stage_ps[stage]):
                raise ConservationError(f"{stage}: op kinds share {sum(parts.values())} ps of {stage_ps[stage]} ps")
        return {stage: {kind: ps / PS_PER_S for kind, ps in parts.items()} for stage, parts in by_kind.items()}

    def _provenance(self, facts: RunFacts) -> Provenance:
        return Provenance(
            version=provenance.version(),
            commit=provenance.commit(),
            config_hashes=dict(sorted(facts.config_hashes.items())),
            seed=facts.seed,
            python=provenance.python_version(),
            wall_s=facts.wall_s,
            events=facts.events,
            commands_simulated=self.command_counts.simulated,
        )
