"""Downloads that broke off: what came of them lies beside their target, under a name that says of which file it is."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TAG = re.compile(r'"([0-9a-f]{32})"')
_KEPT = re.compile(r"\.([0-9a-f]{32})\.part")


@dataclass(frozen=True, slots=True)
class Begun:
    """A file that has begun to come, and the tag of the whole one."""

    path: Path
    tag: str


def tag_of(etag: str | None) -> str | None:
    """The tag in an `ETag`; None where nothing can go on by it."""
    found = _TAG.fullmatch(etag or "")
    return found and found[1]


def begun(target: Path) -> list[Begun]:
    """What is kept for a target, the last at the front."""
    real = Path(os.path.realpath(target))
    found: list[tuple[float, Begun]] = []
    for path in real.parent.glob("*.part"):
        kept = _KEPT.fullmatch(path.name.removeprefix(real.name)) if path.name.startswith(real.name) else None
        if kept:
            with suppress(OSError):  # another process took it
                found.append((path.stat().st_mtime, Begun(path, kept[1])))
    return [one for _, one in sorted(found, key=lambda one: one[0], reverse=True)]


def keep(path: Path, target: Path, tag: str) -> Path | None:
    """Keep what came for a target; None where the file system has it otherwise."""
    real = Path(os.path.realpath(target))
    kept = real.with_name(f"{real.name}.{tag}.part")
    with suppress(OSError):
        path.replace(kept)
        return kept
    return None
