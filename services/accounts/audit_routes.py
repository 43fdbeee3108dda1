"""HTTP in and out of the audit."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from services.accounts import shapes, wire
from services.accounts.audit_listing import AuditListing
from services.accounts.handlers import Resources
from services.accounts.routes import NOT_KEPT
from shared.access import allow
from shared.audit import AuditEntry
from shared.cells import cell
from shared.http import problems
from shared.http.paging import Cursor, Limit, Pages, cut, read_cursor
from shared.http.requests import bounded
from shared.identity import Who

ENTRY_ID = re.compile(r"[0-9a-f]{24}")
EXPORTED_AT_ONCE = 200
AT_A_TIME = 4
"""Pages that are read at once, by all exports."""
Format = Literal["jsonl", "csv"]
COLUMNS = ("id", "at", "actor", "actor_name", "action", "object", "address", "outcome")


def _listing(
    actor: wire.Actor | None = None,
    action: wire.Done | None = None,
    object: wire.Object | None = None,  # noqa: A002 - as it is called in the answer
    since: wire.AuditSince = None,
    until: wire.AuditUntil = None,
) -> AuditListing:
    return AuditListing(
        actor=actor,
        action=action,
        object=object,
        since=None if since is None else since.timestamp(),
        until=None if until is None else until.timestamp(),
    )


Wanted = Annotated[AuditListing, Depends(_listing)]


def router(resources: Resources) -> APIRouter:
    """What was done in a team, for its admins."""
    routes = APIRouter(prefix="/api", tags=["administration"], route_class=bounded(), responses=problems.RESPONSES)
    pages, turns = Pages(), asyncio.Semaphore(AT_A_TIME)

    @routes.get("/admin/audit", response_model=wire.Audit)
    async def audit(who: Who, wanted: Wanted, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "administer")

        async def find(before: str, count: int) -> tuple[Any, str]:
            await resources.arrivals.recorded()
            found = await resources.store.entries(who.team, wanted, before=before, limit=count + 1)
            return cut(found, count, _id_of)

        return await pages.answer(find, shapes.entry_shown, after=read_cursor(cursor, ENTRY_ID), limit=limit)

    @routes.get("/admin/audit/export", response_class=StreamingResponse)
    async def export(
        who: Who, wanted: Wanted, form: Annotated[Format, Query(alias="format")] = "jsonl"
    ) -> StreamingResponse:
        allow(who, "administer")
        await resources.arrivals.recorded()
        headers = {"Content-Disposition": f'attachment; filename="audit.{form}"', **NOT_KEPT}
        media_type, head, write = FORMATS[form]
        return StreamingResponse(_file(who.team, wanted, head, write), headers=headers, media_type=media_type)

    async def _file(
        team: str, wanted: AuditListing, head: bytes, write: Callable[[Sequence[AuditEntry]], bytes]
    ) -> AsyncGenerator[bytes]:
        """A team's entries, the newest first; a page of them is in memory at a time."""
        yield head
        before: str | None = ""
        while before is not None:
            async with turns:
                found = await resources.store.entries(team, wanted, before=before, limit=EXPORTED_AT_ONCE)
                lines = write(found)
            yield lines
            before = found[-1].id if len(found) == EXPORTED_AT_ONCE else None

    return routes


def _as_jsonl(entries: Sequence[AuditEntry]) -> bytes:
    return b"".join(orjson.dumps(shapes.entry_shown(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def _as_csv(entries: Sequence[AuditEntry]) -> bytes:
    """Without the header; cells that look like a formula are made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for entry in entries:
        shown = shapes.entry_shown(entry)
        writer.writerow([cell(shown[column]) for column in COLUMNS])
    return out.getvalue().encode()


FORMATS: dict[Format, tuple[str, bytes, Callable[[Sequence[AuditEntry]], bytes]]] = {
    "jsonl": ("application/jsonl", b"", _as_jsonl),
    "csv": ("text/csv; charset=utf-8", ",".join(COLUMNS).encode() + b"\r\n", _as_csv),
}
"""For each format its media type, what the file begins with, and how entries are written."""


def _id_of(entry: AuditEntry) -> str:
    return entry.id
