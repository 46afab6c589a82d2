"""A mesh of cores: what each core does of an op, and what has to cross the mesh."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.api import Arch, load_arch, run_op
from simulator.errors import ConfigError
from simulator.system.builder import build_system
from simulator.units.mesh.core_mesh import CoreMesh
from simulator.units.mesh.lines import Line
from simulator.workload.ops import AttentionOp, MatrixOp

ROWS, COLS = 381, 390


def arch(*overrides: str) -> Arch:
    return load_arch("wafer_scale", overrides)


def mesh() -> CoreMesh:
    found = build_system(arch().spec).components["mesh"]
    assert isinstance(found, CoreMesh)
    return found


UNIT = mesh()


@given(outputs=st.integers(1, 30_000), inputs=st.integers(1, 30_000), tokens=st.integers(1, 64))
def test_a_product_is_the_largest_block_of_a_core_and_an_allreduce_along_its_column(
    outputs: int, inputs: int, tokens: int
) -> None:
    op = MatrixOp(
        name="p", kind="ffn_up", flops=2 * outputs * inputs * tokens, weight_bytes=2 * outputs * inputs,
        input_bytes=2 * inputs * tokens, output_bytes=2 * outputs * tokens, out_features=outputs, in_features=inputs,
        tokens=tokens, weight="w",
    )  # fmt: skip
    cost = UNIT.cost(op)
    deep, wide = ceil(inputs / ROWS), ceil(outputs / COLS)
    assert cost.compute == ceil(deep * wide * tokens / 8)
    assert cost.read == ceil(2 * deep * wide / 16)
    assert cost.mesh == Line(ROWS, 2).allreduce(ceil(wide * tokens / 2))
    assert cost.compute * ROWS * COLS * 8 >= op.flops // 2


@given(context=st.integers(1, 9000), batch=st.integers(1, 9), groups=st.sampled_from([1, 4, 8]))
def test_scores_are_added_up_over_the_cores_of_a_head_and_contexts_over_all_tokens(
    context: int, batch: int, groups: int
) -> None:
    heads = {"n_heads": 8 * groups, "n_kv_heads": 8, "head_dim": 128, "batch": batch, "queries": 1, "pairs": context}
    kinds = ("attn_score", "attn_context")
    bytes_read = 2 * batch * 8 * 128 * context
    score, read = (
        UNIT.cost(AttentionOp(name=k, kind=k, context=context, kv_read_bytes=bytes_read, **heads)) for k in kinds
    )
    words = ceil(ceil(context / COLS) * groups * batch / 2)
    assert score.mesh == Line(ROWS // 8, 2).allreduce(words)
    assert read.mesh == Line(COLS, 2).allreduce(ceil(ceil(8 * 128 / ROWS) * groups * batch / 2))
    assert score.compute == read.compute >= batch * 8 * 128 * context * groups / (ROWS * COLS * 8)


@pytest.mark.parametrize("shape", [(4096, 4096), (100, 70), (14336, 4096)])
def test_a_run_reads_every_weight_once_and_is_held_by_the_mesh_at_one_vector(shape: tuple[int, int]) -> None:
    done = run_op(arch(), "gemm", shape)
    assert 0 <= done["bytes"] - 2 * shape[0] * shape[1] < 16
    assert done["bound_by"] == "mesh hops"


def test_many_vectors_are_held_by_the_arithmetic() -> None:
    assert run_op(arch(), "gemm", (8192, 8192), batch=2048)["bound_by"] == "compute"


def test_every_core_has_a_bank() -> None:
    with pytest.raises(ConfigError, match="148200 cores cannot have one each of 148590 banks"):
        run_op(arch("mesh.rows=380"), "gemm", (64, 64))
