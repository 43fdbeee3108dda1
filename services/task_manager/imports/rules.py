"""The rules of an import: pictures of a bucket, taken into a task part by part, by one process at a time. Pure.

A part is the next keys behind the cursor. What it came to and the cursor behind it are saved in one guarded write, so a
part that was cut short is done again; its pictures are known by their bytes, and so are not taken in twice.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Literal

from shared.errors import Conflict, Invalid

State = Literal["running", "finished", "failed", "cancelled"]
CLAIM_S = 30.0
"""So long a process that is not heard of keeps an import."""
MAX_TRIES = 12
"""Tries of one part, before its import fails."""
LONGEST_PAUSE_S = 60.0
KEPT = 100
"""Imports of one task."""
CUT_SHORT = "the process that worked on it ended again and again"
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){1,61}[a-z0-9]")


class Importing(Conflict):
    """An import into the task is under way."""

    code = "import-under-way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures are. endpoint: `https://name[:port]` of an S3 server. prefix: what their keys begin with;
    empty: all of the bucket."""

    endpoint: str
    bucket: str
    prefix: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Files by what became of them."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    skipped: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            accepted=self.accepted + other.accepted,
            duplicates=self.duplicates + other.duplicates,
            rejected=self.rejected + other.rejected,
            skipped=self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a part came to. cursor: the last key of it. is_last: there is none behind it. failed: why nothing would come
    of going on."""

    cursor: str
    counted: Counted
    is_last: bool
    failed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import, as it stands.

    sealed: its key and secret, encrypted; None: there are none, or it is over.
    cursor: the key behind which the next part begins. parts: how many are done.
    round: how often it was begun from the first key on; reports are kept by round and part.
    next_at: when the next part may begin. holder: who works on it, until `held_until`.
    tries: of the present part. trouble: why the last one failed; of a failed import, why it did.
    team: the task's; empty for imports from before it was kept.
    """

    id: str
    task_id: str
    source: Source
    asked_at: float
    next_at: float
    sealed: str | None = None
    state: State = "running"
    cursor: str = ""
    parts: int = 0
    round: int = 1
    counted: Counted = Counted()
    holder: str | None = None
    held_until: float = 0.0
    tries: int = 0
    trouble: str | None = None
    ended_at: float | None = None
    team: str = ""

    @property
    def due_at(self) -> float | None:
        """When a process may work on it; None: never."""
        if self.state != "running":
            return None
        return self.next_at if self.holder is None else self.held_until


def check_source(source: Source) -> None:
    """Raises Invalid, pointing at the field. What its address leads to is the fetcher's to check."""
    if not re.fullmatch(r"https?://[^/?#]+/?", source.endpoint):
        raise Invalid("write the address of the S3 server alone: https://name", pointer="/endpoint")
    if not _BUCKET.fullmatch(source.bucket):
        raise Invalid("no bucket has such a name", pointer="/bucket")


def id_of(task_id: str, source: Source) -> str:
    """The same source in the same task is the same import."""
    text = f"import\n{task_id}\n{source.endpoint}\n{source.bucket}\n{source.prefix}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def asked_again(one: Import, now: float, *, sealed: str | None, source: Source, is_anew: bool) -> Import:
    """One that failed or was cancelled goes on where it stood. One that finished stays so, unless it is to look at
    everything anew. One that is running stays as it is."""
    if one.state == "running" or (one.state == "finished" and not is_anew):
        return one
    again = replace(
        one,
        state="running",
        sealed=sealed,
        source=source,
        next_at=now,
        holder=None,
        tries=0,
        trouble=None,
        ended_at=None,
    )
    if not is_anew:
        return again
    return replace(again, cursor="", parts=0, round=one.round + 1, counted=Counted())


def claimed(one: Import, now: float, *, holder: str) -> Import:
    """A try of the next part begins, unless another is under way. After too many the import fails instead."""
    if one.due_at is None or now < one.due_at:
        return one
    if one.tries >= MAX_TRIES:
        return _over(one, now, "failed", one.trouble or CUT_SHORT)
    return replace(one, holder=holder, held_until=now + CLAIM_S, tries=one.tries + 1)


def renewed(one: Import, now: float, *, holder: str) -> Import:
    """The try goes on. Raises Conflict where it lost the import: to another, or because it is over."""
    _refuse_unless_held(one, holder)
    return replace(one, held_until=now + CLAIM_S)


def advanced(one: Import, now: float, *, holder: str, done: Done) -> Import:
    """A part is done, and the import over if it was the last, or nothing would come of going on. Raises Conflict where
    its try lost the import to another."""
    _refuse_unless_held(one, holder)
    after = replace(
        one,
        cursor=done.cursor,
        parts=one.parts + 1,
        counted=one.counted + done.counted,
        tries=0,
        trouble=None,
        holder=None,
        next_at=now,
    )
    if done.failed is not None:
        return _over(after, now, "failed", done.failed)
    return _over(after, now, "finished", None) if done.is_last else after


def troubled(one: Import, now: float, *, holder: str, trouble: str) -> Import:
    """A try failed, and the part is tried again after a pause. Raises Conflict as `advanced`."""
    _refuse_unless_held(one, holder)
    if one.tries >= MAX_TRIES:
        return _over(one, now, "failed", trouble)
    pause_s = min(2.0 ** (one.tries - 1), LONGEST_PAUSE_S)
    return replace(one, holder=None, next_at=now + pause_s, trouble=trouble)


def released(one: Import, now: float, *, holder: str | None = None) -> Import:
    """The try ends because its process does; the next one begins at once. Without `holder`: whichever."""
    if one.state != "running" or one.holder is None or (holder is not None and one.holder != holder):
        return one
    return replace(one, holder=None, next_at=now, tries=one.tries - (0 if holder is None else 1))


def failed(one: Import, now: float, *, holder: str, why: str) -> Import:
    """Nothing would come of trying again. Raises Conflict as `advanced`."""
    _refuse_unless_held(one, holder)
    return _over(one, now, "failed", why)


def cancelled(one: Import, now: float) -> Import:
    """It reads nothing more; what it has taken in stays. One that is over stays as it is."""
    return one if one.state != "running" else _over(one, now, "cancelled", None)


def _over(one: Import, now: float, state: State, trouble: str | None) -> Import:
    """Nobody can use its key any more."""
    return replace(one, state=state, sealed=None, holder=None, ended_at=now, trouble=trouble)


def _refuse_unless_held(one: Import, holder: str) -> None:
    if one.state != "running" or one.holder != holder:
        raise Conflict("another process has this import, or it is over")
