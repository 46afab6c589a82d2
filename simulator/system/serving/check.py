"""What has to hold after every request stream, whatever the platform."""

from __future__ import annotations

from simulator.errors import ConservationError
from simulator.system.serving.stream import Stream
from simulator.workload.traffic.request import Request


def check_stream(stream: Stream, requests: tuple[Request, ...]) -> None:
    """All requests are answered in full, tokens are conserved, Little's law holds. Raises ConservationError."""
    _check_answers(stream, requests)
    _check_tokens(stream)
    _check_little(stream)
    for copy in stream.copies:
        copy.scheduler.pool.check(copy.scheduler.running)


def _check_answers(stream: Stream, requests: tuple[Request, ...]) -> None:
    answered = sorted(sequence.request.index for sequence in stream.answered)
    if answered != [request.index for request in requests]:
        raise ConservationError(f"{len(requests)} requests came, {len(set(answered))} of them were answered")
    for sequence in stream.answered:
        request = sequence.request
        if sequence.generated != request.output_tokens or sequence.cached != request.cached_tokens:
            raise ConservationError(
                f"request {request.index + 1} got {sequence.generated} of {request.output_tokens} tokens, "
                f"{sequence.cached} of {request.cached_tokens} were cached"
            )
        if not sequence.arrival_ps <= sequence.admitted_ps < sequence.first_ps <= sequence.done_ps:
            raise ConservationError(f"request {request.index + 1} was answered before it came")


def _check_tokens(stream: Stream) -> None:
    """Tokens computed or found in a prefix = tokens cached at the end + tokens lost on the way + drafts rejected."""
    schedulers = [copy.scheduler for copy in stream.copies]
    computed = sum(copy.tokens for copy in stream.copies)
    found = sum(scheduler.pool.hit_tokens for scheduler in schedulers)
    lost = sum(scheduler.recomputed_tokens for scheduler in schedulers)
    rejected = sum(scheduler.rejected_tokens for scheduler in schedulers)
    cached = sum(sequence.cached for sequence in stream.answered)
    if computed + found != cached + lost + rejected:
        raise ConservationError(
            f"{computed} tokens computed + {found} found in prefixes, {cached} cached + {lost} lost + {rejected} "
            "rejected"
        )


def _check_little(stream: Stream) -> None:
    """The integral of the number in the system is the sum of the times in it: L = lambda W, in whole ps."""
    times_ps = sum(sequence.done_ps - sequence.arrival_ps for sequence in stream.answered)
    if stream.census.area_ps != times_ps or stream.census.inside:
        raise ConservationError(
            f"Little's law: the number in the system integrates to {stream.census.area_ps} ps, times to {times_ps} ps"
        )
