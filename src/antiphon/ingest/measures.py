"""Ingest's own figures, for /metrics."""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from antiphon.ingest.drops import DropReason

STAGES = ("read", "parse", "convert", "append")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Measures:
    """Counters with their labels looked up once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register with `registry`, once a process."""
        self.accepted = Counter("antiphon_ingest_accepted_events", "Events committed to the log", registry=registry)
        dropped = Counter("antiphon_ingest_dropped_events", "Events not taken", ["reason"], registry=registry)
        self._dropped = {reason: dropped.labels(reason) for reason in get_args(DropReason)}
        self._requests = Counter("antiphon_ingest_requests", "Requests by status", ["status"], registry=registry)
        self.bytes = Counter("antiphon_ingest_bytes", "Bytes of JSON received, decompressed", registry=registry)
        spent = Counter("antiphon_ingest_stage_seconds", "Time spent by stage", ["stage"], registry=registry)
        self._spent = [spent.labels(stage) for stage in STAGES]
        self._took = Histogram(
            "antiphon_ingest_request_seconds", "From a request's first byte to its answer", buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip

    def drop(self, reason: DropReason) -> None:
        """Count a dropped event."""
        self._dropped[reason].inc()

    def request(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(str(status)).inc()
        self._took.observe(seconds)

    def stages(self, marks: list[float]) -> None:
        """Add the times between `marks` (s), which enclose the stages in their order."""
        for counter, begin, end in zip(self._spent, marks, marks[1:], strict=False):
            counter.inc(end - begin)
