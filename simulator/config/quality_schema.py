"""What a quality YAML may say: published perplexities and accuracies of models, and with which methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.faults import Fault, semantic_check
from simulator.config.optimization_schema import Optimizations

Metric = Annotated[str, Field(pattern=r"^[a-z0-9_]+_(perplexity|accuracy)$")]
Value = Annotated[float, Field(gt=0, le=1e6)]


class Published(Spec):
    """Figures of one recipe.

    ``optimizations``: the blocks that are it, none for the plain model; without the key there are no such blocks.
    ``figures``: metric -> model -> value, accuracies in percent.
    """

    recipe: Annotated[str, Field(min_length=1)]
    optimizations: Optimizations | None = None
    figures: dict[Metric, dict[str, Value]]


class QualityFile(Spec):
    """The figures of one publication. ``metrics``: how each is measured."""

    kind: Literal["quality"]
    name: str
    description: str
    source: str
    metrics: dict[Metric, str]
    published: Annotated[tuple[Published, ...], Field(min_length=1)]


@semantic_check(QualityFile)
def _metrics_are_said(file: QualityFile) -> Iterator[Fault]:
    for position, each in enumerate(file.published):
        for metric in each.figures:
            if metric not in file.metrics:
                yield Fault(
                    ("published", position, "figures", metric), f"'metrics' does not say how {metric} is measured"
                )
