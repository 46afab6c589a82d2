"""`Workload`: a resolved scenario, which is a model and what it is asked to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

from simulator.config.data_files import with_data_files
from simulator.config.loader import Document, build, load_document
from simulator.config.optimization_schema import Optimizations
from simulator.config.overrides import Override
from simulator.config.traffic_schema import TrafficScenario
from simulator.config.workload_schema import Scenario
from simulator.errors import ConfigError, ConfigErrors, WorkloadError
from simulator.workload.architecture import plain
from simulator.workload.model import Model
from simulator.workload.model_file import read_model
from simulator.workload.optimizations import Decoding, Optimization, in_order
from simulator.workload.precision import Precision
from simulator.workload.traffic.stream import TRAFFIC, RequestStream, read_stream

_ROUNDING = 1e-9
"""Of a quotient that is a whole number of steps."""


@dataclass(frozen=True, slots=True)
class DecodeStep:
    """One simulated decode step: it yields output token ``index`` (the prompt's is 0) with ``context`` tokens cached.

    ``weight``: how many real steps it stands for; 1 unless the scenario samples its steps. ``tokens``: what a step
    yields for each sequence on average; 1 without fast decoding.
    """

    index: int
    context: int
    weight: float
    tokens: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """``batch`` sequences of ``prompt_tokens``, each continued by ``output_tokens``.

    The prompt's pass yields the first output token (TTFT); each of the ``output_tokens - 1`` decode steps that follow
    reads the token before it and yields the next. ``sample_every`` 1 simulates every step. ``traffic``: a stream of
    requests in place of that, of which the sizes here are those of the longest. ``files``: each file read -> its
    SHA-256. Raises WorkloadError for what the model cannot hold.
    """

    name: str
    model: Model
    batch: int
    prompt_tokens: int
    output_tokens: int
    sample_every: int = 1
    precision: Precision = field(default_factory=Precision)
    optimizations: Optimizations = field(default_factory=dict)
    seed: int = 0
    traffic: RequestStream | None = None
    files: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for key in ("batch", "prompt_tokens", "output_tokens", "sample_every"):
            if getattr(self, key) < 1:
                raise WorkloadError(f"{getattr(self, key)} is below 1", key=key)
        if self.model.n_layers < 1:
            raise WorkloadError(f"{self.model.name}: {self.model.n_layers} layers (allowed: at least 1)", key="model")
        for method in self.methods:
            method.check(self.model)
        drafts = self.decoding.drafts(self.model) if self.decoding else ()
        for model in (self.model, *(draft.model for draft in drafts)):
            self._check_positions(model)

    def _check_positions(self, model: Model) -> None:
        asked, most = self.prompt_tokens + self.output_tokens, model.max_position
        if asked > most:
            raise WorkloadError(
                f"{self.prompt_tokens} prompt + {self.output_tokens} output tokens are {asked - most} more than the"
                f" {most} positions of {model.name}",
                key="output_tokens" if self.prompt_tokens < most else "prompt_tokens",
            )

    @property
    def methods(self) -> tuple[Optimization, ...]:
        """The blocks of ``optimizations`` in the order in which they change a graph."""
        return in_order(self.optimizations)

    @property
    def decoding(self) -> Decoding | None:
        """The block that changes what a decode step is, if there is one. Raises WorkloadError for two."""
        found = [method for method in self.methods if isinstance(method, Decoding)]
        if len(found) > 1:
            raise found[1].fault("", f"it cannot go together with '{found[0].key}': both say what a decode step is")
        return found[0] if found else None

    @property
    def kept_layers(self) -> tuple[int, ...]:
        """The blocks of the model that are there."""
        kept = tuple(range(self.model.n_layers))
        for method in self.methods:
            kept = method.kept_layers(kept)
        return kept

    @property
    def cached_tokens(self) -> int:
        """Most tokens the cache of one sequence ever holds: the last output token is never read back."""
        return self.prompt_tokens + self.output_tokens - 1

    def decode_steps(self) -> tuple[DecodeStep, ...]:
        """The decode steps to simulate, in order: every ``sample_every``-th and the last; none for one output token.

        A step left out is shared between the simulated ones around it in inverse proportion to its distance, so that
        weighted sums are those of a linear interpolation over the context and weights add up to the real steps. With
        fast decoding each step yields the expected number of tokens, and the cache grows by as much.
        """
        n_tokens = self.output_tokens - 1
        if n_tokens == 0:
            return ()
        decoding = self.decoding
        gain = decoding.tokens_per_step if decoding else 1.0
        n_steps = ceil(n_tokens / gain - _ROUNDING)
        at = [*range(0, n_steps - 1, self.sample_every), n_steps - 1]
        between = [(after - before - 1) / 2 for before, after in pairwise(at)]
        weights = [1 + left + right for left, right in zip([0.0, *between], [*between, 0.0], strict=True)]
        # Of the last step only what is still wanted counts.
        weights[-1] += n_tokens / gain - n_steps
        return tuple(
            DecodeStep(min(n_tokens, ceil((step + 1) * gain)), self.prompt_tokens + int(step * gain), weight, gain)
            for step, weight in zip(at, weights, strict=True)
        )

    def values(self) -> dict[str, Any]:
        """The resolved values, as plain data: all that the figures depend on."""
        drafting = self.decoding.drafts(self.model) if self.decoding else ()
        drafts = [draft.model for draft in drafting if not draft.shares_ends]
        return {
            "model": _values_of(self.model),
            **({"drafts": [_values_of(draft) for draft in drafts]} if drafts else {}),
            "batch": self.batch,
            "prompt_tokens": self.prompt_tokens,
            "output_tokens": self.output_tokens,
            "sample_every": self.sample_every,
            "precision": asdict(self.precision),
            "optimizations": {key: block.model_dump(mode="json") for key, block in self.optimizations.items()},
            "seed": self.seed,
            **({} if self.traffic is None else {TRAFFIC: self.traffic.values()}),
        }

    @property
    def content_hash(self) -> str:
        """SHA-256 of the resolved values, whichever files and overrides they came from."""
        return hashlib.sha256(json.dumps(self.values(), sort_keys=True).encode()).hexdigest()


def _values_of(model: Model) -> dict[str, Any]:
    values = asdict(model)
    del values["source"]
    return values | {"architecture": plain(model.architecture)}


def load_workload(ref: str | Path, overrides: Iterable[str | Override] = ()) -> Workload:
    """The scenario called ``ref`` (a name or a path), resolved with ``overrides``, each ``key.path=value`` or parsed.

    Raises ConfigError for a file that cannot be used, or a name that is a model's; WorkloadError for a model that
    cannot be used, or for tokens beyond its positions.
    """
    document = with_data_files(load_document(ref, expected_kind="workload", overrides=overrides))
    _refuse_hf_config(document, ref)
    if document.root.child(TRAFFIC) is not None:
        return _load_traffic(document)
    scenario = build(document, Scenario)
    model, model_files = _model_of(document, scenario)
    return _located(
        document,
        lambda: Workload(
            name=scenario.name or document.name,
            model=model,
            batch=scenario.batch,
            prompt_tokens=scenario.prompt_tokens,
            output_tokens=scenario.output_tokens,
            sample_every=scenario.sample_every,
            precision=Precision(**scenario.precision.model_dump()),
            optimizations=scenario.optimizations,
            seed=scenario.seed,
            files={**document.files, **model_files},
        ),
    )


def _load_traffic(document: Document) -> Workload:
    """A workload that is a stream of requests."""
    scenario = build(document, TrafficScenario)
    model, model_files = _model_of(document, scenario)
    stream, trace_files = read_stream(document, scenario.traffic)
    longest = max(stream.requests(scenario.seed, model.max_position), key=lambda request: request.tokens)
    return _located(
        document,
        lambda: Workload(
            name=scenario.name or document.name,
            model=model,
            batch=1,
            prompt_tokens=longest.prompt_tokens,
            output_tokens=longest.output_tokens,
            precision=Precision(**scenario.precision.model_dump()),
            optimizations=scenario.optimizations,
            seed=scenario.seed,
            traffic=stream,
            files={**document.files, **model_files, **trace_files},
        ),
    )


def _located(document: Document, make: Callable[[], Workload]) -> Workload:
    """The workload that ``make`` gives; its faults are located in ``document``."""
    try:
        return make()
    except WorkloadError as error:
        origin = document.locate([int(step) if step.isdecimal() else step for step in error.key.split(".")])
        raise WorkloadError(
            error.message, file=origin.file, line=origin.line, column=origin.column, key=error.key
        ) from error


def _refuse_hf_config(document: Document, ref: str | Path) -> None:
    if "architectures" in document.data:
        origin = document.locate(("architectures",))
        raise origin.error(f"this is a model, not a workload; take a scenario and override its model: model={ref}")


def _model_of(document: Document, scenario: Scenario | TrafficScenario) -> tuple[Model, Mapping[str, str]]:
    """The scenario's model; a relative path starts from the folder of the file that gives it."""
    origin = document.locate(("model",))
    folder = Path(origin.file).parent if origin.line is not None else None
    try:
        return read_model(scenario.model, folder=folder)
    except (ConfigError, WorkloadError) as error:
        if error.line is not None or isinstance(error, ConfigErrors):
            raise
        message = error.message if error.file is None else f"{error.file}: {error.message}"
        raise origin.error(message, "model") from None
