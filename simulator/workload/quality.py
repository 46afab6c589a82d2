"""Quality beside speed: published figures of models with methods, and which of them are those of a workload.

A figure belongs to a workload if its model is the shipped one, whole and in 16 bits, and its blocks are those of the
recipe in what decides quality (`Optimization.quality`). Nothing is derived or interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from simulator.config.loader import build, load_document
from simulator.config.paths import FOLDERS, SUFFIX, data_root
from simulator.config.quality_schema import QualityFile
from simulator.workload.model import Model
from simulator.workload.model_file import load_model
from simulator.workload.optimizations import Optimization, in_order
from simulator.workload.precision import FORMAT_BITS
from simulator.workload.scenario import Workload

FULL_BITS = 16
LOWER_IS_BETTER = "_perplexity"
"""The end of the names of metrics that are better when smaller; all others are accuracies."""

Decides = Mapping[str, Any] | None
"""Block -> what of it decides quality; None where no blocks of the simulator are the recipe."""


@dataclass(frozen=True)
class Figure:
    """``value`` of a ``model`` by ``metric``, measured as ``how`` says. ``blocks``: those that are the ``recipe``."""

    model: str
    metric: str
    value: float
    recipe: str
    how: str
    source: str
    file: str
    blocks: Mapping[str, Any] | None
    decides: Decides

    def record(self) -> dict[str, Any]:
        """As plain data, without what only tells recipes apart."""
        data = asdict(self)
        del data["decides"]
        return data


@cache
def published() -> tuple[Figure, ...]:
    """Every shipped figure, file by file. Raises ConfigError for a file that cannot be used."""
    return tuple(figure for path in _shipped_files("quality") for figure in _read(path))


def _shipped_files(kind: str) -> list[Path]:
    return sorted((data_root() / FOLDERS[kind]).glob(f"*{SUFFIX}"))


def _read(path: Path) -> Iterator[Figure]:
    document = load_document(path, expected_kind="quality")
    file = build(document, QualityFile)
    for each in file.published:
        blocks = each.optimizations
        decides = None if blocks is None else deciding(in_order(blocks))
        shown = None if blocks is None else {key: b.model_dump(exclude_unset=True) for key, b in blocks.items()}
        for metric, values in each.figures.items():
            how = file.metrics[metric]
            for model, value in values.items():
                yield Figure(model, metric, value, each.recipe, how, file.source, file.name, shown, decides)


def recorded_models() -> tuple[str, ...]:
    """All shipped models, and others of which figures are recorded."""
    shipped = (path.stem for path in _shipped_files("model"))
    return tuple(sorted({*shipped, *(figure.model for figure in published())}))


def deciding(methods: tuple[Optimization, ...]) -> dict[str, Any]:
    """Block -> what of it decides quality, without blocks that leave it as it is."""
    return {method.key: part for method in methods if (part := method.quality()) is not None}


def of_workload(workload: Workload) -> dict[str, Figure]:
    """Metric -> the best figure that was published for what ``workload`` runs; the first of equals."""
    if not _is_whole(workload.model) or not _is_full(workload):
        return {}
    decides = deciding(workload.methods)
    found: dict[str, Figure] = {}
    for figure in published():
        if figure.model == workload.model.name and figure.decides == decides:
            best = found.get(figure.metric)
            if best is None or _beats(figure, best):
                found[figure.metric] = figure
    return dict(sorted(found.items()))


def _beats(one: Figure, other: Figure) -> bool:
    lower = one.metric.endswith(LOWER_IS_BETTER)
    return one.value < other.value if lower else one.value > other.value


def _is_full(workload: Workload) -> bool:
    """Whether what no block changes is in 16 bits."""
    precision = workload.precision
    return all(
        FORMAT_BITS[name] >= FULL_BITS for name in (precision.weights, precision.activations, precision.kv_cache)
    )


def _is_whole(model: Model) -> bool:
    """Whether it is the shipped model of that name as it is, not a part or a variant of it."""
    return model == _shipped(model.name)


@cache
def _shipped(name: str) -> Model | None:
    path = next((path for path in _shipped_files("model") if path.stem == name), None)
    return None if path is None else load_model(str(path))
