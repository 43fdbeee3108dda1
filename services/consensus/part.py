"""The consensus service, assembled on any adapters."""

from collections.abc import Sequence
from functools import partial

from services.consensus import consumers, eraser, operator_routes, routes
from services.consensus.handlers import Resources
from services.consensus.maker import Bounds, Maker
from services.consensus.metrics import RunMetrics
from services.consensus.settings import LONGEST_S, ConsensusSettings
from services.consensus.sparing import Sparing
from services.consensus.store import ConsensusStore
from services.consensus.worker import Worker
from shared.arrivals import Arrivals
from shared.auditing import Auditor
from shared.erasures import Eraser, Erasures
from shared.outbox import Relay
from shared.part import Adapters, Part


def assemble(
    adapters: Adapters[ConsensusStore],
    settings: ConsensusSettings,
    *,
    erasures: Erasures,
    sparing: Sparing,
    relays: Sequence[Relay] | None = None,
) -> Part:
    """`sparing`: how far the runs leave the event loop to others. `relays`: those of all services, where they run in
    this process."""
    store, clock = adapters.store, adapters.clock
    relay = Relay(store, adapters.bus)
    bounds = Bounds(
        time_s=settings.consensus_time_s, with_rests_s=LONGEST_S, memory_bytes=settings.consensus_memory_bytes
    )
    metrics = RunMetrics(adapters.telemetry.metrics.registry, store, clock)
    maker = Maker(store, clock, bounds, sparing)
    worker = Worker(store, maker, relay, clock, metrics, at_once=settings.consensus_at_once)
    erasing = Eraser("consensus", erasures, partial(eraser.step, store), adapters.bus, clock)
    resources = Resources(
        store=store,
        clock=clock,
        wake=worker.wake,
        relay=relay,
        arrivals=Arrivals(adapters.bus, list(consumers.AWAITED), relays),
        eraser=erasing,
        auditor=Auditor(clock, adapters.bus, is_on=settings.auth == "on"),
    )
    return Part(
        name="consensus",
        routers=[routes.router(resources), operator_routes.router(resources)],
        subscribe=partial(consumers.subscribe, resources),
        relays=[relay],
        workers=[worker, erasing],
        gauges={
            "erasures of the consensus service": partial(erasing.look, adapters.telemetry.metrics),
            "consensus runs": metrics.look,
        },
        resources=resources,
    )
