"""Collectives on an idle network take the times of their closed forms and move the bytes that they must."""

import pytest

from simulator.errors import ConfigError
from simulator.units.base import Environment
from simulator.units.network.collectives import algorithms
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.topology import topologies

LINK = LinkTiming(bandwidth_gb_s=50, latency_ps=100_000, node_latency_ps=30_000, packet_bytes=100, payload_bytes=100)
PACKET_PS = 2000
SWITCH_PS = 2 * 100_000 + 30_000 + PACKET_PS
"""Beyond the time of a message on a wire, over a switch."""


def run(name: str, topology: str, endpoints: int, n_bytes: int) -> tuple[int, Network]:
    env = Environment()
    net = Network(env, topologies.get(topology)(endpoints, None), LINK)
    env.run(until=env.process(algorithms.get(name)(net, n_bytes)))
    return env.now_ps, net


@pytest.mark.parametrize("endpoints", [2, 4, 8])
@pytest.mark.parametrize("packets", [1, 16, 100])
def test_ring_allreduce_takes_two_times_n_minus_one_rounds(endpoints, packets):
    for topology, beyond in (("ring", 130_000), ("point_to_point", 100_000), ("switch", SWITCH_PS)):
        time_ps, net = run("allreduce/ring", topology, endpoints, 100 * packets * endpoints)
        rounds = 2 * (endpoints - 1)
        assert time_ps == rounds * (packets * PACKET_PS + beyond)
        assert net.delivered_bytes == rounds * endpoints * 100 * packets


@pytest.mark.parametrize("endpoints", [2, 4, 8, 16])
def test_tree_allreduce_takes_twice_log_n_rounds(endpoints):
    time_ps, net = run("allreduce/tree", "point_to_point", endpoints, 4000)
    rounds = 2 * (endpoints.bit_length() - 1)
    assert time_ps == rounds * (40 * PACKET_PS + 100_000)
    assert net.delivered_bytes == 2 * (endpoints - 1) * 4000


def test_in_switch_allreduce_crosses_each_wire_once():
    time_ps, net = run("allreduce/in_switch", "switch", 8, 4000)
    assert time_ps == 41 * PACKET_PS + 2 * 100_000 + 30_000
    assert net.carried_bytes == 2 * 8 * 4000


def test_in_switch_needs_a_switch():
    with pytest.raises(ConfigError, match="needs a topology with a switch"):
        run("allreduce/in_switch", "ring", 4, 400)


@pytest.mark.parametrize(("name", "wire_bytes"), [("gather/direct", 700), ("scatter/direct", 700)])
def test_the_roots_wire_is_the_bottleneck(name, wire_bytes):
    time_ps, net = run(name, "switch", 8, 800)
    assert time_ps == wire_bytes // 100 * PACKET_PS + SWITCH_PS
    assert net.delivered_bytes == 700


def test_broadcasts():
    copied, net = run("broadcast/multicast", "switch", 8, 1000)
    assert copied == 10 * PACKET_PS + SWITCH_PS
    assert net.carried_bytes == 8 * 1000
    apart, _ = run("broadcast/direct", "switch", 8, 1000)
    assert apart == 70 * PACKET_PS + SWITCH_PS
    tree, _ = run("broadcast/tree", "point_to_point", 8, 1000)
    assert tree == 3 * (10 * PACKET_PS + 100_000)


def test_allgather_fills_every_wire():
    ring, _ = run("allgather/ring", "ring", 4, 4000)
    assert ring == 3 * (10 * PACKET_PS + 130_000)
    copied, net = run("allgather/multicast", "switch", 4, 4000)
    assert copied == 30 * PACKET_PS + SWITCH_PS
    assert net.delivered_bytes == 4 * 3 * 1000
    scattered, _ = run("reduce_scatter/ring", "ring", 4, 4000)
    assert scattered == ring


def test_a_vector_that_does_not_divide_loses_nothing():
    _, net = run("allgather/ring", "ring", 3, 1000)
    assert net.delivered_bytes == 2 * 1000


@pytest.mark.parametrize("endpoints", [2, 3, 8])
def test_an_alltoall_fills_every_port_and_delivers_each_part_once(endpoints):
    n_bytes = 400 * endpoints
    for topology, beyond in (("switch", SWITCH_PS), ("point_to_point", 100_000)):
        time_ps, net = run("alltoall/direct", topology, endpoints, n_bytes)
        ports = endpoints - 1 if topology == "switch" else 1
        assert time_ps == ports * 4 * PACKET_PS + beyond
        assert net.delivered_bytes == endpoints * (endpoints - 1) * 400
    _, net = run("alltoall/direct", "ring", 3, 1000)
    assert net.delivered_bytes == 3 * 1000 - 1000
