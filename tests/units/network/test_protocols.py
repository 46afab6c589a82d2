"""Collective libraries: direct exchanges, an endpoint's time for a message, and the quickest protocol by size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.api import load_arch, run_op
from simulator.errors import ConfigError
from simulator.system.builder import build_system
from simulator.units.base import Environment
from simulator.units.network.collectives import algorithms
from simulator.units.network.fabric import Fabric
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.protocols import Protocol
from simulator.units.network.topology import topologies

LINK = LinkTiming(bandwidth_gb_s=50, latency_ps=100_000, node_latency_ps=30_000, packet_bytes=100, payload_bytes=100)
PACKET_PS, SWITCH_PS = 2000, 230_000


def run(name: str, topology: str, endpoints: int, n_bytes: int, link: LinkTiming = LINK) -> tuple[int, Network]:
    env = Environment()
    net = Network(env, topologies.get(topology)(endpoints, None), link)
    env.run(until=env.process(algorithms.get(name)(net, n_bytes)))
    return env.now_ps, net


@pytest.mark.parametrize("endpoints", [2, 4, 8])
def test_one_shot_gets_every_vector_and_two_shot_only_parts(endpoints: int) -> None:
    packets = 16 * endpoints
    once, whole = run("allreduce/one_shot", "switch", endpoints, 100 * packets)
    twice, parts = run("allreduce/two_shot", "switch", endpoints, 100 * packets)
    others = endpoints - 1
    assert once == pytest.approx((others * packets + 1) * PACKET_PS + SWITCH_PS, abs=others * PACKET_PS)
    assert whole.delivered_bytes == endpoints * others * 100 * packets
    assert twice == pytest.approx(2 * ((others * 16 + 1) * PACKET_PS + SWITCH_PS), abs=2 * others * PACKET_PS)
    assert parts.delivered_bytes == 2 * others * 100 * packets


def test_links_to_all_others_work_side_by_side() -> None:
    time_ps, _ = run("reduce_scatter/direct", "point_to_point", 8, 800 * 100)
    assert time_ps == 100 * PACKET_PS + 100_000
    assert run("allgather/direct", "point_to_point", 8, 800 * 100)[0] == time_ps


def test_an_endpoint_prepares_one_message_after_the_other() -> None:
    slow = LinkTiming(50, 100_000, 30_000, 100, 100, message_ps=1_000_000)
    assert run("send/direct", "point_to_point", 2, 100, slow)[0] == 1_000_000 + PACKET_PS + 100_000
    assert run("allreduce/one_shot", "point_to_point", 8, 100, slow)[0] == 7 * 1_000_000 + PACKET_PS + 100_000
    ring, rounds = run("allreduce/ring", "point_to_point", 4, 400, slow)[0], 6
    assert ring == rounds * (1_000_000 + PACKET_PS + 100_000)


def test_a_long_message_in_few_trains_takes_about_as_long() -> None:
    trains = LinkTiming(50, 100_000, 30_000, 100, 100, most_packets=32)
    coarse, fine = (
        run("allreduce/ring", "switch", 4, 4 * 320_000, trains)[0],
        run("allreduce/ring", "switch", 4, 1_280_000)[0],
    )
    assert fine < coarse < fine * (1 + 1.1 / 32)


def fabric(name: str, *overrides: str) -> Fabric:
    part = build_system(load_arch(name, overrides).spec).components["fabric"]
    assert isinstance(part, Fabric)
    return part


NCCL = "components.stack.use=stacks/vllm_rocm"
"""A stack without collectives of its own."""


def test_a_short_vector_takes_the_launch_and_a_message_a_round() -> None:
    part = fabric("a100_sxm_80g", NCCL)
    wire_ps = 2 * 200_000 + 200_000
    found = part.collective("allreduce", 64, 4)
    assert found.launch_ps == 6_600_000
    packet_ps = 1000 * 256 / (60 / 24)
    assert found.time_ps == pytest.approx(6_600_000 + 6 * (2 * packet_ps + wire_ps), rel=1e-3)


def test_a_long_vector_comes_close_to_the_librarys_rate() -> None:
    part = fabric("a100_sxm_80g", NCCL)
    n_bytes = 2**30
    bus_gb_s = 2 * 3 / 4 * n_bytes * 1000 / part.collective("allreduce", n_bytes, 4).time_ps
    assert 0.9 * 240 < bus_gb_s < 240


def test_the_switch_reduces_long_vectors_where_it_can() -> None:
    hopper, n_bytes = fabric("h100_sxm", NCCL), 2**28
    ampere = fabric("a100_sxm_80g", NCCL)
    assert hopper.collective("allreduce", n_bytes, 8).launch_ps == 23_000_000
    assert hopper.collective("allreduce", n_bytes, 8).time_ps < 0.6 * ampere.collective("allreduce", n_bytes, 8).time_ps


def test_a_framework_brings_kernels_of_its_own_for_short_vectors() -> None:
    own, library = fabric("h100_sxm", "components.stack.use=stacks/vllm"), fabric("h100_sxm", NCCL)
    assert own.collective("allreduce", 8192, 8).time_ps < 0.5 * library.collective("allreduce", 8192, 8).time_ps
    assert own.collective("allreduce", 2**26, 8) == library.collective("allreduce", 2**26, 8)


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(["a100_sxm_80g", "h100_sxm", "mi300x", "gaudi2", "rtx4090"]),
    endpoints=st.sampled_from([2, 4, 8]),
    n_bytes=st.integers(2, 2**19),
)
def test_no_collective_beats_its_links_and_more_bytes_never_help(name: str, endpoints: int, n_bytes: int) -> None:
    part = fabric(name, NCCL)
    found, more = (part.collective("allreduce", n, endpoints).time_ps for n in (n_bytes, 4 * n_bytes))
    links = endpoints - 1 if part.spec.topology == "point_to_point" else 1
    assert found >= 1000 * n_bytes / (part.spec.bandwidth_gb_s * links)
    assert more >= 0.98 * found, "but for the last, half-full packets"


def test_a_channel_is_used_once_there_is_enough_for_it() -> None:
    protocol = Protocol(
        algorithms={"allreduce": "ring"}, launch_ns=0, message_ns=0, rate_gb_s=60, channels=24, channel_bytes=4096
    )
    assert protocol.rate(1, 4) == pytest.approx(60 / 24)
    assert protocol.rate(3 * 4 * 4096, 4) == pytest.approx(3 * 60 / 24)
    assert protocol.rate(2**30, 4) == 60


def test_an_unknown_algorithm_of_a_protocol_is_named() -> None:
    arch = load_arch("h100_sxm", ["fabric.protocols.ll.algorithms={allreduce: rings}"])
    with pytest.raises(ConfigError, match=r"protocols\.ll\.algorithms\.allreduce.*allreduce/rings.*allreduce/ring"):
        run_op(arch, "allreduce", (1, 64))


def test_a_library_slower_than_its_links_is_told() -> None:
    arch = load_arch("h100_sxm", ["devices.count=2", "fabric.bandwidth_gb_s=900"])
    told = build_system(arch.spec).components["fabric"].assumptions()
    assert any("at most 370.8 of 900 GB/s" in text for text in told)
    plain = build_system(load_arch("dgx_h100", ["fabric.protocols=null"]).spec).components["fabric"].assumptions()
    assert len(plain) == len(told) - 1
