"""Weights with zeros on a whole platform whose arrays pass over them: bytes, time and energy of a run."""

from dataclasses import replace
from typing import Any

import pytest
from tiny import MODEL, arch, workload

from simulator.api import simulate
from simulator.config.registry import optimization_blocks
from simulator.metrics.result import Result
from simulator.units import hops

WIDE = replace(MODEL, d_model=1024, n_heads=8, n_kv_heads=8, head_dim=128, d_ff=4096, vocab_size=128)
PLANES = 4 * WIDE.d_model * WIDE.d_model + 3 * WIDE.d_model * WIDE.d_ff
"""Weights of a block's products."""
WEIGHTS = WIDE.n_layers * PLANES + WIDE.vocab_size * WIDE.d_model
PASSES = 2
"""A prompt of one token, and a step."""
READ = hops.CELLS_TO_IO


def run(batch: int = 1, **pattern: Any) -> Result:
    made = {"weight_sparsity": optimization_blocks.get("weight_sparsity").model_validate(pattern)} if pattern else {}
    return simulate(
        arch("trainium2"), workload(model=WIDE, batch=batch, optimizations=made, prompt_tokens=1, output_tokens=2)
    )


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (4, 16)])
def test_the_memory_gives_kept_weights_and_their_places_and_arrays_multiply_no_others(n: int, m: int) -> None:
    plain, kept = run(), run(pattern="n_m", n=n, m=m)
    saved = PASSES * WEIGHTS * (16 - (16 + (m - 1).bit_length()) * n / m) / 8
    assert plain.data_movement_bytes[READ] - kept.data_movement_bytes[READ] == pytest.approx(saved, rel=1e-3)
    assert kept.tokens_per_s > plain.tokens_per_s  # type: ignore[operator]
    spared_pj = 0.59 * PASSES * WEIGHTS * (1 - n / m)
    assert 1e12 * (plain.energy_j.by_class["compute"] - kept.energy_j.by_class["compute"]) == pytest.approx(
        spared_pj, rel=1e-3
    )
    assert not [line for line in kept.assumptions if "zeros" in line and line.startswith("matrix")]


def test_a_pattern_that_the_arrays_lack_is_multiplied_whole_and_the_result_says_so() -> None:
    plain, whole = run(), run(pattern="n_m", n=3, m=4)
    assert whole.time_ps == plain.time_ps
    assert "matrix: it has no use for 3:4 weights: they lie and are multiplied with their zeros" in whole.assumptions
