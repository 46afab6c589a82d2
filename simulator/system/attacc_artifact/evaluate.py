"""The figures of AttAcc's simulator for a workload: decode steps, the prompt on the GPUs, energy of decode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simulator.config.compat_schema import AttaccArtifact
from simulator.config.platform_schema import Platform
from simulator.errors import MappingError
from simulator.metrics.result import ENERGY_CLASSES, Energy, Latency
from simulator.system.artifact_figures import Figures
from simulator.system.attacc_artifact.layers import Block, Layer
from simulator.system.attacc_artifact.overlap import Times, ffn_share, pipelined
from simulator.system.attacc_artifact.roofline import Cost, Gpus
from simulator.system.attacc_artifact.units import Units
from simulator.system.executor import ops_of
from simulator.workload.graph import DecodeGraphs
from simulator.workload.precision import FORMAT_BITS, Precision
from simulator.workload.scenario import Workload

ASSUMPTIONS = (
    "compat.attacc: the figures are those of AttAcc's simulator as it computes them, not of the platform's own model",
    "compat.attacc: GPU cores idle in the last wave of blocks take their part of the DRAM's bandwidth with them",
    "compat.attacc: an all-reduce is N - 1 messages of 6 us; norms and activation functions take 7 and 8 us at least",
    "compat.attacc: energy of moves between dies is charged per byte at pJ/bit, 8 times too low",
    "compat.attacc: no energy of the context's MACs, of the second pseudo-channel at the buffer, of time that goes by",
    "compat.attacc: memory capacity is reported and not enforced",
    "compat.attacc: embedding, vocabulary and sampling are left out; prompts compute whole squares of scores",
    "compat.attacc: cycles of attention come from this simulator's programs, not from AttAcc's own",
)


@dataclass
class _Stage:
    """Sums over the steps of a stage, each with its weight: s and J of all blocks by op kind, and commands."""

    time_s: Counter[str]
    energy_j: Counter[tuple[str, str]]
    commands: Counter[str]

    def add(self, times: Times, energy_j: Mapping[tuple[str, str], float], commands: Counter[str], n: float) -> None:
        """One block's, ``n`` times."""
        for kind, seconds in times.items():
            self.time_s[kind] += seconds * n  # type: ignore[assignment]  # counters of floats
        for key, joules in energy_j.items():
            self.energy_j[key] += joules * n  # type: ignore[assignment]
        for name, count in commands.items():
            self.commands[name] += count * n  # type: ignore[assignment]


def evaluate(platform: Platform, workload: Workload, progress: Callable[[int, int], None] | None = None) -> Figures:
    """Run AttAcc's evaluation. Raises MappingError for what its simulator does not have."""
    artifact = platform.compat
    assert isinstance(artifact, AttaccArtifact)
    for key in ("sequence", "expert"):
        if getattr(platform.parallelism, key) > 1:
            raise MappingError(f"compat.attacc: it has no {key} parallelism (allowed: parallelism.{key}: 1)")
    steps = workload.decode_steps()
    if not steps:
        raise MappingError("compat.attacc: it has no figures without decode (allowed: output_tokens of 2 and more)")
    evaluation = _Evaluation(artifact, platform.devices.count, workload)
    stages = {stage: _Stage(Counter(), Counter(), Counter()) for stage in ("prefill", "decode")}
    layers = workload.model.n_layers
    times, energy_j, commands = evaluation.prompt(workload.prompt_tokens)
    stages["prefill"].add(times, energy_j, commands, layers)
    for done, step in enumerate(steps, 1):
        stages["decode"].add(*evaluation.decode(step.context + 1), layers * step.weight)
        if progress is not None:
            progress(done, len(steps))
    return _figures(stages, workload)


def _element_bytes(precision: Precision) -> int:
    bits = {FORMAT_BITS[name] for name in (precision.weights, precision.activations, precision.kv_cache)}
    if len(bits) > 1 or not bits <= {8, 16}:
        raise MappingError(f"compat.attacc: elements have 8 or 16 bits all of them, not {sorted(bits)}")
    return int(bits.pop()) // 8


class _Evaluation:
    """One block of a model on the GPUs and, with a level, on AttAcc devices."""

    def __init__(self, artifact: AttaccArtifact, devices: int, workload: Workload) -> None:
        model = workload.model
        if model.n_heads % devices:
            raise MappingError(f"compat.attacc: {model.n_heads} heads do not deal out evenly to {devices} GPUs")
        self._artifact = artifact
        self._batch = workload.batch
        self._bytes = _element_bytes(workload.precision)
        graph = DecodeGraphs(model, batch=1, precision=workload.precision).at(1)
        self._block = Block(
            d_model=model.d_model,
            d_ff=model.d_ff,
            n_heads=model.n_heads,
            n_kv_heads=model.n_kv_heads,
            head_dim=model.head_dim,
            gated=any(op.kind == "ffn_gate" for _, op in ops_of(graph)),
            devices=devices,
            apart=artifact.level != "none",
        )
        self._gpus = Gpus(artifact, devices, self._bytes)
        self._units = Units(artifact, model.head_dim, self._bytes) if self._block.apart else None

    def prompt(self, tokens: int) -> tuple[Times, Mapping[tuple[str, str], float], Counter[str]]:
        """Time and energy of a block for the prompt, which the GPUs run alone."""
        return _added((layer, self._gpus.cost(layer)) for layer in self._block.prompt(self._batch, tokens))

    def decode(self, context: int) -> tuple[Times, Mapping[tuple[str, str], float], Counter[str]]:
        """Time and energy of a block for one step in which a token sees ``context`` tokens."""
        artifact, commands = self._artifact, Counter[str]()
        costs = [(layer, self._cost(layer, commands)) for layer in self._block.decode(self._batch, context)]
        times, energy_j, _ = _added(costs)
        if self._units is None:
            return times, energy_j, commands
        if artifact.ffopt:
            times["ffn"] = sum(cost.time_s * self._left(cost) for layer, cost in costs if layer.name == "ffn")
        attention = times.pop("attn_score") + times.pop("attn_context")
        times = pipelined({**times, "attention": attention}, self._block.heads, products=artifact.pipeopt)
        return times, energy_j, commands

    def _left(self, cost: Cost) -> float:
        return ffn_share(self._artifact, self._batch, self._bytes, by_compute=cost.by_compute)

    def _cost(self, layer: Layer, commands: Counter[str]) -> Cost:
        """On whoever runs it; what runs on the units of all devices adds to ``commands``."""
        units = self._units
        if units is None or layer.kind not in ("attention", "softmax", "transfer"):
            return self._gpus.cost(layer)
        if layer.kind == "transfer":
            return units.transfer(layer)
        if layer.kind == "softmax":
            return units.softmax(layer)
        if layer.name == "attn_context":
            return Cost(0.0, {})
        cost, issued = units.attention(layer)
        commands.update(issued)
        return cost


def _added(costs: Iterable[tuple[Layer, Cost]]) -> tuple[Times, dict[tuple[str, str], float], Counter[str]]:
    """By name of the layers; energy by name and class."""
    times: Times = {}
    energy_j: dict[tuple[str, str], float] = {}
    for layer, cost in costs:
        times[layer.name] = times.get(layer.name, 0.0) + cost.time_s
        for energy_class, joules in cost.energy_j.items():
            key = (layer.name, energy_class)
            energy_j[key] = energy_j.get(key, 0.0) + joules
    return times, energy_j, Counter()


def _figures(stages: Mapping[str, _Stage], workload: Workload) -> Figures:
    steps = workload.output_tokens - 1
    seconds = {stage: sum(found.time_s.values()) for stage, found in stages.items()}
    tpot_s = seconds["decode"] / steps
    step_j = sum(stages["decode"].energy_j.values()) / steps
    return Figures(
        headline={
            "tokens_per_s": workload.batch / tpot_s,
            "tokens_per_j": workload.batch / step_j,
            "power_w": step_j / tpot_s,
            "edp_j_s": step_j * tpot_s / workload.batch,
            "latency": Latency(ttft_s=seconds["prefill"], tpot_s=tpot_s, e2e_s=sum(seconds.values())),
        },
        time_ps=round(sum(seconds.values()) * 1e12),
        time_by_op_kind_s={stage: dict(sorted(found.time_s.items())) for stage, found in stages.items()},
        energy=_energy(stages),
        energy_by_op_kind_j={stage: _by_kind(found) for stage, found in stages.items()},
        assumptions=ASSUMPTIONS,
        commands={name: round(count) for name, count in sorted(stages["decode"].commands.items())},
    )


def _by_kind(stage: _Stage) -> dict[str, float]:
    found: dict[str, float] = {}
    for (kind, _), joules in sorted(stage.energy_j.items()):
        found[kind] = found.get(kind, 0.0) + joules
    return found


def _energy(stages: Mapping[str, _Stage]) -> Energy:
    """Classes as components, for the artifact tells no more apart."""
    by_class = dict.fromkeys(sorted(ENERGY_CLASSES), 0.0)
    for stage in stages.values():
        for (_, energy_class), joules in sorted(stage.energy_j.items()):
            by_class[energy_class] += joules
    by_component = {name: joules for name, joules in by_class.items() if joules}
    return Energy(total=sum(by_component.values()), by_component=by_component, by_class=by_class)
