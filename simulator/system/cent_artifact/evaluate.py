"""A `Result` with the artifact's figures for a workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from simulator.config.compat_schema import CentArtifact
from simulator.config.platform_schema import Platform
from simulator.errors import MappingError
from simulator.mapping.cent.layout import CHANNELS
from simulator.metrics.result import ENERGY_CLASSES, Energy, Latency
from simulator.system.artifact_figures import Figures
from simulator.system.cent_artifact.energy import CLASS_OF
from simulator.system.cent_artifact.model import Evaluation, Point, contexts, deployment, mean
from simulator.workload.precision import FORMAT_BITS
from simulator.workload.scenario import Workload

MJ = 1e-3

ELEMENT_BITS = 16

ASSUMPTIONS = (
    "compat.cent: the figures are those of CENT's artifact as it computes them, not of the platform's own model",
    "compat.cent: no refresh and no activation limit; near-bank program, CXL and accelerator times are added up",
    "compat.cent: standby energy is divided by the number of channels twice, 32 times too low",
    "compat.cent: PCIe energy is charged per element instead of per bit, 16 times too low",
    "compat.cent: rates are averaged over contexts, not times; power is energy over the near-bank program's time alone",
    "compat.cent: the prompt runs token by token; only multiples of the context step are evaluated",
    "compat.cent: tokens_per_s is that of a full pipeline, whatever the batch; latency is that of one query",
)


def evaluate(platform: Platform, workload: Workload, progress: Callable[[int, int], None] | None = None) -> Figures:
    """Run the artifact's evaluation. Raises MappingError for a parallelism that it does not have."""
    artifact = platform.compat
    assert isinstance(artifact, CentArtifact)
    bits = {FORMAT_BITS[name] for name in asdict(workload.precision).values()}
    if bits != {ELEMENT_BITS}:
        raise MappingError(f"compat.cent: the artifact knows {ELEMENT_BITS}-bit elements alone, not {sorted(bits)}")
    evaluation = Evaluation(artifact, deployment(platform, workload.model.n_layers), workload.model)
    prompt, total = workload.prompt_tokens, workload.prompt_tokens + workload.output_tokens
    wanted = {
        "prefill": contexts(artifact.context_step, 0, prompt),
        "decode": contexts(artifact.context_step, prompt, total),
    }
    points: dict[str, list[Point]] = {"prefill": [], "decode": []}
    n_points = sum(len(some) for some in wanted.values())
    for stage, some in wanted.items():
        for context in some:
            points[stage].append(evaluation.point(context))
            if progress is not None:
                progress(sum(len(done) for done in points.values()), n_points)
    return _figures(points, {"prefill": prompt, "decode": workload.output_tokens})


def _figures(points: Mapping[str, Sequence[Point]], tokens: Mapping[str, int]) -> Figures:
    decode = points["decode"]
    every = [point for some in points.values() for point in some]
    tpot_s = mean(point.token_ms for point in decode) / 1e3
    e2e_s = mean(point.token_ms for point in every) * sum(tokens.values()) / 1e3
    ttft_s = mean(point.token_ms for point in points["prefill"]) * tokens["prefill"] / 1e3
    energy_j = {stage: _energy_j(some, tokens[stage]) for stage, some in points.items()}
    token_j = mean(point.total_mj for point in decode) * MJ
    return Figures(
        headline={
            "tokens_per_s": mean(point.tokens_per_s for point in decode),
            "tokens_per_j": 1 / token_j,
            "power_w": mean(point.power_w for point in decode),
            "edp_j_s": token_j * tpot_s,
            "latency": Latency(ttft_s=ttft_s, tpot_s=tpot_s, e2e_s=e2e_s),
        },
        time_ps=round(e2e_s * 1e12),
        time_by_op_kind_s={stage: _time_s(some, tokens[stage]) for stage, some in points.items()},
        energy=_total(energy_j),
        energy_by_op_kind_j=energy_j,
        assumptions=(*ASSUMPTIONS, _corrected(decode)),
        commands=_commands(points, tokens),
    )


def _corrected(points: Sequence[Point]) -> str:
    """What the figures become without the defects that only its arithmetic has."""
    token_mj = mean(
        point.total_mj + (CHANNELS - 1) * point.energy_mj["standby"] + (ELEMENT_BITS - 1) * point.energy_mj["pcie"]
        for point in points
    )
    rate = 1e3 * points[0].stages / mean(point.token_ms for point in points)
    return (
        f"compat.cent: with times averaged and standby and PCIe energy in full it would be {rate:.0f} tokens/s and "
        f"{token_mj:.1f} mJ a token"
    )


def _energy_j(points: Sequence[Point], tokens: int) -> dict[str, float]:
    return {part: mean(point.energy_mj[part] for point in points) * tokens * MJ for part in sorted(CLASS_OF)}


def _time_s(points: Sequence[Point], tokens: int) -> dict[str, float]:
    """Times of one block, as the artifact splits them, x its share of a token's time."""
    whole = mean(point.token_ms for point in points) * tokens / 1e3
    parts = {
        "near_bank": mean(point.program_ms for point in points),
        "cxl": mean(point.cxl_ms for point in points),
        "accelerators": mean(point.accelerator_ms for point in points),
    }
    scale = tokens / 1e3 * points[0].blocks
    split = {name: ms * scale for name, ms in parts.items()}
    return split | {"ends": whole - sum(split.values())}


def _total(energy_j: Mapping[str, Mapping[str, float]]) -> Energy:
    by_part = {part: sum(stage[part] for stage in energy_j.values()) for part in sorted(CLASS_OF)}
    by_class = dict.fromkeys(sorted(ENERGY_CLASSES), 0.0)
    for part, joules in by_part.items():
        by_class[CLASS_OF[part]] += joules
    return Energy(total=sum(by_part.values()), by_component=by_part, by_class=by_class)


def _commands(points: Mapping[str, Sequence[Point]], tokens: Mapping[str, int]) -> dict[str, int]:
    names = sorted({name for some in points.values() for point in some for name in point.commands})
    return {
        name: round(
            sum(mean(point.commands.get(name, 0) for point in some) * tokens[stage] for stage, some in points.items())
        )
        for name in names
    }
