"""What is asked of imports: load, ask the rules, save."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.task_manager import domain, handlers
from services.task_manager.handlers import Resources
from services.task_manager.imports import rules
from services.task_manager.imports.credentials import Credentials, Vault
from services.task_manager.imports.importer import Importer
from services.task_manager.imports.rules import KEPT, Import, Source
from services.task_manager.imports.store import ImportStore
from services.task_manager.imports.store.codec import unpacked
from shared.errors import Conflict, Invalid, NotFound
from shared.fetching import Fetcher
from shared.identity import Caller

PLACE = re.compile(r"[0-9]{1,9}-[0-9]{1,3}")
PAGES_AT_ONCE = 10
Refusal = dict[str, str]
"""`filename`, `status` and `reason` of a file that was not taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """What these handlers work with beside the task manager's resources."""

    resources: Resources
    store: ImportStore
    vault: Vault
    fetcher: Fetcher
    importer: Importer


async def begin(
    imports: Imports, who: Caller, *, task_id: str, source: Source, credentials: Credentials | None, is_anew: bool
) -> Import:
    """Ask for an import; it begins at once. Raises NotOpen, Invalid, Conflict.

    The task is looked at again after: what its erasure did not see is taken away.
    """
    rules.check_source(source)
    try:
        imports.fetcher.check(source.endpoint)
    except Invalid as error:
        raise Invalid(error.detail, pointer="/endpoint") from None
    store, now = imports.store, imports.resources.clock()
    import_id = rules.id_of(task_id, source)
    sealed = None if credentials is None else imports.vault.sealed(credentials, import_id)
    known = [one.id for one in await store.of_task(task_id, KEPT)]
    if len(known) >= KEPT and import_id not in known:
        raise Conflict(f"a task has at most {KEPT} imports")
    await handlers.change_task(imports.resources, who, "import.begin", task_id, domain.begin_import)
    team = (await imports.resources.store.task(task_id)).team
    new = Import(id=import_id, task_id=task_id, source=source, asked_at=now, next_at=now, sealed=sealed, team=team)
    if not await store.add(new):
        again = partial(rules.asked_again, sealed=sealed, source=source, is_anew=is_anew)
        new = await store.change(import_id, again)
        await store.remove_pages(import_id, before_round=new.round)
    if (await imports.resources.store.task(task_id)).state == "cancelled":
        await store.remove_of(task_id)
    imports.importer.wake()
    return new


async def find(imports: Imports, *, task_id: str, import_id: str) -> Import:
    """Raises NotFound, also for an import of another task."""
    found = await imports.store.find(import_id)
    if found.task_id != task_id:
        raise NotFound("no such import")
    return found


async def cancel(imports: Imports, who: Caller, *, task_id: str, import_id: str) -> None:
    """Raises NotFound."""
    await find(imports, task_id=task_id, import_id=import_id)
    await handlers.change_task(imports.resources, who, "import.cancel", task_id, domain.cancel_import)
    await imports.store.change(import_id, rules.cancelled)


async def refused(imports: Imports, one: Import, *, after: str, limit: int) -> tuple[Sequence[Refusal], str]:
    """Files that an import did not take in, behind a place, and the place to go on from; empty: there are no more."""
    number, _, done = after.partition("-")
    first, skip = int(number or 0), int(done or 0)
    found: list[Refusal] = []
    pages = await imports.store.pages(one.id, one.round, first=first, limit=PAGES_AT_ONCE)
    for part, body in pages:
        for place, refusal in enumerate(unpacked(body)):
            if part == first and place < skip:
                continue
            if len(found) == limit:
                return found, f"{part}-{place}"
            found.append(refusal)
    return found, f"{pages[-1][0] + 1}-0" if len(pages) == PAGES_AT_ONCE else ""
