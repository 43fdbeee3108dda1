"""Works on the imports that are due, a part at a time and in turns, so that a large one holds up no other.

An import is claimed before a part is read, and the claim is renewed meanwhile: of all processes one works on it. A
claim whose process died lapses, and another process does the part again.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Sequence
from functools import partial

from services.task_manager.imports import reading, rules
from services.task_manager.imports.bucket import Bucket, Refused
from services.task_manager.imports.credentials import SecretChanged, Vault
from services.task_manager.imports.listing import Listing, NoListing
from services.task_manager.imports.rules import CLAIM_S, MAX_TRIES, Counted, Done, Import
from services.task_manager.imports.store import ImportStore, PageKey
from services.task_manager.imports.store.codec import packed
from services.task_manager.ingest import Report
from services.task_manager.intake import Intake
from services.task_manager.refusals import Cancelled, NotOpen
from shared import crash_points
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Conflict, NotFound, QuorateError
from shared.fetching import Fetcher
from shared.looking import Looking
from shared.shares import Holder, Shares
from shared.steady_clock import wall_of
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Between two looks for what is due."""
RENEWED_S = CLAIM_S / 6
AT_ONCE = 2
"""Parts under way in a process; of one team at most half of them."""
LOOKED_AT = 100
"""Imports that are due, of which one is chosen whose team has room."""
PART_FILES = 100
PART_S = 60.0
"""What a part has not read by then is left to the next one, so that no slow storage holds a place for long."""
UNEXPECTED = "the part could not be read"


class Importer:
    """Works from `start` to `close`."""

    def __init__(
        self, store: ImportStore, intake: Intake, fetcher: Fetcher, vault: Vault, clock: Clock, *, max_bytes: int
    ) -> None:
        """`max_bytes`: of a file that is taken."""
        self._store = store
        self._intake = intake
        self._fetcher = fetcher
        self._vault = vault
        self._clock = clock
        self._max_bytes = max_bytes
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._places = Shares(AT_ONCE)
        trouble = Trouble(log, "imports wait")
        self._looking = Looking(self._begin, every_s=LOOK_S, trouble=trouble, name="imports")

    def start(self) -> None:
        self._looking.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._looking.wake()

    async def close(self) -> None:
        """Stop; parts under way are done again elsewhere or later."""
        await self._looking.close()
        await ended(*self._under_way.values())

    async def _begin(self) -> None:
        if not self._places.free:
            return
        for due in await self._store.due(now=self._clock(), limit=LOOKED_AT):
            if due.id not in self._under_way and self._places.has_room(_team_of(due)):
                self._places.take(_team_of(due))
                self._under_way[due.id] = asyncio.create_task(self._work(due))

    async def _work(self, due: Import) -> None:
        """One part of an import."""
        try:
            await self._part(due)
            self.wake()
        except Conflict:
            pass  # another process has it, or somebody cancelled it
        except NotFound:
            with contextlib.suppress(QuorateError):  # its task is being erased, which removes what is left
                await self._store.remove_of(due.task_id)
        except QuorateError as error:  # its claim lapses, and the part is done again
            log.warning("an import waits: %s", error.detail, extra={"import": due.id})
        except Exception:
            log.exception("an import waits", extra={"import": due.id})
        finally:
            del self._under_way[due.id]
            self._places.give_back(_team_of(due))

    async def _part(self, due: Import) -> None:
        holder = secrets.token_hex(8)
        claimed = await self._store.change(due.id, partial(rules.claimed, holder=holder))
        if claimed.holder != holder:
            return
        try:
            rule = await self._tried(claimed, holder)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.change(due.id, partial(rules.released, holder=holder)))
            raise
        crash_points.reached("import.before_cursor")
        await self._store.change(due.id, rule)
        crash_points.reached("import.after_cursor")

    async def _tried(self, one: Import, holder: str) -> "partial[Import]":
        """What to make of a try, as a rule: the part is done, is tried again, or never will be."""
        try:
            return partial(rules.advanced, holder=holder, done=await self._while_held(one, holder))
        except (Refused, NoListing, SecretChanged) as error:
            return partial(rules.failed, holder=holder, why=error.detail)
        except Cancelled:
            raise NotFound("no such import") from None
        except NotOpen as error:
            return partial(rules.failed, holder=holder, why=error.detail)
        except (Conflict, NotFound):
            raise
        except QuorateError as error:
            return partial(rules.troubled, holder=holder, trouble=error.detail)
        except Exception:  # whatever it was, it was this part's
            log.exception("a part of an import failed", extra={"import": one.id})
            return partial(rules.troubled, holder=holder, trouble=UNEXPECTED)

    async def _while_held(self, one: Import, holder: str) -> Done:
        """What the part came to, while the claim is renewed; a claim that is lost ends the part."""
        reading_ = asyncio.create_task(self._read(one))
        renewing = asyncio.create_task(self._renew(one.id, holder))
        try:
            await asyncio.wait({reading_, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if reading_.done():
                return await reading_
            await renewing
            raise Conflict("the claim of the import ended")
        finally:
            await ended(reading_, renewing)

    async def _renew(self, import_id: str, holder: str) -> None:
        while True:
            await asyncio.sleep(RENEWED_S)
            await self._store.change(import_id, partial(rules.renewed, holder=holder))

    async def _read(self, one: Import) -> Done:
        """Read the next objects and take them in; the page of what was refused is kept first."""
        credentials = None if one.sealed is None else self._vault.opened(one.sealed, one.id)
        ends_at = asyncio.get_running_loop().time() + PART_S
        bucket = Bucket(self._fetcher, one.source, credentials, wall_of(self._clock), ends_at)
        async with self._intake.ingest(one.task_id) as ingest:
            listing = _checked(one, await bucket.listing(after=one.cursor, limit=PART_FILES))
            is_last_try = one.tries >= MAX_TRIES
            await reading.take(bucket, listing.objects, ingest, max_bytes=self._max_bytes, is_last_try=is_last_try)
            reports = await self._intake.finish(ingest)
        quota = next((report for report in reports if report.quota is not None), None)
        settled = reports if quota is None else reports[: reports.index(quota)]
        if refused := [_shown(report) for report in settled if report.status in ("rejected", "skipped")]:
            key = PageKey(import_id=one.id, round=one.round, part=one.parts)
            await self._store.put_page(key, one.task_id, packed(refused))
        return Done(
            cursor=listing.objects[len(settled) - 1].key if settled else one.cursor,
            counted=_counted(settled),
            is_last=listing.is_last and len(settled) == len(listing.objects),
            failed=quota and quota.reason,
        )


def _team_of(one: Import) -> Holder:
    return Holder(one.team, one.team)


def _checked(one: Import, listing: Listing) -> Listing:
    """The listing, if it goes on behind the cursor: one that does not would never end. Raises NoListing."""
    keys = [listed.key.encode() for listed in listing.objects]
    if any(key <= before for before, key in zip([one.cursor.encode(), *keys], keys, strict=False)):
        raise NoListing("the storage does not list its objects in the order of their keys")
    if any(not listed.key.startswith(one.source.prefix) for listed in listing.objects):
        raise NoListing("the storage lists objects that nobody asked for")
    if not keys and not listing.is_last:
        raise NoListing("the storage lists nothing, and says that there is more")
    return listing


def _counted(reports: Sequence[Report]) -> Counted:
    told = [report.status for report in reports]
    return Counted(
        accepted=told.count("accepted"),
        duplicates=told.count("duplicate"),
        rejected=told.count("rejected"),
        skipped=told.count("skipped"),
    )


def _shown(report: Report) -> dict[str, str]:
    return {"filename": report.filename, "status": report.status, "reason": report.reason or ""}
