"""Spans for an OpenTelemetry collector. Without a collector no spans are made, and trace contexts pass unchanged."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Literal, Protocol

from shared.telemetry import trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

CLOSE_S = 2.0
Kind = Literal["SERVER", "CONSUMER"]
Attribute = str | int | float | bool


class Note(Protocol):
    """Adds an attribute to the current span."""

    def __call__(self, name: str, value: Attribute, /) -> None: ...


class Tracing:
    """Makes spans, if there is a collector."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = None if provider is None else provider.get_tracer("quorate")

    @property
    def is_on(self) -> bool:
        """Whether spans are made."""
        return self._tracer is not None

    @contextmanager
    def span(self, name: str, kind: Kind, *, parent: str | None, **attributes: Attribute) -> Generator[Note]:
        """Work that belongs to the trace of `parent` (a W3C traceparent), or begins one.

        Within the block `trace.current()` is this span, so events that are made there carry it on.
        """
        if self._tracer is None:
            yield _note_nothing
            return
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only where spans are sent

        with self._tracer.start_as_current_span(
            name, context=_context(parent), kind=SpanKind[kind], attributes=attributes
        ) as span:
            context = span.get_span_context()
            trace.follow(f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}")
            yield span.set_attribute

    async def close(self) -> None:
        """Send the remaining spans, as far as the collector takes them in time: a stop waits for none that is away."""
        if self._provider is None:
            return
        ended = asyncio.Event()
        Thread(target=_end, args=(self._provider, asyncio.get_running_loop(), ended), daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await ended.wait()


def tracing(service: str, *, endpoint: str | None, share: float) -> Tracing:
    """Spans of a service, sent by OTLP over HTTP to a collector's base URL; `share` of the traces that begin here."""
    if endpoint is None:
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": service}),
        sampler=ParentBased(TraceIdRatioBased(share)),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    return Tracing(provider)


def _end(provider: "TracerProvider", loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    provider.shutdown()
    with suppress(RuntimeError):  # nobody waits any longer, and the loop is closed
        loop.call_soon_threadsafe(ended.set)


def _context(parent: str | None):
    """A traceparent as the context of a span; an empty context without one."""
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({} if parent is None else {"traceparent": parent}, Context())


def _note_nothing(_name: str, _value: Attribute, /) -> None: ...
