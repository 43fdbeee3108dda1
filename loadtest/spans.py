"""A small OpenTelemetry collector on loopback: it keeps the spans that it is sent, and shows a trace as a tree."""

import gzip
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of work. Times in seconds since the epoch; `parent` is empty where it has none."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    began_at: float
    ended_at: float
    attributes: dict[str, str]


@dataclass(slots=True)
class Collector:
    """What was received; `url` is what services are told as QUORATE_OTLP_ENDPOINT."""

    url: str = ""
    spans: list[Span] = field(default_factory=list[Span])


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector on a free port, for as long as the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.spans += parsed(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def parsed(body: bytes) -> list[Span]:
    """The spans of an OTLP request."""
    request = ExportTraceServiceRequest.FromString(body)
    found: list[Span] = []
    for resource in request.resource_spans:
        service = next(
            (one.value.string_value for one in resource.resource.attributes if one.key == "service.name"), ""
        )
        found += [
            Span(
                service=service,
                name=one.name,
                trace_id=one.trace_id.hex(),
                span_id=one.span_id.hex(),
                parent=one.parent_span_id.hex(),
                began_at=one.start_time_unix_nano / 1e9,
                ended_at=one.end_time_unix_nano / 1e9,
                attributes={each.key: each.value.string_value for each in one.attributes},
            )
            for scope in resource.scope_spans
            for one in scope.spans
        ]
    return found


def tree(spans: Iterable[Span], trace_id: str) -> list[str]:
    """A trace as lines: when each span began and how long it took, in milliseconds, those that it caused below it."""
    of_trace = sorted((one for one in spans if one.trace_id == trace_id), key=lambda one: one.began_at)
    known = {one.span_id for one in of_trace}
    children: dict[str, list[Span]] = defaultdict(list)
    for one in of_trace:
        children[one.parent if one.parent in known else ""].append(one)
    zero = of_trace[0].began_at if of_trace else 0.0

    def lines(parent: str, depth: int) -> list[str]:
        found: list[str] = []
        for one in children[parent]:
            at_ms, took_ms = 1000 * (one.began_at - zero), 1000 * (one.ended_at - one.began_at)
            name = f"{one.name} {one.attributes.get('http.route', '')}".strip()
            found.append(f"{at_ms:8.1f} {took_ms:7.1f}  {'  ' * depth}{one.service.removeprefix('quorate-')}: {name}")
            found += lines(one.span_id, depth + 1)
        return found

    return ["begun ms took ms", *lines("", 0)]
