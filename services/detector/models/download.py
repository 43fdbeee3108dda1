"""Downloads a file of a model: limited in size, checked by hash, and stored as a whole or not at all."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

from services.detector.models.model import ModelUnusable
from services.detector.models.registry import KnownFile
from shared.errors import Invalid
from shared.fetching import Answer, Bounds, Fetcher, NotFetched
from shared.fetching.addresses import Network, address_in, is_in, networks_in

_MAX_REDIRECTS = 5
_SILENT_S = 30.0
_TOTAL_S = 7_200.0
_THIS_MACHINE = networks_in("127.0.0.0/8, ::1/128")
_ANYWHERE = networks_in("0.0.0.0/0, ::/0")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a file comes from.

    reachable: networks that it and its redirects may lead to beside the open one.
    is_mirror: whether the operator has named it, by which plain http does.
    """

    url: str
    reachable: Sequence[Network]
    is_mirror: bool


def download(file: KnownFile, folder: Path, *, mirror: str | None = None, progress: Callable[[int], None]) -> None:
    """Fetch a file into `folder`. `progress` is told how many bytes have come so far.

    mirror: the URL of a folder that has the files of all models, by the name of `folder` and their own. It is asked
    instead of the publisher, and may be in a private network.
    A file that is longer than the registry says, or has another hash, is not kept. Raises ModelUnusable, and OSError
    where it cannot be written.
    """
    source = _publisher(file, folder) if mirror is None else _mirrored(file, folder, mirror)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{file.name}.", delete=False) as target:
        part = Path(target.name)
        try:
            _fetch(file, source, target, progress)
        except BaseException:
            part.unlink()
            raise
    part.chmod(0o644)
    part.replace(folder / file.name)


def _publisher(file: KnownFile, folder: Path) -> _Source:
    """The registry's own address, to which this machine is open only where it names it itself. Raises ModelUnusable."""
    if file.url is None:
        raise ModelUnusable(f"{file.name} cannot be downloaded from anywhere: bring it and put it into {folder}")
    return _Source(url=file.url, reachable=_THIS_MACHINE if _is_here(file.url) else (), is_mirror=False)


def _mirrored(file: KnownFile, folder: Path, mirror: str) -> _Source:
    """It may be anywhere: the hash says whether it has the file."""
    return _Source(url=f"{mirror.rstrip('/')}/{folder.name}/{file.name}", reachable=_ANYWHERE, is_mirror=True)


def _fetch(file: KnownFile, source: _Source, target: IO[bytes], progress: Callable[[int], None]) -> None:
    digest = hashlib.sha256()
    received = 0

    def take(piece: bytes) -> None:
        nonlocal received
        received += len(piece)
        digest.update(piece)
        target.write(piece)
        progress(received)

    asyncio.run(_fetched(source, Bounds(total_s=_TOTAL_S, silent_s=_SILENT_S, max_bytes=file.size), take))
    if digest.hexdigest() != file.sha256:
        raise ModelUnusable(
            f"{source.url} sent another file than the {file.name} that is known "
            f"({received} bytes, sha256 {digest.hexdigest()}, not {file.size}, {file.sha256}): refused"
        )


async def _fetched(source: _Source, bounds: Bounds, take: Callable[[bytes], None]) -> None:
    """Fetch the file, whose servers may pass the request on, each time through the guard: never to this machine or a
    private network, where the source may not. Raises ModelUnusable."""
    fetcher = Fetcher(source.reachable)
    url = source.url
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await _asked(fetcher, source, url, bounds, take)
            if answer.status == _SUCCESS:
                return
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                raise ModelUnusable(f"{url} cannot be downloaded: the server answers {answer.status}")
            url = urljoin(url, answer.headers["location"])
        raise ModelUnusable(f"{url} is one redirect too many")
    finally:
        await fetcher.close()


async def _asked(fetcher: Fetcher, source: _Source, url: str, bounds: Bounds, take: Callable[[bytes], None]) -> Answer:
    """Raises ModelUnusable."""
    leads = url if url == source.url else f"{source.url} leads to {url}, which"
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and (source.is_mirror or _is_here(url))):
        raise ModelUnusable(f"{leads} is not an https address: refused")
    try:
        return await fetcher.send("GET", url, bounds=bounds, headers={"Accept-Encoding": "identity"}, take=take)
    except Invalid as error:
        raise ModelUnusable(f"{leads} is refused: {error.detail}") from error
    except NotFetched as error:
        raise ModelUnusable(f"{url} cannot be downloaded: {error.detail}") from error


def _is_here(url: str) -> bool:
    literal = address_in(urlsplit(url).hostname or "")
    return literal is not None and is_in(literal, _THIS_MACHINE)
