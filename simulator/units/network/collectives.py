"""Collectives as messages between endpoints: what is sent to whom, and what it waits for.

``n_bytes``: of the whole vector. Before ``gather``, ``allgather`` and after ``scatter``, ``reduce_scatter`` each
endpoint has its n-th part; before ``reduce_scatter``, ``allreduce`` and ``alltoall`` each has a vector of its own, and
in ``alltoall`` the n-th parts of that are for the n endpoints, itself among them. Endpoint 0 is the root. Additions at
the endpoints take no time here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy

from simulator.config.registry import Registry
from simulator.errors import ConfigError
from simulator.units.network.messages import Network
from simulator.units.network.topology import SWITCH

Steps = Generator[simpy.Event, Any, None]
Algorithm = Callable[[Network, int], Steps]
"""(network, bytes) -> a process that ends when the collective has."""

algorithms: Registry[Algorithm] = Registry("collective algorithm")
"""By ``kind/algorithm``, as in ``allreduce/ring``."""

ROOT = 0


def shares(n_bytes: int, endpoints: int) -> list[int]:
    """``n_bytes`` in parts as equal as whole bytes allow."""
    share, rest = divmod(n_bytes, endpoints)
    return [share + (number < rest) for number in range(endpoints)]


def _others(network: Network, endpoint: int = ROOT) -> list[int]:
    return [end for end in range(network.topology.endpoints) if end != endpoint]


def _all(network: Network, processes: list[Steps]) -> simpy.Event:
    return network.env.all_of([network.env.process(steps) for steps in processes])


@algorithms.register("send/direct")
def send(network: Network, n_bytes: int) -> Steps:
    """One message from endpoint 0 to endpoint 1."""
    yield network.send(ROOT, [1], n_bytes)


@algorithms.register("broadcast/direct")
def broadcast_direct(network: Network, n_bytes: int) -> Steps:
    """A message of its own to each endpoint."""
    yield network.env.all_of([network.send(ROOT, [end], n_bytes) for end in _others(network)])


@algorithms.register("broadcast/multicast")
def broadcast_multicast(network: Network, n_bytes: int) -> Steps:
    """One message, copied in the network."""
    yield network.send(ROOT, _others(network), n_bytes)


@algorithms.register("broadcast/tree")
def broadcast_tree(network: Network, n_bytes: int) -> Steps:
    """Binomial tree: in each round every endpoint that has the vector passes it on."""
    reached, endpoints = 1, network.topology.endpoints
    while reached < endpoints:
        pairs = [(source, source + reached) for source in range(min(reached, endpoints - reached))]
        yield network.env.all_of([network.send(source, [end], n_bytes) for source, end in pairs])
        reached *= 2


@algorithms.register("gather/direct")
def gather_direct(network: Network, n_bytes: int) -> Steps:
    """Every endpoint sends its part to the root."""
    parts = shares(n_bytes, network.topology.endpoints)
    yield network.env.all_of([network.send(end, [ROOT], parts[end]) for end in _others(network)])


@algorithms.register("scatter/direct")
def scatter_direct(network: Network, n_bytes: int) -> Steps:
    """The root sends every endpoint its part."""
    parts = shares(n_bytes, network.topology.endpoints)
    yield network.env.all_of([network.send(ROOT, [end], parts[end]) for end in _others(network)])


def _ring(network: Network, n_bytes: int, rounds: int) -> Steps:
    """In each round every endpoint passes on the part that it got in the round before (first: its own)."""
    endpoints = network.topology.endpoints
    parts = shares(n_bytes, endpoints)
    arrived = [[network.env.event() for _ in range(endpoints)] for _ in range(rounds)]

    def endpoint(number: int) -> Steps:
        for round_ in range(rounds):
            if round_:
                yield arrived[round_ - 1][number]
            following = (number + 1) % endpoints
            event = network.send(number, [following], parts[(number - round_) % endpoints])
            assert event.callbacks is not None
            event.callbacks.append(arrived[round_][following].trigger)

    yield _all(network, [endpoint(number) for number in range(endpoints)])
    yield network.env.all_of(arrived[-1])


@algorithms.register("allgather/ring")
def allgather_ring(network: Network, n_bytes: int) -> Steps:
    """All but one round of one n-th each."""
    yield from _ring(network, n_bytes, network.topology.endpoints - 1)


@algorithms.register("allgather/multicast")
def allgather_multicast(network: Network, n_bytes: int) -> Steps:
    """Every endpoint's part to all others, copied in the network."""
    parts = shares(n_bytes, network.topology.endpoints)
    yield network.env.all_of([network.send(e, _others(network, e), part) for e, part in enumerate(parts)])


def _exchange(network: Network, n_bytes: list[int]) -> Steps:
    """Every endpoint sends each other one a message; ``n_bytes`` by the number of whose it is to be."""
    endpoints = range(network.topology.endpoints)
    ordered = [(e, (e + step) % len(endpoints)) for step in endpoints[1:] for e in endpoints]
    yield network.env.all_of([network.send(start, [end], n_bytes[end]) for start, end in ordered])


@algorithms.register("allgather/direct")
def allgather_direct(network: Network, n_bytes: int) -> Steps:
    """Every endpoint's part to each other one, in a message of its own."""
    yield from _exchange(network, shares(n_bytes, network.topology.endpoints))


@algorithms.register("reduce_scatter/direct")
def reduce_scatter_direct(network: Network, n_bytes: int) -> Steps:
    """Each endpoint gets its part of every other one's vector and adds them up."""
    yield from _exchange(network, shares(n_bytes, network.topology.endpoints))


@algorithms.register("alltoall/direct")
def alltoall_direct(network: Network, n_bytes: int) -> Steps:
    """Every endpoint sends each other one its part, the nearest in number first."""
    yield from _exchange(network, shares(n_bytes, network.topology.endpoints))


@algorithms.register("allreduce/one_shot")
def allreduce_one_shot(network: Network, n_bytes: int) -> Steps:
    """Every endpoint gets all other ones' whole vectors and adds them up."""
    yield from _exchange(network, [n_bytes] * network.topology.endpoints)


@algorithms.register("allreduce/two_shot")
def allreduce_two_shot(network: Network, n_bytes: int) -> Steps:
    """A direct reduce-scatter, then a direct all-gather."""
    yield from reduce_scatter_direct(network, n_bytes)
    yield from allgather_direct(network, n_bytes)


@algorithms.register("reduce_scatter/ring")
def reduce_scatter_ring(network: Network, n_bytes: int) -> Steps:
    """As an all-gather, but each part is added to on its way."""
    yield from _ring(network, n_bytes, network.topology.endpoints - 1)


@algorithms.register("allreduce/ring")
def allreduce_ring(network: Network, n_bytes: int) -> Steps:
    """Reduce-scatter, then all-gather: 2 (n - 1) rounds of one n-th each."""
    yield from _ring(network, n_bytes, 2 * (network.topology.endpoints - 1))


@algorithms.register("reduce/tree")
def reduce_tree(network: Network, n_bytes: int) -> Steps:
    """Binomial tree: in each round half of the endpoints that still have a sum hand it on."""
    endpoints = network.topology.endpoints
    distance = 1
    while distance < endpoints:
        pairs = [(start, start - distance) for start in range(distance, endpoints, 2 * distance)]
        yield network.env.all_of([network.send(start, [end], n_bytes) for start, end in pairs])
        distance *= 2


@algorithms.register("allreduce/tree")
def allreduce_tree(network: Network, n_bytes: int) -> Steps:
    """A reduction to the root, then a broadcast, both as binomial trees."""
    yield from reduce_tree(network, n_bytes)
    yield from broadcast_tree(network, n_bytes)


@algorithms.register("allreduce/in_switch")
def allreduce_in_switch(network: Network, n_bytes: int) -> Steps:
    """Every endpoint sends its vector to the switch, which adds packet by packet and sends each sum to all."""
    if not network.topology.switched:
        raise ConfigError("allreduce/in_switch needs a topology with a switch")
    endpoints = network.topology.endpoints
    packets = network.packets(n_bytes)
    copies = [endpoints] * len(packets)
    sums: list[simpy.Event] = []

    def add(number: int) -> None:
        copies[number] -= 1
        if not copies[number]:
            sums.append(network.send(SWITCH, range(endpoints), packets[number][0]))

    yield network.env.all_of([network.send(end, [SWITCH], n_bytes, add) for end in range(endpoints)])
    yield network.env.all_of(sums)
