"""Models that keep a state: their sums equal the formulas, and what they keep does not grow."""

import pytest

from simulator.workload.closed_forms import StepTotals
from simulator.workload.closed_forms_state import state_step_totals
from simulator.workload.graph import decode_graph, prefill_graph
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.tensors import kv_cache_bytes

NAMES = ("mamba2_2_7b", "rwkv6_7b", "rwkv7_1_5b")


def totals(graph: object) -> StepTotals:
    ops = [data["op"] for _, data in graph.nodes(data=True)]  # type: ignore[attr-defined]
    sums = (sum(getattr(op, key) for op in ops) for key in StepTotals.__slots__)
    return StepTotals(*sums)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", [Precision(), Precision("int4", "bf16", "fp32")])
def test_step_equals_closed_form(name: str, precision: Precision) -> None:
    model = load_model(name)
    for batch, context in ((1, 700), (3, 1)):
        decode = decode_graph(model, batch=batch, context=context, precision=precision)
        assert totals(decode) == state_step_totals(model, batch=batch, queries=1, cached=context, precision=precision)
    prefill = prefill_graph(model, batch=2, prompt_tokens=300, precision=precision)
    assert totals(prefill) == state_step_totals(model, batch=2, queries=300, cached=0, precision=precision)


STATE_ELEMENTS = {
    "mamba2_2_7b": 64 * (4 * (5120 + 2 * 128) + 5120 * 128),
    "rwkv6_7b": 32 * (64 * 64 * 64 + 2 * 4096),
    "rwkv7_1_5b": 24 * (32 * 64 * 64 + 2 * 2048),
}
"""Layers times what each keeps: convolution and state-space; a matrix for each head and two shifted tokens."""


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_does_not_grow_and_is_read_and_written_in_each_step(name: str) -> None:
    model, fp32 = load_model(name), Precision(kv_cache="fp32")
    kept = {kv_cache_bytes(model, batch=1, tokens=tokens, precision=fp32) for tokens in (1, 1000, 100_000)}
    assert kept == {4 * STATE_ELEMENTS[name]}
    for context in (1, 100_000):
        done = totals(decode_graph(model, batch=5, context=context, precision=fp32))
        assert done.kv_read_bytes == done.kv_write_bytes == 5 * 4 * STATE_ELEMENTS[name]
    assert totals(prefill_graph(model, batch=1, prompt_tokens=9, precision=fp32)).kv_read_bytes == 0
