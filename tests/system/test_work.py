"""FLOPs and stored bytes of a whole run, by op kind, sum to the closed forms of its steps."""

import pytest
from tiny import MODEL, arch, workload

from simulator import simulate
from simulator.workload.closed_forms import step_totals


@pytest.mark.parametrize("batch", [1, 3])
def test_the_work_of_a_run_is_that_of_its_steps(batch: int) -> None:
    job = workload(batch=batch)
    found = simulate(arch("aim_1card"), job).work_by_op_kind
    expected = {"prefill": [(job.prompt_tokens, 0)], "decode": [(1, step.context) for step in job.decode_steps()]}
    for stage, steps in expected.items():
        totals = [step_totals(MODEL, batch=batch, queries=q, cached=c, precision=job.precision) for q, c in steps]
        assert sum(work.flops for work in found[stage].values()) == sum(total.flops for total in totals)
        stored = sum(total.weight_bytes + total.kv_read_bytes + total.kv_write_bytes for total in totals)
        assert sum(work.bytes for work in found[stage].values()) == stored
