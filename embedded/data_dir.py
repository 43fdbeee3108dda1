"""The folder in which the embedded platform keeps everything."""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

from shared.errors import QuorateError
from shared.sqlite.soundness import refuse_unless_ours

SECRET_BYTES = 32
INCOMPLETE = "tasks.incomplete"
"""What `tasks.sqlite` is called until a backup or a restore has come to its end."""


class DataDirInUse(QuorateError):
    """Another process works in this folder."""


class SecretUnusable(QuorateError):
    """The key that signs URLs of images is too short to be one."""


class ImagesMissing(QuorateError):
    """The database knows images whose files are gone."""


class CopyBrokeOff(QuorateError):
    """What was to be backed up or restored is there in part."""


def make(data_dir: Path) -> None:
    """Make the folder, for its owner only, or close one of ours that others can look into."""
    if not data_dir.exists() or (data_dir / "lock").exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # it belongs to somebody else, who let us in
            data_dir.chmod(0o700)


def spool(data_dir: Path) -> Path:
    """The folder for archives under way."""
    make(data_dir)
    folder = data_dir / "spool"
    folder.mkdir(exist_ok=True)
    return folder


def lock(data_dir: Path) -> IO[bytes]:
    """Make the folder this process's own, until the file that this returns is closed. Raises DataDirInUse."""
    make(data_dir)
    file = (data_dir / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataDirInUse(f"another quorate is running in {data_dir}; stop it, or choose another --data-dir") from None
    return file


def secret(data_dir: Path) -> bytes:
    """The key that signs image URLs: made once, readable by the owner only."""
    make(data_dir)
    path = data_dir / "secret"
    if not path.exists():
        write_secret(path, secrets.token_bytes(SECRET_BYTES))
    refuse_unless_ours(path)
    kept = path.read_bytes()
    if len(kept) < SECRET_BYTES:
        raise SecretUnusable(
            f"{path} has {len(kept)} bytes instead of {SECRET_BYTES}, so whoever guesses it could forge URLs of images:"
            " restore it, or remove it and a new one is made (URLs that were handed out end then)"
        )
    return kept


def refuse_without_images(data_dir: Path, *, has_images: bool) -> None:
    """Raises ImagesMissing where images are stored in the database, and their files are not there."""
    objects = data_dir / "objects"
    if has_images and (not objects.is_dir() or not any(objects.iterdir())):
        raise ImagesMissing(
            f"{data_dir / 'tasks.sqlite'} has images, and {objects} is not there or is empty: mount or restore that"
            " folder"
        )


def refuse_incomplete(data_dir: Path) -> None:
    """Raises CopyBrokeOff."""
    if (data_dir / INCOMPLETE).exists():
        raise CopyBrokeOff(f"a backup or a restore into {data_dir} broke off: remove the folder, and begin again")


def write_secret(path: Path, content: bytes) -> None:
    """Put a file for its owner only in its place, whole or not at all."""
    made = path.with_suffix(".new")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    made.rename(path)
