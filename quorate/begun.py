"""Downloads that broke off: what came of them lies beside their target, under a name that says of which file it is."""

import os
import re
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from quorate.replacing import Beside

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
                found.append((path.stat(follow_symlinks=False).st_mtime, Begun(path, kept[1])))
    return [one for _, one in sorted(found, key=lambda one: one[0], reverse=True)]


def taken(target: Path) -> tuple[Beside, str] | None:
    """What came of a target's file last and no other process works on, and the tag of the whole one."""
    for one in begun(target):
        file = _locked(one.path)
        if file is not None:
            return Beside(one.path, file, stays=True), one.tag
    return None


def keep(beside: Beside, target: Path, tag: str) -> None:
    """Give it the name under which `taken` finds it, even after this process was killed; not where another process
    works on the same, or the file system has it otherwise."""
    real = Path(os.path.realpath(target))
    kept = real.with_name(f"{real.name}.{tag}.part")
    with suppress(OSError):
        older = _locked(kept)
        if older is not None:
            with older:
                _lock(beside.file)
                beside.rename(kept)


def forget(target: Path) -> None:
    """Remove what is kept for a target, but for what another process works on."""
    for one in begun(target):
        file = _locked(one.path)
        if file is not None:
            with suppress(OSError), file:
                one.path.unlink()


def _locked(path: Path) -> BinaryIO | None:
    """The file with this name, a new one where there is none. Until it is closed, it is this process's alone.

    None where another process has it, and where it is another person's, or a link; on Windows always.
    """
    if sys.platform == "win32":
        return None
    with ExitStack() as failing:
        try:
            file = failing.enter_context(open(path, "r+b", opener=_opener))
            _lock(file)
            there = path.stat(follow_symlinks=False)
        except OSError:
            return None
        if there.st_uid != os.geteuid() or not os.path.samestat(there, os.fstat(file.fileno())):
            return None
        failing.pop_all()
        return file


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


def _lock(file: BinaryIO) -> None:
    """Raises BlockingIOError where another process has it."""
    import fcntl  # noqa: PLC0415 - Windows has none

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
