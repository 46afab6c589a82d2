"""Vaults: how products lie in them, the vault that has most, and the mesh that feeds them."""

from math import ceil

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from parts import product, run_alone
from stacks import Moved, memory_of, stack

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import Environment, Process
from simulator.units.network.collectives import shares as equal_shares
from simulator.units.network.mesh_gather import Mesh, gather_ends
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.topology import topologies
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
    tiling = matrix_of().tiling(product(outputs, inputs, tokens))
    assert (tiling.waves, tiling.busy) == (waves, waves * max(32, tokens))


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


def sent(mesh: VaultMesh, n_bytes: int, start: str = "vector", after_ps: int = 0) -> list[int]:
    """The list that the time of arrival is put in, of what is sent ``after_ps`` from now."""
    env, arrived = mesh.around.env, []

    def sending() -> Process:
        yield env.timeout(after_ps)
        yield mesh.send(n_bytes, start, "qkv_proj")
        arrived.append(env.now_ps)

    env.process(sending())
    return arrived


def gather_hop_by_hop(columns: int, rows: int, n_bytes: float, gb_s: float) -> float:
    """Time of the busiest link: all-gather along each row, then of whole rows along each column, in ps."""
    share = n_bytes / (columns * rows)
    return ((columns - 1) * share + (rows - 1) * columns * share) * 1000 / gb_s


@settings(max_examples=12, deadline=None)
@given(columns=st.integers(1, 6), rows=st.integers(1, 6), shares=st.integers(1, 20))
def test_an_all_gather_takes_its_two_phases(columns: int, rows: int, shares: int) -> None:
    assume(columns * rows > 1)
    n_bytes = shares * 64 * columns * rows
    (end_ps,) = gather_ends(Mesh(columns, rows, LinkTiming(32, 2000, 0, 64, 64)), ((0, n_bytes),))
    wires_ps = gather_hop_by_hop(columns, rows, n_bytes, 32)
    hops_ps = (columns + rows - 2) * (2000 + 64 * 1000 // 32)
    assert wires_ps + ((columns > 1) + (rows > 1)) * 2000 <= end_ps + 1
    assert end_ps <= wires_ps + hops_ps + 1


@settings(max_examples=12, deadline=None)
@given(columns=st.integers(1, 4), rows=st.integers(1, 4), n_bytes=st.integers(1, 20_000))
def test_a_gather_of_whole_packets_takes_as_long_as_that_of_its_bytes(columns: int, rows: int, n_bytes: int) -> None:
    assume(columns * rows > 1)
    link = LinkTiming(32, 2000, 0, 64, 64)
    env = Environment()
    network = Network(env, topologies.get("mesh")(columns * rows, columns), link)
    parts = equal_shares(n_bytes, columns * rows)

    def one_row(row: range) -> Process:
        yield env.all_of([network.send(node, [other for other in row if other != node], parts[node]) for node in row])
        whole = sum(parts[node] for node in row)
        ends = [[end for end in range(node % columns, columns * rows, columns) if end != node] for node in row]
        yield env.all_of([network.send(node, found, whole) for node, found in zip(row, ends, strict=True)])

    lines = [env.process(one_row(range(row * columns, (row + 1) * columns))) for row in range(rows)]
    env.run(until=env.all_of(lines))
    assert gather_ends(Mesh(columns, rows, link), ((0, n_bytes),)) == (env.now_ps,)


def test_every_vault_but_its_own_gets_each_byte_once() -> None:
    moved = Moved()
    mesh = stack(None, moved).components["mesh"]
    assert isinstance(mesh, VaultMesh)
    sent(mesh, 1600)
    sent(mesh, 1600, "matrix")
    mesh.around.env.run()
    assert moved.n_bytes["mesh", hops.LINK] == 1600 * 15


def test_two_gathers_at_once_share_every_link() -> None:
    alone = sent(mesh := mesh_of(latency_ns=0.0), 64_000)
    mesh.around.env.run()
    both = mesh_of(latency_ns=0.0)
    first, second = sent(both, 64_000), sent(both, 64_000)
    both.around.env.run()
    assert [*first, *second] == pytest.approx([2 * alone[0]] * 2, rel=0.05), "turns, packet by packet"


def test_a_gather_that_another_joins_ends_later_and_one_behind_it_does_not() -> None:
    alone = sent(mesh := mesh_of(), 64_000)
    mesh.around.env.run()
    shared = mesh_of()
    first, second = sent(shared, 64_000), sent(shared, 64_000, after_ps=alone[0] // 2)
    shared.around.env.run()
    assert first[0] > 1.25 * alone[0]
    assert second[0] <= 2.1 * alone[0]
    behind = mesh_of()
    first, second = sent(behind, 64_000), sent(behind, 64_000, after_ps=2 * alone[0])
    behind.around.env.run()
    assert (first[0], second[0]) == (alone[0], 3 * alone[0])


def test_a_mesh_gathers_at_one_of_its_ends() -> None:
    with pytest.raises(ConfigError, match="'sram' is not an end of mesh"):
        mesh_of(gathers="sram")
