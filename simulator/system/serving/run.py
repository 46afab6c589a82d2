"""A request stream on a platform, from its description to what is known of it at the end."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.config.platform_schema import Platform
from simulator.config.traffic_schema import Serving
from simulator.errors import ConfigError, MappingError
from simulator.hooks import Hooks
from simulator.metrics.traffic import Accuracy
from simulator.system.methods import with_methods
from simulator.system.serving.accuracy import accuracy_of
from simulator.system.serving.arrivals import Arrivals
from simulator.system.serving.capacity import Room, room_for
from simulator.system.serving.check import check_stream
from simulator.system.serving.copies import Copy
from simulator.system.serving.costs import StepCosts
from simulator.system.serving.decode_rules import DecodeRules, check_methods, of_methods, rules_of
from simulator.system.serving.platform_steps import Builder, PlatformSteps
from simulator.system.serving.scheduler import Scheduler
from simulator.system.serving.stream import Progress, Stream
from simulator.workload.scenario import Workload
from simulator.workload.traffic.request import Request
from simulator.workload.traffic.stream import RequestStream


@dataclass(frozen=True)
class Served:
    """A request stream that has been served."""

    stream: Stream
    requests: tuple[Request, ...]
    costs: StepCosts
    steps: PlatformSteps
    room: Room
    accuracy: Accuracy | None
    assumptions: tuple[str, ...]


def serve(
    platform: Platform, workload: Workload, build: Builder, *, exact: bool = False, progress: Progress | None = None
) -> Served:
    """Serve the stream of ``workload`` on ``platform``, whose systems ``build`` makes.

    Raises MappingError, CapacityError, ConfigError for what does not go together, ConservationError.
    """
    traffic = workload.traffic
    assert traffic is not None
    serving, model = traffic.spec.serving, workload.model
    check_methods(workload, serving)
    platform, notes = with_methods(platform, workload)
    steps, rules = PlatformSteps(platform, workload, build), rules_of(workload)
    requests = traffic.requests(workload.seed, model.max_position)
    mean_tokens = sum(request.cached_tokens for request in requests) / len(requests)
    count = _copies_of_model(platform, serving)
    _check_pipeline(steps)
    _check_moves(steps, serving)
    room = room_for(build(steps.platform, Hooks([])), workload, serving, mean_tokens)
    costs = StepCosts(steps, model.max_position, workload.seed, exact=exact)
    copies = _copies(count, serving, room.pages, rules)
    stream = Stream(copies, costs, Arrivals(requests, traffic.spec.concurrency))
    stream.run(len(requests), progress)
    check_stream(stream, requests)
    costs.idle(sum(stream.now_ps - copy.busy_ps for copy in stream.copies))
    simulations = steps.simulated
    accuracy = None if exact else accuracy_of(costs, costs.seen.steps, simulations)
    assumptions = (*_assumptions(steps, traffic, accuracy), *of_methods(workload, rules), *notes, *steps.notes)
    return Served(stream, requests, costs, steps, room, accuracy, assumptions)


def _copies_of_model(platform: Platform, serving: Serving) -> int:
    """How many copies of the model there are. Raises ConfigError when all are to run prompts only."""
    count = platform.parallelism.data if platform.devices.count > 1 else 1
    apart = serving.prefill_copies
    if apart >= count:
        raise ConfigError(
            f"{apart} of {count} copies of the model (parallelism.data) leave none to decode (allowed: 0..{count - 1})",
            key="traffic.serving.prefill_copies",
        )
    return count


def _copies(count: int, serving: Serving, pages: int, rules: DecodeRules) -> list[Copy]:
    """The copies, those that only run prompts first."""
    apart = serving.prefill_copies
    return [
        Copy(at, Scheduler(serving, pages, rules), prefills=not apart or at < apart, decodes=at >= apart)
        for at in range(count)
    ]


def _check_pipeline(steps: PlatformSteps) -> None:
    """What a decode step is has one meaning for all that a round of a pipeline holds. Raises MappingError."""
    decoding = steps.graphs.decoding
    if decoding is not None and steps.pipelined:
        raise MappingError(
            f"optimizations.{decoding.key}: rounds of a pipeline serve requests without it (allowed: "
            "parallelism.pipeline 1)"
        )


def _check_moves(steps: PlatformSteps, serving: Serving) -> None:
    """Caches can move where they may have to. Raises MappingError before anything else is simulated."""
    if serving.preemption == "swap":
        steps.swap(serving.page_tokens)
    if serving.prefill_copies:
        steps.transfer(serving.page_tokens)


def _assumptions(steps: PlatformSteps, traffic: RequestStream, accuracy: Accuracy | None) -> tuple[str, ...]:
    serving = traffic.spec.serving
    found = [
        "traffic: sequences that decode together count with the mean of their contexts",
    ]
    if steps.pipelined:
        found.append(
            "traffic: a step of a pipeline is a round in which every sequence gets a token; tokens of prompts go "
            "through it one by one, spread evenly over its microbatches, and new requests join between rounds"
        )
    if serving.prefill_copies:
        found.append(
            "traffic: a cache crosses from copy to copy as one message, its memories' traffic beside it is free"
        )
    if serving.preemption == "swap":
        found.append("traffic: a copy waits for its swaps; they read and write its memory for free")
    if accuracy is not None:
        found.append(
            f"traffic: steps are put together from {accuracy.simulations} simulated ones; {accuracy.steps_checked} "
            f"drawn at random are off by at most {accuracy.max_time_error_pct:.2g} % in time and "
            f"{accuracy.max_energy_error_pct:.2g} % in dynamic energy (--exact simulates each kind of step)"
        )
    return (*found, *steps.assumptions())
