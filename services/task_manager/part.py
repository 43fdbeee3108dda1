"""The task manager, assembled."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from services.task_manager import (
    consumers,
    eraser,
    export_routes,
    label_import_routes,
    operator_routes,
    quota_routes,
    routes,
)
from services.task_manager.collector import Collector
from services.task_manager.exports import Exports
from services.task_manager.handlers import Resources
from services.task_manager.imports import routes as import_routes
from services.task_manager.imports.credentials import Vault
from services.task_manager.imports.handlers import Imports
from services.task_manager.imports.importer import Importer
from services.task_manager.imports.store import ImportStore
from services.task_manager.ingest import Checker
from services.task_manager.intake import Intake
from services.task_manager.jobs import routes as job_routes
from services.task_manager.jobs.handlers import Jobs
from services.task_manager.metrics import BatchMetrics
from services.task_manager.pipelines import process_routes
from services.task_manager.pipelines.handlers import Steps
from services.task_manager.progress import Progress
from services.task_manager.renditions import Renditions
from services.task_manager.settings import UploadSettings
from services.task_manager.statistician import Statistician
from services.task_manager.store import TaskStore
from services.task_manager.uploads import Uploads
from shared.arrivals import Arrivals
from shared.auditing import Auditor
from shared.erasures import Eraser, Erasures
from shared.fetching import Fetcher
from shared.models import ModelHeard
from shared.outbox import Relay
from shared.part import Part, PictureAdapters
from shared.pictures import DecodingBudget
from shared.quotas import Quotas, QuotaStore

CHECK_THREADS = 2


def has_none() -> bool:
    """No room is kept for a full disk."""
    return False


def assemble(
    adapters: PictureAdapters[TaskStore],
    settings: UploadSettings,
    *,
    spool: Path,
    budget: DecodingBudget,
    quotas: QuotaStore,
    erasures: Erasures,
    imports: ImportStore,
    vault: Vault,
    fetcher: Fetcher | None = None,
    relays: Sequence[Relay] | None = None,
    make_room: Callable[[], bool] = has_none,
) -> Part:
    """`spool`: a folder for archives under way. `budget`: what the process may hold of decoded pictures.
    `quotas`: those that were set for teams. `vault`: encrypts the keys to clients' buckets. `fetcher`: reads those;
    where there is none, one by the settings. `relays`: those of all services, where they run in this process.
    `make_room`: gives room on a full disk."""
    store, objects, clock = adapters.store, adapters.objects, adapters.clock
    relay = Relay(store, adapters.bus)
    steps = Steps(store=store, objects=objects, bus=adapters.bus, relay=relay)
    collector = Collector(
        store,
        imports,
        objects,
        clock,
        relay_wake=relay.wake,
        cancelled_days=settings.cancelled_days,
        fail_dead=steps.fail_dead,
    )
    threads = ThreadPoolExecutor(CHECK_THREADS, thread_name_prefix="check")
    checker = Checker(threads, settings.picture_limits, budget)
    statistician = Statistician(store, clock)
    erasing = Eraser("task_manager", erasures, partial(eraser.step, store, relay), adapters.bus, clock)
    team_quotas = Quotas(quotas, asdict(settings.allowed), relay=relay, bus=adapters.bus)
    metrics = BatchMetrics(adapters.telemetry.metrics.registry)
    intake = Intake(
        store=store,
        objects=objects,
        checker=checker,
        clock=clock,
        bus=adapters.bus,
        relay=relay,
        quotas=team_quotas,
        metrics=metrics,
    )
    fetcher = fetcher or Fetcher(settings.importing)
    importer = Importer(imports, intake, fetcher, vault, clock, max_bytes=settings.picture_limits.max_bytes)
    resources = Resources(
        store=store,
        imports=imports,
        objects=objects,
        bus=adapters.bus,
        relay=relay,
        checker=checker,
        intake=intake,
        renditions=Renditions(objects, checker),
        clock=clock,
        spool=spool,
        archives=settings.archive_limits,
        max_uploads=settings.max_uploads,
        erase_soon=collector.wake,
        statistician=statistician,
        arrivals=Arrivals(adapters.bus, consumers.QUEUES, relays),
        model=ModelHeard(clock),
        progress=Progress(store, clock),
        metrics=metrics,
        auditor=Auditor(clock, adapters.bus, is_on=settings.auth == "on"),
        quotas=team_quotas,
        eraser=erasing,
        make_room=make_room,
        steps=steps,
    )
    importing = Imports(resources=resources, store=imports, vault=vault, fetcher=fetcher, importer=importer)
    exports = Exports(store, objects, spool)
    uploads = Uploads(resources)
    jobs = Jobs(resources=resources, uploads=uploads)
    return Part(
        name="task_manager",
        routers=[
            routes.upload_router(resources, uploads),
            routes.router(resources),
            export_routes.router(resources, exports),
            label_import_routes.router(resources),
            routes.rendition_router(resources),
            quota_routes.router(resources),
            operator_routes.router(resources),
            import_routes.router(importing),
            job_routes.submit_router(jobs),
            job_routes.router(jobs),
            process_routes.router(resources, uploads),
        ],
        subscribe=partial(consumers.subscribe, resources),
        relays=[relay, *team_quotas.relays],
        workers=[collector, statistician, erasing, importer],
        tools=[fetcher, exports],
        gauges={
            "tasks": partial(metrics.look, store),
            "erasures of the task manager": partial(erasing.look, adapters.telemetry.metrics),
        },
        before_shutdown=resources.progress.close,  # streams that would never end by themselves
        answers_admin=True,
        resources=resources,
    )
