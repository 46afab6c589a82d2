"""`RequestStream`: a description of traffic with the trace that it draws from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from simulator.config import paths
from simulator.config.loader import Document
from simulator.config.nearest import hint
from simulator.config.traffic_schema import Traffic
from simulator.errors import WorkloadError
from simulator.workload.traffic.request import Request
from simulator.workload.traffic.requests import make_requests
from simulator.workload.traffic.trace_file import TraceRow, read_trace

TRAFFIC = "traffic"
"""The key of a workload that is a stream of requests."""


@dataclass(frozen=True, slots=True)
class RequestStream:
    """What ``spec`` says, with the ``rows`` of its trace, if it has one."""

    spec: Traffic
    rows: tuple[TraceRow, ...] = ()

    def requests(self, seed: int, positions: int) -> tuple[Request, ...]:
        """Its requests for a model of so many positions. Raises WorkloadError for one that is too long."""
        return make_requests(self.spec, self.rows, seed, positions)

    def values(self) -> dict[str, Any]:
        """The resolved values, as plain data; of a trace its SHA-256."""
        values = self.spec.model_dump(mode="json", exclude={"trace"})
        text = json.dumps([astuple(row) for row in self.rows])
        return values | ({"trace": hashlib.sha256(text.encode()).hexdigest()} if self.rows else {})


def read_stream(document: Document, spec: Traffic) -> tuple[RequestStream, Mapping[str, str]]:
    """The stream of ``document``, and each file read -> its SHA-256. Raises ConfigError, TraceError."""
    if spec.trace is None:
        return RequestStream(spec), {}
    origin = document.locate((TRAFFIC, "trace"))
    path = Path(spec.trace) if origin.line is None else Path(origin.file).parent / spec.trace
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise origin.error(f"there is no such file: {paths.display(path)}{hint(path.name, siblings)}", "traffic.trace")
    rows = read_trace(path, paths.display(path))
    if spec.arrivals == "trace" and spec.requests is not None and spec.requests > len(rows):
        message = f"{spec.requests} are more than the {len(rows)} requests of the trace"
        where = document.locate((TRAFFIC, "requests"))
        raise WorkloadError(message, file=where.file, line=where.line, column=where.column, key="traffic.requests")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return RequestStream(spec, rows), {paths.identity(path): digest}
