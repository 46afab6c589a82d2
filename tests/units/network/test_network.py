"""Messages over wires: nothing is lost, flows share, and times are those of the closed forms."""

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.units.base import Environment
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.topology import topologies

LINK = LinkTiming(bandwidth_gb_s=64, latency_ps=80_000, node_latency_ps=20_000, packet_bytes=256, payload_bytes=192)
WIRE_PS = 4000
"""Of one packet."""


def network(topology: str, endpoints: int, columns: int | None = None) -> Network:
    return Network(Environment(), topologies.get(topology)(endpoints, columns), LINK)


def run(net: Network, *events) -> list[int]:
    ends = []
    for event in events:
        event.callbacks.append(lambda _: ends.append(net.env.now_ps))
    net.env.run()
    return ends


def test_one_message_takes_its_packets_and_one_latency():
    net = network("point_to_point", 2)
    assert run(net, net.send(0, [1], 192 * 10)) == [10 * WIRE_PS + 80_000]
    assert net.carried_bytes == 2560


def test_a_switch_adds_a_packet_and_its_latencies():
    net = network("switch", 4)
    assert run(net, net.send(0, [3], 192 * 10)) == [11 * WIRE_PS + 180_000]


def test_two_flows_over_one_wire_share_it_and_no_byte_is_lost():
    net = network("switch", 3)
    ends = run(net, net.send(0, [2], 192 * 100), net.send(1, [2], 192 * 100))
    alone = 101 * WIRE_PS + 180_000
    assert ends[-1] == alone + 100 * WIRE_PS
    assert ends[0] == ends[1] - WIRE_PS
    assert net.delivered_bytes == 2 * 192 * 100


def test_a_short_flow_is_not_held_up_by_a_long_one():
    net = network("bus", 2)
    ends = run(net, net.send(0, [1], 192 * 1000), net.send(1, [0], 192 * 10))
    assert ends == [20 * WIRE_PS + 80_000, 1010 * WIRE_PS + 80_000]


def test_opposite_directions_do_not_meet():
    net = network("point_to_point", 2)
    assert len(set(run(net, net.send(0, [1], 1920), net.send(1, [0], 1920)))) == 1


def test_a_multicast_crosses_the_first_wire_once():
    net = network("switch", 5)
    run(net, net.send(0, range(5), 192 * 8))
    assert net.wires[0, -1].carried_bytes == 256 * 8
    assert net.delivered_bytes == 4 * 192 * 8


def test_a_mesh_goes_along_the_row_first():
    route = topologies.get("mesh")(12, 4).route
    assert route(1, 11) == ((1, 2), (2, 3), (3, 7), (7, 11))
    assert route(11, 1) == ((11, 10), (10, 9), (9, 5), (5, 1))


def test_a_ring_takes_the_shorter_way():
    route = topologies.get("ring")(6, None).route
    assert len(route(0, 4)) == 2
    assert route(0, 5) == ((0, 5),)


@pytest.mark.parametrize("topology", ["switch", "point_to_point", "ring", "mesh", "bus"])
@settings(max_examples=25, deadline=None)
@given(
    messages=st.lists(
        st.tuples(st.integers(0, 5), st.sets(st.integers(0, 5), min_size=1), st.integers(1, 3000)), max_size=8
    )
)
def test_every_byte_arrives_at_every_end(topology, messages):
    net = network(topology, 6, 3)
    events = [net.send(start, sorted(ends), n_bytes) for start, ends, n_bytes in messages]
    net.env.run()
    assert all(event.processed for event in events)
    assert net.delivered_bytes == sum(len(ends - {start}) * n_bytes for start, ends, n_bytes in messages)


def test_a_message_longer_than_its_packets_are_followed_travels_in_trains():
    net = network("point_to_point", 2)
    n_packets = 3 * 4096
    assert run(net, net.send(0, [1], 192 * n_packets)) == [n_packets * WIRE_PS + 80_000]
    assert net.env.events < 3 * 4096 + 100


def test_a_dragonfly_takes_one_link_between_groups_and_at_most_one_within_each() -> None:
    found = topologies.get("dragonfly")(38, 8)
    between: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for start, end in product(range(38), repeat=2):
        route = found.route(start, end)
        if start == end:
            continue
        assert route[0][0] == start
        assert route[-1][1] == end
        assert all(a[1] == b[0] for a, b in pairwise(route))
        crossing = [wire for wire in route if wire[0] // 8 != wire[1] // 8]
        assert len(crossing) == (start // 8 != end // 8)
        assert len(route) <= 3
        assert all(0 <= node < 38 for wire in route for node in wire)
        for wire in crossing:
            between.setdefault((start // 8, end // 8), set()).add(wire)
    assert all(len(wires) == 1 for wires in between.values())
