"""Which points of the space are taken when all are known beforehand: grid, random, Latin hypercube."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from simulator.config.tree import Scalar
from simulator.explore.space import Axis, Proposal, Space

DRAWS_PER_POINT = 50
"""Draws for each point wanted, after which a random sample gives up finding points that it does not have yet."""


def sample(space: Space, sampler: str, samples: int | None, seed: int) -> Iterator[Proposal]:
    """The points of a sampler that does not look at results: ``grid``, ``random`` or ``lhs``.

    Equal arguments give equal points, each once. A sample of a space with fewer points than asked for is all of it.
    """
    if sampler == "grid":
        return space.grid()
    assert samples is not None
    source = random.Random(seed)  # noqa: S311 - nothing secret about it
    return (_random if sampler == "random" else _latin_hypercube)(space, samples, source)


def _random(space: Space, samples: int, source: random.Random) -> Iterator[Proposal]:
    seen: set[tuple[tuple[str, Scalar], ...]] = set()
    for _ in range(DRAWS_PER_POINT * samples):
        if len(seen) == samples:
            return
        proposal = space.propose(lambda axis: axis.at(source.random()))
        key = _key(proposal.labels)
        if key not in seen:
            seen.add(key)
            yield proposal


def _latin_hypercube(space: Space, samples: int, source: random.Random) -> Iterator[Proposal]:
    """Each axis is cut into as many slices as there are points; every slice of every axis is used once."""
    slices = {axis.name: source.sample(range(samples), samples) for axis in space.axes}
    seen: set[tuple[tuple[str, Scalar], ...]] = set()
    for position in range(samples):

        def choose(axis: Axis, position: int = position) -> object:
            return axis.at((slices[axis.name][position] + source.random()) / samples)

        proposal = space.propose(choose)  # type: ignore[arg-type]  # the default argument binds the loop variable
        key = _key(proposal.labels)
        if key not in seen:
            seen.add(key)
            yield proposal


def _key(labels: Mapping[str, Scalar]) -> tuple[tuple[str, Scalar], ...]:
    return tuple(labels.items())
