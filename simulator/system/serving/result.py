"""The `Result` of a request stream: what its simulated steps counted, each as often as it stands for a real one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from simulator.errors import ConservationError
from simulator.metrics import provenance
from simulator.metrics.collect import RunFacts
from simulator.metrics.energy import PS_PER_S, RELATIVE_TOLERANCE, EnergyReport, EnergyRow
from simulator.metrics.result import STAGES, STATIC, WAITING, Capacity, Latency, Provenance, Result
from simulator.metrics.traffic import Traffic
from simulator.system.serving.run import Served
from simulator.system.serving.step_cost import totals

BESIDE = ("transfer",)
"""Stages that take no time of a copy of the model."""

Totals = Mapping[str, Mapping[tuple[str, ...], float]]


def result_of(served: Served, traffic: Traffic, facts: RunFacts) -> Result:
    """The result. Raises ConservationError when sums contradict each other."""
    found = totals(served.costs.points.all())
    _check_time(served, found)
    energy = EnergyReport(tuple(_energy_rows(served, facts, found)))
    total = energy.energy()
    tokens, copies = traffic.output_tokens, len(served.stream.copies)
    time_ps = served.stream.now_ps
    busy_ps = _summed(found, "busy")
    tpot_s = traffic.tpot_s.mean if traffic.tpot_s else None
    return Result(
        arch=facts.arch,
        workload=facts.workload,
        tokens_per_s=tokens / traffic.duration_s,
        tokens_per_j=tokens / total.total if total.total else None,
        power_w=total.total / traffic.duration_s,
        edp_j_s=total.total / tokens * tpot_s if tpot_s is not None else None,
        latency=Latency(ttft_s=traffic.ttft_s.mean, tpot_s=tpot_s, e2e_s=traffic.e2e_s.mean),
        time_ps=time_ps,
        time_by_op_kind_s=_times(found),
        cycles={c: round(busy_ps[c] / copies / ps) for c, ps in sorted(facts.clock_ps.items()) if c in busy_ps},
        energy_j=total,
        energy_by_op_kind_j={stage: energy.sums("op_kind", stage=stage) for stage in (*STAGES, *_others(found))},
        data_movement_bytes={hop: round(n) for hop, n in _summed(found, "hop").items()},
        commands={name: round(n) for name, n in _summed(found, "command").items() if round(n)},
        utilization=_utilization(busy_ps, time_ps * copies, facts.side_by_side),
        bound_by=_bound_by(found),
        capacity=Capacity(
            needed_bytes=sum(served.room.needed_bytes(copy.scheduler.pool.peak) for copy in served.stream.copies),
            available_bytes=copies * served.room.available_bytes,
        ),
        area_mm2=facts.area.total_mm2,
        area_by_component_mm2=dict(sorted(facts.area.by_component_mm2.items())),
        traffic=traffic,
        assumptions=(*facts.assumptions, *facts.area.assumptions()),
        calibrations=facts.calibrations,
        provenance=Provenance(
            version=provenance.version(),
            commit=provenance.commit(),
            config_hashes=dict(sorted(facts.config_hashes.items())),
            seed=facts.seed,
            python=provenance.python_version(),
            wall_s=facts.wall_s,
            events=served.steps.events,
            commands_simulated=served.steps.commands,
        ),
    )


def _others(found: Totals) -> list[str]:
    return sorted(set(found) - set(STAGES))


def _stage_ps(found: Totals) -> dict[str, float]:
    """Time of each stage that takes time of a copy, over all copies."""
    return {stage: amounts["time",] for stage, amounts in found.items() if stage not in BESIDE}


def _check_time(served: Served, found: Totals) -> None:
    """The stages share the time of all copies; each step was rounded to whole ps."""
    stream = served.stream
    copies_ps = stream.now_ps * len(stream.copies)
    shared_ps = math.fsum(_stage_ps(found).values())
    steps = sum(copy.steps for copy in stream.copies)
    if abs(shared_ps - copies_ps) > steps + 1 + RELATIVE_TOLERANCE * copies_ps:
        raise ConservationError(f"the stages of the stream share {shared_ps} ps, its copies worked {copies_ps} ps")


def _energy_rows(served: Served, facts: RunFacts, found: Totals) -> Iterator[EnergyRow]:
    for stage in sorted(found):
        for key, joules in sorted(found[stage].items()):
            if key[0] == "energy":
                yield EnergyRow(stage, key[1], key[2], key[3], joules)
    stage_ps, seconds = _stage_ps(found), served.stream.now_ps / PS_PER_S
    all_ps = math.fsum(stage_ps.values())
    for component, watts_of in sorted(facts.static_power_w.items()):
        for energy_class, watts in watts_of.items():
            for stage in sorted(stage_ps):
                yield EnergyRow(stage, STATIC, component, energy_class, watts * seconds * stage_ps[stage] / all_ps)


def _summed(found: Totals, what: str) -> dict[str, float]:
    """By name the sum over all stages of one kind of amount, sorted."""
    sums: dict[str, float] = defaultdict(float)
    for stage in sorted(found):
        for key, amount in found[stage].items():
            if key[0] == what:
                sums[key[1]] += amount
    return dict(sorted(sums.items()))


def _times(found: Totals) -> dict[str, dict[str, float]]:
    """Stage -> op kind -> s, over all copies; a copy without work waits."""
    times: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
    for stage, stage_ps in sorted(_stage_ps(found).items()):
        kinds = {key[1]: amount for key, amount in sorted(found[stage].items()) if key[0] == "kind"}
        rest = stage_ps - math.fsum(kinds.values())
        if abs(rest) > max(1.0, RELATIVE_TOLERANCE * stage_ps):
            kinds[WAITING] = kinds.get(WAITING, 0.0) + rest
        times[stage] = {kind: ps / PS_PER_S for kind, ps in kinds.items()}
    return times


def _utilization(busy_ps: Mapping[str, float], time_ps: int, side_by_side: Collection[str]) -> dict[str, float]:
    for component, ps in busy_ps.items():
        if ps > time_ps * (1 + RELATIVE_TOLERANCE) + 1 and component not in side_by_side:
            raise ConservationError(f"{component}: busy for {ps} ps of {time_ps} ps")
    return {component: min(1.0, max(0.0, ps / time_ps)) for component, ps in busy_ps.items()}


def _bound_by(found: Totals) -> dict[str, str]:
    held: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for stage in STAGES:
        for key, ps in found.get(stage, {}).items():
            if key[0] == "held":
                held[key[1]][key[2]] += ps
    return {kind: max(sorted(by_name), key=by_name.__getitem__) for kind, by_name in sorted(held.items())}
