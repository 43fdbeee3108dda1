"""Downloads a file of a model: limited in size, checked by hash, and stored as a whole or not at all."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import httpx

from services.detector.models.model import ModelUnusable
from services.detector.models.registry import KnownFile

_MAX_REDIRECTS = 5
_TIMEOUT_S = 30.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def download(file: KnownFile, folder: Path, *, progress: Callable[[int], None]) -> None:
    """Fetch a file into `folder`. `progress` is told how many bytes have come so far.

    A file that is longer than the registry says, or has another hash, is not kept. Raises ModelUnusable, and OSError
    where it cannot be written.
    """
    if file.url is None:
        raise ModelUnusable(f"{file.name} cannot be downloaded from anywhere: bring it and put it into {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{file.name}.", delete=False) as target:
        part = Path(target.name)
        try:
            _fetch(file, file.url, target, progress)
        except BaseException:
            part.unlink()
            raise
    part.chmod(0o644)
    part.replace(folder / file.name)


def _fetch(file: KnownFile, url: str, target: IO[bytes], progress: Callable[[int], None]) -> None:
    digest = hashlib.sha256()
    received = 0
    try:
        with httpx.Client(timeout=_TIMEOUT_S, headers={"Accept-Encoding": "identity"}) as client:
            for chunk in _chunks(client, url):
                received += len(chunk)
                if received > file.size:
                    raise ModelUnusable(f"{url} sends more than the {file.size} bytes of {file.name}: refused")
                digest.update(chunk)
                target.write(chunk)
                progress(received)
    except httpx.HTTPError as error:
        raise ModelUnusable(f"{url} cannot be downloaded: {error or type(error).__name__}") from error
    if digest.hexdigest() != file.sha256:
        raise ModelUnusable(
            f"{url} sent another file than the {file.name} that is known "
            f"({received} bytes, sha256 {digest.hexdigest()}, not {file.size}, {file.sha256}): refused"
        )


def _chunks(client: httpx.Client, url: str) -> Iterator[bytes]:
    """The bytes of the file; redirects are followed, but from elsewhere never to this machine."""
    known = url
    for _ in range(_MAX_REDIRECTS + 1):
        _refuse_unsafe(url, known)
        with client.stream("GET", url) as response:
            if response.has_redirect_location:
                url = urljoin(url, response.headers["Location"])
                continue
            response.raise_for_status()
            yield from response.iter_bytes()
            return
    raise ModelUnusable(f"{url} is one redirect too many")


def _refuse_unsafe(url: str, known: str) -> None:
    """`known`: the address in the registry."""
    parts = urlsplit(url)
    is_here = parts.hostname in _LOOPBACK
    if is_here and urlsplit(known).hostname not in _LOOPBACK:
        raise ModelUnusable(f"{known} leads to {url}, which is this machine: refused")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        raise ModelUnusable(f"{url} is not an https address: refused")
