"""The notifier, assembled."""

from functools import partial

from services.notifier import consumers, routes
from services.notifier.handlers import Resources
from services.notifier.metrics import DeliveryMetrics
from services.notifier.sender import Sender
from services.notifier.settings import WebhookSettings
from services.notifier.store import NotifierStore
from shared.auditing import Auditor
from shared.fetching import Bounds, Fetcher
from shared.outbox import Relay
from shared.part import Adapters, Part


def assemble(adapters: Adapters[NotifierStore], settings: WebhookSettings, *, fetcher: Fetcher | None = None) -> Part:
    """`fetcher`: sends the requests; where there is none, one by the settings."""
    store, clock, schedule = adapters.store, adapters.clock, settings.schedule
    fetcher = fetcher or Fetcher(settings.networks)
    metrics = DeliveryMetrics(adapters.telemetry.metrics.registry, store)
    bounds = Bounds(total_s=settings.webhook_timeout_s)
    sender = Sender(store, fetcher, clock, schedule, bounds, metrics)
    auditor = Auditor(clock, adapters.bus, is_on=settings.auth == "on")
    relay = Relay(store, adapters.bus)
    resources = Resources(
        store=store,
        clock=clock,
        fetcher=fetcher,
        schedule=schedule,
        wake=sender.wake,
        relay=relay,
        auditor=auditor,
    )
    return Part(
        name="notifier",
        routers=[routes.router(resources)],
        subscribe=partial(consumers.subscribe, resources),
        relays=[relay],
        workers=[sender],
        tools=[fetcher],
        gauges={"deliveries": metrics.measure},
        resources=resources,
    )
