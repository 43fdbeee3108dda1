"""All services in one process, on SQLite and the filesystem. With each service's `app.py`, the only place that names
adapters."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from embedded import data_dir
from embedded import routes as object_routes
from embedded.accounts import EmbeddedAccounts
from embedded.ballast import Ballast
from embedded.clock_file import ClockFile
from embedded.metrics import FolderMetrics
from embedded.settings import Settings
from services.accounts import routes as account_routes
from services.accounts.store.sqlite import SqliteAccountStore
from services.accounts.store.sqlite import schema as account_schema
from services.consensus import part as consensus
from services.consensus.sparing import REST, Sparing
from services.consensus.store.sqlite import SqliteConsensusStore
from services.consensus.store.sqlite import schema as consensus_schema
from services.detector import part as detector
from services.detector import quota
from services.notifier import part as notifier
from services.notifier.store.sqlite import SqliteNotifierStore
from services.notifier.store.sqlite import schema as notifier_schema
from services.subtask_manager import announcements as subtask_announcements
from services.subtask_manager import part as subtask_manager
from services.subtask_manager.preferences.sqlite import SqlitePreferences
from services.subtask_manager.store import sqlite as subtask_sqlite
from services.subtask_manager.store.sqlite import schema as subtask_schema
from services.task_manager import announcements as task_announcements
from services.task_manager import part as task_manager
from services.task_manager.imports.credentials import Vault
from services.task_manager.imports.store.sqlite import SqliteImports
from services.task_manager.store import sqlite as task_sqlite
from services.task_manager.store.sqlite import schema as task_schema
from services.worker import part as worker
from shared import page
from shared.bus.sqlite import SqliteBus
from shared.clock import Clock
from shared.erasures.sqlite import SqliteErasures
from shared.fetching import Fetcher
from shared.http.serving import Deployable
from shared.objects.filesystem import FilesystemObjectStore
from shared.outbox import Relay
from shared.part import Part, PictureAdapters, deployable
from shared.pictures import DecodingBudget
from shared.quotas.sqlite import SqliteQuotas
from shared.sqlite import Database
from shared.sqlite.migrations import Step
from shared.steady_clock import SteadyClock, wall_of

Store = TypeVar("Store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that runs, assembled; nothing is open before it is served. `files`: a database for each service."""

    deployable: Deployable
    parts: Mapping[str, Part]
    files: Mapping[str, Database]
    objects: FilesystemObjectStore
    bus: SqliteBus

    @property
    def databases(self) -> list[Database]:
        return [*self.files.values(), self.bus.database]


def assemble(settings: Settings, *, clock: Clock | None = None, fetcher: Fetcher | None = None) -> Platform:
    """The platform in a folder. `fetcher`: sends webhooks and reads clients' buckets; without one, each has its own by
    the settings.

    Raises ModelUnusable where the settings name a model that cannot be used.
    """
    clock = clock or SteadyClock()
    root = settings.data_dir
    spool = data_dir.spool(root)
    objects = FilesystemObjectStore(
        root, data_dir.secret(root), url_lifetime_s=settings.image_url_s, cache_bytes=settings.image_cache_bytes
    )
    ballast, clock_file = Ballast(root / "ballast"), ClockFile(root / "clock", clock)
    bus = SqliteBus(root / "bus.sqlite", clock, delivery_limit=settings.delivery_limit)
    telemetry = settings.telemetry("quorate")
    files: dict[str, Database] = {}

    def on(store: Store) -> PictureAdapters[Store]:
        return PictureAdapters(store=store, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    def file(name: str, steps: Sequence[Step]) -> Database:
        return files.setdefault(name, Database(root / f"{name}.sqlite", steps))

    tasks_file, subtasks_file = file("tasks", task_schema.STEPS), file("subtasks", subtask_schema.STEPS)
    task_store = task_sqlite.SqliteTaskStore(
        tasks_file,
        clock,
        announce_task=task_announcements.task_changed,
        announce_image=partial(task_announcements.image_added, is_fused=settings.pipeline_fuse),
        announce_change=partial(task_announcements.image_changed, is_fused=settings.pipeline_fuse),
        announce_removed=task_announcements.image_removed,
    )
    imports = SqliteImports(tasks_file, clock)
    subtask_store = subtask_sqlite.SqliteSubtaskStore(subtasks_file, clock, subtask_announcements.announce)
    notifier_store = SqliteNotifierStore(file("webhooks", notifier_schema.STEPS), clock)
    consensus_store = SqliteConsensusStore(file("consensus", consensus_schema.STEPS), clock)
    budget = DecodingBudget(settings.max_decoding_bytes)
    pool = detector.load_pool(settings, budget, cores=quota.cores() / 2)  # the other half is for everything else
    relays: list[Relay] = []
    parts = [
        subtask_manager.assemble(
            on(subtask_store),
            settings,
            preferences=SqlitePreferences(subtasks_file),
            quotas=SqliteQuotas(subtasks_file),
            erasures=SqliteErasures(subtasks_file),
            relays=relays,
        ),
        task_manager.assemble(
            on(task_store),
            settings,
            spool=spool,
            budget=budget,
            quotas=SqliteQuotas(tasks_file),
            erasures=SqliteErasures(tasks_file),
            imports=imports,
            vault=Vault(data_dir.secret(root)),
            fetcher=fetcher,
            relays=relays,
            make_room=ballast.let_go,
        ),
        worker.assemble(on(None), settings, budget=budget),
        detector.assemble(on(None), settings, pool=pool),
        notifier.assemble(on(notifier_store), settings, fetcher=fetcher),
        consensus.assemble(
            on(consensus_store),
            settings,
            erasures=SqliteErasures(files["consensus"]),
            sparing=Sparing(REST),
            relays=relays,
        ),
    ]
    accounts = None
    if settings.auth == "on":
        account_store = SqliteAccountStore(file("accounts", account_schema.STEPS), clock)
        accounts = EmbeddedAccounts(on(account_store), settings, root, relays)
        parts.append(accounts.part)
    relays += [relay for part in parts for relay in part.relays]

    databases = [*files.values(), bus.database]
    FolderMetrics(root, databases, telemetry.metrics.registry)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            clock_file.start()
            stack.push_async_callback(clock_file.close)
            for database in files.values():
                database.open()
                stack.push_async_callback(database.close)
            if accounts is not None:
                await accounts.first_start.begin()
            await task_store.forget_uploads()
            for store in (imports, notifier_store, consensus_store):
                await store.release()
            await objects.open()
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            ballast.start()
            stack.push_async_callback(ballast.close)
            yield

    without_accounts = [account_routes.off_router()] if accounts is None else []
    served = deployable(
        "Quorate",
        settings,
        parts,
        on(None),
        opened=opened,
        routers=[object_routes.router(objects, wall_of(clock), spool), page.router(), *without_accounts],
        authenticator=None if accounts is None else accounts.authenticator,
        needs={**{one.path.name: one.is_ready for one in databases}, "objects": objects.is_ready},
    )
    served = served if accounts is None else replace(served, greeting=accounts.first_start.greeting)
    return Platform(deployable=served, parts={part.name: part for part in parts}, files=files, objects=objects, bus=bus)
