"""The cells of the cube method x model x platform kind: what is run in each, and what counts as sane.

Methods and platforms are the YAML files beside this one. Models are cut in depth to a few blocks, of which there is one
of each kind that the model has: whether a cell runs depends on shapes and kinds of blocks, not on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle, islice
from math import isfinite
from pathlib import Path
from typing import Any

from simulator.config.registry import optimization_blocks
from simulator.config.yaml_reader import parse_yaml
from simulator.metrics.result import Result
from simulator.workload.model import Model
from simulator.workload.model_file import load_model
from simulator.workload.ops import Op
from simulator.workload.scenario import Workload
from simulator.workload.step import Step
from simulator.workload.step_graphs import StepGraphs

FOLDER = Path(__file__).parent
MODELS = FOLDER.parents[1] / "workloads" / "models"
SMALLEST = "smallest"
PROMPT, OUTPUT, BATCH = 12, 2, 2
MOST_LAYERS = 8
DEVICES_BATCH = 8
"""Sequences on platforms of several devices, which deal them out."""


@dataclass(frozen=True)
class Method:
    """Optimisation blocks under a name. ``removes``: it takes work or bytes away and adds none of another kind."""

    name: str
    entry: Mapping[str, Any]
    removes: bool


def read(name: str) -> Any:
    """A YAML file beside this one, as plain data."""
    path = FOLDER / name
    return parse_yaml(path.read_text(), path.name).plain()


@cache
def methods() -> dict[str, Method]:
    """All methods by name."""
    data = read("methods.yaml")
    return {
        name: Method(name, entry, part == "removes")
        for part in ("removes", "adds")
        for name, entry in data[part].items()
    }


@cache
def platforms() -> dict[str, str]:
    """Kind -> platform."""
    found: dict[str, str] = read("platforms.yaml")
    return found


@cache
def models() -> dict[str, Model]:
    """All shipped models by name, whole."""
    return {path.stem: load_model(path.stem) for path in sorted(MODELS.glob("*.yaml"))}


def cut(model: Model, *, least: int = 2) -> Model:
    """``model`` with no more blocks than show every kind of block it has; ``least`` at least."""
    kinds = [model.architecture.variant(model, Step(1, 1, 0), layer) for layer in range(model.n_layers)]
    depth = max(kinds.index(kind) for kind in dict.fromkeys(kinds)) + 1
    return replace(model, n_layers=min(model.n_layers, max(least, depth), MOST_LAYERS))


@cache
def smallest(vocabulary: int) -> str:
    """The name of the smallest shipped model with ``vocabulary`` tokens."""
    fitting = [model for model in models().values() if model.vocab_size == vocabulary]
    return min(fitting, key=lambda model: (model.n_parameters, model.name)).name


def blocks(method: Method, model: Model) -> dict[str, Any]:
    """The blocks of ``method`` for ``model``."""
    return {key: _fitted(key, dict(entry), model) for key, entry in method.entry.items()}


def _fitted(key: str, entry: dict[str, Any], model: Model) -> Any:
    if isinstance(entry.get("active"), list):
        entry["active"] = islice(cycle(entry["active"]), model.n_layers)
    if entry.get("model") == SMALLEST:
        entry["model"] = smallest(model.vocab_size)
    return optimization_blocks.get(key).model_validate(_frozen(entry), strict=True)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list | Iterator) else value


def job(model: Model, method: Method | None, *, devices: int = 1, prompt: int = PROMPT) -> Workload:
    """A prompt of a few tokens and one decode step. Raises WorkloadError."""
    return Workload(
        name="cell",
        model=model,
        batch=BATCH if devices == 1 else DEVICES_BATCH,
        prompt_tokens=prompt,
        output_tokens=OUTPUT,
        optimizations=blocks(method, model) if method else {},
    )


@dataclass(frozen=True)
class Totals:
    """What the ops of a stage need in all, and their shapes."""

    flops: int
    weight_bytes: int
    kv_bytes: int
    activation_bytes: int
    shapes: tuple[tuple[Any, ...], ...]


def stages(workload: Workload) -> tuple[Totals, Totals]:
    """Prompt and one decode step of ``workload``, without any hardware. Raises WorkloadError."""
    graphs = StepGraphs(workload)
    return _totals(graphs.prompt_passes()), _totals(graphs.passes(workload.prompt_tokens))


def _totals(passes: Iterable[Any]) -> Totals:
    ops: list[Op] = [node["op"] for each in passes for node in each.graph.nodes.values()]
    return Totals(
        sum(op.flops for op in ops),
        sum(op.weight_bytes for op in ops),
        sum(op.kv_read_bytes + op.kv_write_bytes for op in ops),
        sum(op.input_bytes + op.output_bytes for op in ops),
        tuple(op.shape_key for op in ops),
    )


def faults(result: Result, workload: Workload) -> list[str]:
    """What is not sane in ``result``: figures that are no positive numbers, or tokens that do not add up."""
    figures = {
        "tokens_per_s": result.tokens_per_s,
        "tokens_per_j": result.tokens_per_j,
        "power_w": result.power_w,
        "edp_j_s": result.edp_j_s,
        "ttft_s": result.latency.ttft_s,
        "tpot_s": result.latency.tpot_s,
        "e2e_s": result.latency.e2e_s,
        "energy": result.energy_j.total,
    }
    found = [f"{key} is {value}" for key, value in figures.items() if not value or not isfinite(value) or value < 0]
    if found:
        return found
    assert result.tokens_per_s
    assert result.latency.tpot_s
    if abs(result.tokens_per_s * result.latency.tpot_s / workload.batch - 1) > 1e-6:
        found.append(f"{result.tokens_per_s * result.latency.tpot_s} tokens a TPOT of {workload.batch} sequences")
    whole = result.latency.ttft_s + result.latency.tpot_s * (workload.output_tokens - 1)
    if abs(result.latency.e2e_s / whole - 1) > 1e-6:
        found.append(f"e2e_s is {result.latency.e2e_s}, its parts add up to {whole}")
    return found
