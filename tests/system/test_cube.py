"""Every pair of method, model and platform kind: it runs, or one line says why not.

The three faces of a cube. What a method makes of a model shows in its graphs; what a platform makes of it, in a run.
"""

import re
from dataclasses import replace
from functools import cache
from math import isclose

import pytest
from tiny import MODEL, arch

from experiments.cube import cells
from simulator.api import simulate
from simulator.errors import SimulatorError
from simulator.metrics.result import Result
from simulator.workload.model import Model

REASONS = (
    r"optimizations\.activation_sparsity\.chosen_by: the feed-forward part of \S+ has no gate \(allowed: predictor\)",
    r"optimizations\.(activation_sparsity|hot_cold): \S+ has no dense feed-forward part",
    r"optimizations\.(attention_sparsity|kv_paging|quantization): \S+ has no (attention|cache) .*, so it would change",
    r"optimizations\.early_exit\.cache: \S+ has no fused projection to keys and values to propagate",
    r"optimizations\.offload\.cache: \S+ has no cache that grows with the context",
    r"optimizations\.operators\.(attention|split_context): \S+ has no attention, so it would change nothing",
    r"optimizations\.operators\.split_qkv: \S+ has no fused projection to queries, keys and values",
    r"optimizations\.offload\.engine: '\w+' is no copy engine",
    r"optimizations\.hot_cold\.on: there is no component 'cpu'",
    r"optimizations\.\w+: it is modelled on one device, this platform has \d+",
    r"optimizations\.\w+: with placement\.options\.sub_batches 2 \(allowed: 1\)",
    r"parallelism: the blocks of \S+ differ, which runs on one device only",
    r"parallelism\.tensor: (\d+ heads|the state) of \S+ (do not deal|is not dealt) out",
    r"L\d+\.latent_score: placement '\w+' wants an? .* component for latent_score; able to run it: none of",
    r"memory: weights take ",
)
"""All that a cell may be refused for. Each names the key, or the memory that is too small."""


def refusal(error: SimulatorError) -> str:
    """The line that refuses a cell, which has to be one of `REASONS`."""
    line = str(error)
    assert error.exit_code == 2
    assert "\n" not in line
    assert any(re.match(reason, line) for reason in REASONS), line
    return line


@pytest.fixture(autouse=True)
def shallow_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draft models of one block, whichever model they are of."""

    def draft(name: str) -> Model:
        return replace(cells.models()[name], n_layers=1)

    monkeypatch.setattr("simulator.workload.optimizations.speculative.load_model", draft)


@pytest.mark.parametrize("name", cells.models())
def test_a_method_changes_the_steps_of_a_model_or_says_why_not(name: str) -> None:
    model = cells.cut(cells.models()[name])
    plain = cells.stages(cells.job(model, None))
    for method in cells.methods().values():
        try:
            changed = cells.stages(cells.job(model, method))
        except SimulatorError as error:
            refusal(error)
            continue
        # What a software stack does is no part of a graph.
        assert changed != plain or method.name in ("flash", "unfused"), method.name
        for before, after in zip(plain, changed, strict=True):
            assert after.flops > 0
            if method.removes:
                assert after.flops <= before.flops, method.name
                assert after.weight_bytes <= before.weight_bytes, method.name
                assert after.kv_bytes <= before.kv_bytes, method.name
                assert after.activation_bytes <= before.activation_bytes, method.name


def run(platform: str, model: Model, method: cells.Method | None, prompt: int = cells.PROMPT) -> Result:
    """A cell that runs, checked."""
    spec = arch(platform)
    workload = cells.job(model, method, devices=spec.spec.devices.count, prompt=prompt)
    result = simulate(spec, workload)
    assert not cells.faults(result, workload)
    return result


@cache
def outcome(platform: str, method: str) -> Result | str:
    """Of a small model with one method, or the line that refuses it."""
    try:
        return run(platform, TINY, cells.methods()[method])
    except SimulatorError as error:
        return refusal(error)


TINY = replace(MODEL, n_heads=8, head_dim=32, vocab_size=cells.models()["tinyllama_1b"].vocab_size)
"""Heads for eight devices, and the vocabulary of a shipped model, which can draft for it."""


def plain(platform: str) -> Result:
    """Of the small model without methods."""
    return run(platform, TINY, None)


SAYS_SO = r"\w+: (its|it|weights|unstructured|sparse|the|\d)|optimizations\.operators: "
"""What an assumption begins with that tells what a unit, or the platform, makes of a method."""


IN_PARTS = "npu_pim_batches"
"""The kind that runs parts of a batch side by side, and no method then."""
OF_TWO_PARTS = ("offload", "offload_kv", "hot_cold")
"""Methods that need a copy engine or a second processor."""


@pytest.mark.parametrize("kind", cells.platforms())
def test_a_method_helps_or_costs_on_a_platform_or_the_result_says_why_not(kind: str) -> None:
    platform = cells.platforms()[kind]
    base = plain(platform)
    for method in cells.methods():
        found = outcome(platform, method)
        if isinstance(found, str):
            assert kind == IN_PARTS or method in OF_TWO_PARTS, found
            continue
        same = found.time_ps == base.time_ps and isclose(found.energy_j.total, base.energy_j.total, rel_tol=1e-12)
        said = set(found.assumptions) - set(base.assumptions)
        assert not same or any(re.match(SAYS_SO, line) for line in said), method


@pytest.mark.parametrize("method", cells.methods())
def test_a_method_runs_on_some_platform(method: str) -> None:
    assert any(isinstance(outcome(platform, method), Result) for platform in cells.platforms().values())


AS_OTHERS = ("cpu_gpu", "npu_pim_batches", "devices_asic")
"""Kinds whose units other kinds have too; the script of the cube runs every model there."""


SLOW = ("asic_sram", "ndp3d", "devices_pim", "npu_pim", "pim_hbm", "pim_near_bank")
"""Kinds that take a test too long with every size of a family; the smallest of each architecture stands for it."""


def tried(kind: str) -> list[Model]:
    """The models to run on ``kind``: all, or the smallest of each architecture."""
    by_size = sorted(cells.models().values(), key=lambda model: -model.n_parameters)
    return list({model.architecture: model for model in by_size}.values()) if kind in SLOW else by_size


@pytest.mark.parametrize("kind", [kind for kind in cells.platforms() if kind not in AS_OTHERS])
def test_a_model_runs_on_a_platform_or_one_line_says_why_not(kind: str) -> None:
    ran = 0
    for model in tried(kind):
        try:
            # Of one token, whose products have the shapes of a decode step's.
            run(cells.platforms()[kind], cells.cut(model, least=1), None, prompt=1)
            ran += 1
        except SimulatorError as error:
            refusal(error)
    assert ran > len(tried(kind)) // 4
