"""The subtask manager, assembled on any adapters."""

from collections.abc import Sequence
from functools import partial

from services.subtask_manager import consumers, eraser, quota_routes, routes
from services.subtask_manager.handlers import Resources
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.preferences import PreferencesStore
from services.subtask_manager.quotas import LIVE_LEASES
from services.subtask_manager.settings import LeaseSettings
from services.subtask_manager.store import SubtaskStore
from shared.arrivals import Arrivals
from shared.auditing import Auditor
from shared.erasures import Eraser, Erasures
from shared.models import ModelHeard
from shared.outbox import Relay
from shared.part import Part, PictureAdapters
from shared.quotas import Quotas, QuotaStore
from shared.telemetry.seen import Rarely


def assemble(
    adapters: PictureAdapters[SubtaskStore],
    settings: LeaseSettings,
    *,
    preferences: PreferencesStore,
    quotas: QuotaStore,
    erasures: Erasures,
    relays: Sequence[Relay] | None = None,
) -> Part:
    """`quotas`: those that were set for teams. `relays`: those of all services, where they run in this process."""
    relay = Relay(adapters.store, adapters.bus)
    metrics = WorkMetrics(adapters.telemetry.metrics.registry)
    step = partial(eraser.step, adapters.store, preferences)
    erasing = Eraser("subtask_manager", erasures, step, adapters.bus, adapters.clock)
    defaults = {LIVE_LEASES: settings.quota_live_leases}
    team_quotas = Quotas(quotas, defaults, relay=relay, bus=adapters.bus)
    resources = Resources(
        store=adapters.store,
        preferences=preferences,
        objects=adapters.objects,
        bus=adapters.bus,
        relay=relay,
        clock=adapters.clock,
        lease_s=settings.lease_s,
        arrivals=Arrivals(adapters.bus, consumers.TOLD, relays, published_s=0.0),  # what is told is handed over
        limits=settings.limits,
        model=ModelHeard(adapters.clock),
        metrics=metrics,
        eraser=erasing,
        auth=settings.auth or "off",
        auditor=Auditor(adapters.clock, adapters.bus, is_on=settings.auth == "on"),
        quotas=team_quotas,
    )
    return Part(
        name="subtask_manager",
        routers=[
            routes.router(resources),
            routes.preferences_router(resources),
            routes.old_router(resources),
            quota_routes.router(resources),
        ],
        subscribe=partial(consumers.subscribe, resources),
        relays=[relay, *team_quotas.relays],
        workers=[erasing],
        gauges={
            "leases": partial(metrics.look, adapters.store),
            "open subtasks": Rarely(partial(metrics.look_at_backlog, adapters.store, adapters.clock)),
            "erasures of the subtask manager": partial(erasing.look, adapters.telemetry.metrics),
        },
        counters={"votes": metrics.votes_taken},
        resources=resources,
    )
