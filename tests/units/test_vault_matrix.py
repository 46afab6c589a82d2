"""Vaults: how products lie in them, the vault that has most, and the mesh that feeds them."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import product, run_alone
from stacks import Moved, memory_of, stack

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.matrix import Tiling
from simulator.units.vault_matrix import VaultMatrix, VaultShape
from simulator.units.vault_mesh import VaultMesh
from simulator.workload.ops import AttentionOp


def matrix_of(changes: dict[str, dict[str, object]] | None = None) -> VaultMatrix:
    found = stack(changes).components["matrix"]
    assert isinstance(found, VaultMatrix)
    return found


@given(
    n_bytes=st.integers(1, 10**7),
    strips=st.integers(1, 500),
    vaults=st.sampled_from([1, 2, 4, 8, 16]),
    burst=st.sampled_from([32, 128, 256]),
)
def test_vaults_get_whole_strips_and_no_byte_is_lost(n_bytes: int, strips: int, vaults: int, burst: int) -> None:
    shape = VaultShape(n_bytes, 16, burst, write=False, vaults=vaults, strips=strips)
    classes = shape.classes(burst)
    in_bursts = burst * sum(bursts * channels for bursts, channels in classes)
    assert n_bytes <= in_bursts < n_bytes + vaults * (burst + 1)
    assert sum(channels for _, channels in classes) <= 16
    assert [bursts for bursts, _ in classes] == sorted((bursts for bursts, _ in classes), reverse=True)
    most_bytes = ceil(n_bytes * ceil(strips / vaults) / strips)
    assert classes[0][0] == ceil(ceil(most_bytes / burst) / (16 // vaults))


@given(outputs=st.integers(1, 9000), inputs=st.integers(1, 9000), tokens=st.integers(1, 50))
def test_the_vault_with_most_strips_sets_the_waves(outputs: int, inputs: int, tokens: int) -> None:
    strips = -(-outputs // 32)
    waves = -(-(-(-strips // 16) * -(-inputs // 32)) // 4)
    assert matrix_of().tiling(product(outputs, inputs, tokens)) == Tiling(waves, tokens, outputs * inputs)


def test_each_cached_head_has_strips_of_its_own() -> None:
    score = AttentionOp(
        name="score", kind="attn_score", n_heads=8, n_kv_heads=2, head_dim=128, batch=3, queries=1, context=300, pairs=1
    )
    assert matrix_of().strips(score) == 3 * 2 * 10


def test_one_strip_is_read_from_one_vault_alone() -> None:
    # 32 outputs are one strip: one vault of one channel reads all of it, sixteen times as long as sixteen strips do.
    one, sixteen = stack(), stack()
    _, alone = one.components["matrix"].look_up(product(32, 8192), 2 * 32 * 8192)  # type: ignore[attr-defined]
    _, spread = sixteen.components["matrix"].look_up(product(512, 8192), 2 * 512 * 8192)  # type: ignore[attr-defined]
    assert alone.bursts == spread.bursts
    assert alone.work.read_bytes * 16 == spread.work.read_bytes


@pytest.mark.parametrize(("outputs", "inputs"), [(100, 70), (512, 512), (1000, 3000)])
def test_a_run_reads_what_the_op_needs(outputs: int, inputs: int) -> None:
    moved = Moved()
    system = stack(None, moved)
    op = product(outputs, inputs)
    run_alone(system, op)
    needed = system.units["matrix"].array_bytes(op)
    assert moved.n_bytes["memory", hops.CELLS_TO_IO] == needed["memory", hops.CELLS_TO_IO] >= op.weight_bytes
    assert moved.n_bytes["tsv", hops.VERTICAL_BUS] == needed["memory", hops.CELLS_TO_IO]
    assert memory_of(system).bus.name == "tsv"


@pytest.mark.parametrize(("vaults", "what"), [(24, "64 arrays"), (64, "16 channels")])
def test_vaults_have_equal_shares(vaults: int, what: str) -> None:
    with pytest.raises(ConfigError, match=f"{vaults} vaults cannot have equal shares of {what}"):
        matrix_of({"matrix": {"vaults": vaults}})


def mesh_of(**changes: object) -> VaultMesh:
    found = stack({"mesh": changes}).components["mesh"]
    assert isinstance(found, VaultMesh)
    return found


def gather_hop_by_hop(columns: int, rows: int, n_bytes: float, gb_s: float) -> float:
    """Time of the busiest link: all-gather along each row, then of whole rows along each column, in ps."""
    share = n_bytes / (columns * rows)
    return ((columns - 1) * share + (rows - 1) * columns * share) * 1000 / gb_s


@given(columns=st.integers(1, 9), rows=st.integers(1, 9), n_bytes=st.integers(1, 10**6))
def test_an_all_gather_takes_its_two_phases(columns: int, rows: int, n_bytes: int) -> None:
    mesh = mesh_of(columns=columns, rows=rows, latency_ns=2.0)
    end_ps = mesh.carry(500, n_bytes, "vector", "qkv_proj")
    wires_ps = gather_hop_by_hop(columns, rows, n_bytes, 32)
    assert end_ps - 500 == pytest.approx(wires_ps + max(1, columns + rows - 2) * 2000, abs=1)


def test_every_vault_but_its_own_gets_each_byte_once() -> None:
    moved = Moved()
    mesh = stack(None, moved).components["mesh"]
    assert isinstance(mesh, VaultMesh)
    mesh.carry(0, 1600, "vector", "qkv_proj")
    assert moved.n_bytes["mesh", hops.LINK] == 1600 * 15
    mesh.carry(0, 1600, "matrix", "softmax")
    assert moved.n_bytes["mesh", hops.LINK] == 1600 * 15


def test_gathers_follow_each_other() -> None:
    mesh = mesh_of(latency_ns=0.0)
    first, second = (mesh.carry(0, 32_000, "vector", "qkv_proj") for _ in range(2))
    assert second == pytest.approx(2 * first, abs=1)


def test_a_mesh_gathers_at_one_of_its_ends() -> None:
    with pytest.raises(ConfigError, match="'sram' is not an end of mesh"):
        mesh_of(gathers="sram")
