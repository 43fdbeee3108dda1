"""What an archive says of itself: where its labels come from, and every vote."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.task_manager.domain import Image, Task
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.boxes import proposal_of
from services.task_manager.exports.rows import as_jsonl
from services.task_manager.exports.walk import Spooled, Walk
from services.task_manager.exports.wanted import EXPORT_VERSION, Wanted
from shared.flat import flattened


@dataclass(slots=True, kw_only=True)
class Seen:
    """What an export has met so far."""

    images: Counter[str] = field(default_factory=Counter[str])
    models: set[str] = field(default_factory=set[str])

    def add(self, images: Sequence[Image]) -> None:
        self.images.update(image.state for image in images)
        self.models.update(proposal.model for image in images if (proposal := proposal_of(image)) is not None)


def described(task: Task, wanted: Wanted, seen: Seen, **more: Any) -> bytes:
    """An export, described: nothing in it depends on when it was made."""
    said = {
        "export": EXPORT_VERSION,
        "format": wanted.form,
        "task_id": task.id,
        "name": task.name,
        "labels": task.terms.labels,
        "label_names": task.terms.label_names,
        "quorum": task.terms.quorum,
        "detector": _policy_of(task),
        "models": sorted(seen.models),
        "images": dict(sorted(seen.images.items())),
        **more,
    }
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _policy_of(task: Task) -> dict[str, Any]:
    """The detector's, with what came later only where it is set: an export stays what it was, byte for byte."""
    policy = flattened(task.terms.detector)
    return {name: value for name, value in policy.items() if name != "is_alone" or value}


class Provenance:
    """Collects the votes of the images that are written, and gives the last files of an archive."""

    def __init__(self, walk: Walk, files: ExitStack) -> None:
        self.seen = Seen()
        self._walk = walk
        self._votes = Spooled(files, walk.spool)

    def add(self, images: Sequence[Image]) -> None:
        self.seen.add(images)
        self._votes.write(as_jsonl(images))

    async def files(self, archive: Archive, **more: Any) -> AsyncIterator[bytes]:
        yield archive.entry("quorate.json", described(self._walk.task, self._walk.wanted, self.seen, **more))
        for piece in self._votes.entry(archive, "votes.jsonl"):
            yield piece
        for piece in archive.end():
            yield piece
