"""The keys that `quorate login` was given, one for each platform: in the system's key ring where there is one, else in
a file that its owner alone can read.

The file says for which platforms there is a key, and where it is: whoever never signed in never waits for a key ring.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import click

from quorate.errors import QuorateError

NAME = "keys.json"
SERVICE = "quorate"
LEAST_PRIORITY = 1
"""Of a key ring: below it are those that fail, forget, or keep plain text."""
OTHERS = 0o077

Place = Literal["key ring", "file"]


def file() -> Path:
    return Path(click.get_app_dir("quorate")) / NAME


def origin_of(url: str) -> str:
    """A platform's address in one form: a key goes to no other."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/api")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"


def find(url: str) -> str | None:
    """The key for a platform; None where nobody signed in there. Raises QuorateError where it cannot be read."""
    kept = _read().get(origin_of(url))
    if kept is None:
        return None
    if "key" in kept:
        return kept["key"]
    found = _from_ring(origin_of(url))
    if found is None:
        raise QuorateError("the system's key ring has no key for this platform any more: use quorate login, or --key")
    return found


def keep(url: str, key: str) -> Place:
    """Keep a key in place of the one before, and say where. Raises OSError and QuorateError."""
    origin, kept = origin_of(url), _read()
    is_in_ring = _put_into_ring(origin, key)
    kept[origin] = {"in": "key ring"} if is_in_ring else {"key": key}
    _write(kept)
    return "key ring" if is_in_ring else "file"


def forget(url: str) -> None:
    """Forget the key for a platform, if there is one. Raises OSError and QuorateError."""
    origin, kept = origin_of(url), _read()
    if origin not in kept:
        return
    if "key" not in kept[origin]:
        _remove_from_ring(origin)
    del kept[origin]
    _write(kept)


def _read() -> dict[str, dict[str, str]]:
    path = file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        raise QuorateError(f"others can read {path}: close it by chmod 600, and revoke its keys if they may have")
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError) as error:
        raise QuorateError(f"{path} cannot be read: remove it, and use quorate login again") from error


def _write(kept: dict[str, dict[str, str]]) -> None:
    """Replaced as a whole, and never open to others, not even for a moment."""
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{NAME}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        json.dump(kept, written, indent=1)
        written.flush()
        os.fsync(written.fileno())
    beside.replace(path)


def _ring() -> Any:
    """The system's key ring; None where there is none, or the library for it is not installed."""
    try:
        import keyring  # noqa: PLC0415 # pyright: ignore[reportMissingImports] - only where somebody signs in
    except ImportError:
        return None
    ring: Any = None
    with suppress(Exception):  # key rings raise whatever they like; then there is none
        ring = cast("Any", keyring.get_keyring())  # pyright: ignore[reportUnknownMemberType]
        if ring.priority < LEAST_PRIORITY:
            return None
    return ring


def _from_ring(origin: str) -> str | None:
    ring = _ring()
    try:
        return None if ring is None else ring.get_password(SERVICE, origin)
    except Exception as error:
        raise QuorateError(f"the system's key ring does not open: {error}; use --key, or quorate login") from error


def _put_into_ring(origin: str, key: str) -> bool:
    """Whether the key is there now. A ring that is locked, or that forgets, is as good as none."""
    ring = _ring()
    if ring is None:
        return False
    try:
        ring.set_password(SERVICE, origin, key)
        return ring.get_password(SERVICE, origin) == key
    except Exception:  # noqa: BLE001 - as above
        return False


def _remove_from_ring(origin: str) -> None:
    ring = _ring()
    try:
        if ring is not None:
            ring.delete_password(SERVICE, origin)
    except Exception as error:
        raise QuorateError(f"the system's key ring does not open: {error}") from error
