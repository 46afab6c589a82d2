"""The ``traffic`` block of a result, from a stream that has been served."""

from __future__ import annotations

from simulator.config.traffic_schema import Objective as ObjectiveSpec
from simulator.metrics import traffic as metrics
from simulator.system.serving.run import Served
from simulator.system.serving.sequence import Sequence
from simulator.system.serving.stream import Stream
from simulator.workload.traffic.request import PS_PER_S


def summary(served: Served, slo: ObjectiveSpec | None, offered_per_s: float | None) -> metrics.Traffic:
    """What clients saw and what serving took."""
    stream, answered = served.stream, served.stream.answered
    duration_s = stream.now_ps / PS_PER_S
    outputs, prompts = (sum(getattr(r, key) for r in served.requests) for key in ("output_tokens", "prompt_tokens"))
    schedulers = [copy.scheduler for copy in stream.copies]
    steps = sum(copy.steps for copy in stream.copies)
    return metrics.Traffic(
        requests=len(answered),
        copies=len(stream.copies),
        duration_s=duration_s,
        offered_per_s=offered_per_s,
        answered_per_s=len(answered) / duration_s,
        prompt_tokens=prompts,
        output_tokens=outputs,
        total_tokens_per_s=(prompts + outputs) / duration_s,
        ttft_s=_percentiles([ttft_s(sequence) for sequence in answered]),
        tpot_s=metrics.percentiles(tpot for tpot in map(tpot_s, answered) if tpot is not None),
        e2e_s=_percentiles([(s.done_ps - s.arrival_ps) / PS_PER_S for s in answered]),
        queue_s=_percentiles([(s.admitted_ps - s.arrival_ps) / PS_PER_S for s in answered]),
        slo=_objective(slo, answered, duration_s),
        steps=steps,
        mean_decodes=sum(copy.decoded for copy in stream.copies) / steps,
        busy_share=sum(copy.busy_ps for copy in stream.copies) / (stream.now_ps * len(stream.copies)),
        preemptions=sum(scheduler.preemptions for scheduler in schedulers),
        recomputed_tokens=sum(scheduler.recomputed_tokens for scheduler in schedulers),
        swapped_tokens=sum(copy.swapped_tokens for copy in stream.copies),
        transferred_tokens=stream.transferred_tokens,
        kv_cache=_kv_cache(stream),
        prefix_cache=metrics.PrefixCache(
            lookups=sum(scheduler.pool.lookups for scheduler in schedulers),
            hits=sum(scheduler.pool.hits for scheduler in schedulers),
            hit_tokens=sum(scheduler.pool.hit_tokens for scheduler in schedulers),
        ),
        speculation=_speculation(stream),
        littles_law=_littles_law(stream),
        series=_series(stream),
        accuracy=served.accuracy,
    )


def ttft_s(sequence: Sequence) -> float:
    """From its arrival to its first token."""
    return (sequence.first_ps - sequence.arrival_ps) / PS_PER_S


def tpot_s(sequence: Sequence) -> float | None:
    """From token to token after the first, on average; None where there is one only."""
    steps = sequence.request.output_tokens - 1
    return (sequence.done_ps - sequence.first_ps) / PS_PER_S / steps if steps else None


def _percentiles(values: list[float]) -> metrics.Percentiles:
    found = metrics.percentiles(values)
    assert found is not None
    return found


def _objective(slo: ObjectiveSpec | None, answered: list[Sequence], duration_s: float) -> metrics.Objective | None:
    if slo is None:
        return None
    met = sum(ttft_s(s) <= slo.ttft_s and (tpot_s(s) or 0.0) <= slo.tpot_s for s in answered)
    return metrics.Objective(
        ttft_s=slo.ttft_s, tpot_s=slo.tpot_s, met_share=met / len(answered), goodput_per_s=met / duration_s
    )


def _kv_cache(stream: Stream) -> metrics.KvCache:
    pools = [copy.scheduler.pool for copy in stream.copies]
    busy_area = sum(copy.busy_ps * copy.scheduler.pool.total for copy in stream.copies)
    return metrics.KvCache(
        page_tokens=pools[0].page_tokens,
        pages=sum(pool.total for pool in pools),
        peak_pages=sum(pool.peak for pool in pools),
        mean_occupancy=sum(copy.kv_area for copy in stream.copies) / busy_area,
    )


def _speculation(stream: Stream) -> metrics.Speculation | None:
    schedulers = [copy.scheduler for copy in stream.copies]
    queries = schedulers[0].rules.queries
    steps = sum(copy.decoded for copy in stream.copies)
    if queries == 1 or not steps:
        return None
    tokens = sum(scheduler.decoded_tokens for scheduler in schedulers)
    return metrics.Speculation(
        sequence_steps=steps,
        tokens_per_step=tokens / steps,
        rejected_tokens=sum(scheduler.rejected_tokens for scheduler in schedulers),
    )


def _littles_law(stream: Stream) -> metrics.Littles:
    count, duration_s = len(stream.answered), stream.now_ps / PS_PER_S
    times_ps = sum(sequence.done_ps - sequence.arrival_ps for sequence in stream.answered)
    return metrics.Littles(
        mean_in_system=stream.census.area_ps / stream.now_ps,
        rate_per_s=count / duration_s,
        mean_time_s=times_ps / PS_PER_S / count,
    )


def _series(stream: Stream) -> metrics.Series:
    moments = stream.series.moments
    return metrics.Series(
        time_s=[moment.time_ps / PS_PER_S for moment in moments],
        waiting=[moment.waiting for moment in moments],
        running=[moment.running for moment in moments],
        kv_pages=[moment.kv_pages for moment in moments],
    )
