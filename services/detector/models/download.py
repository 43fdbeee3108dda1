"""Downloads a file of a model: limited in size, checked by hash, and stored as a whole or not at all."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Sequence
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
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESS = 200


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

    def take(piece: bytes) -> None:
        nonlocal received
        received += len(piece)
        digest.update(piece)
        target.write(piece)
        progress(received)

    asyncio.run(_fetched(url, Bounds(total_s=_TOTAL_S, silent_s=_SILENT_S, max_bytes=file.size), take))
    if digest.hexdigest() != file.sha256:
        raise ModelUnusable(
            f"{url} sent another file than the {file.name} that is known "
            f"({received} bytes, sha256 {digest.hexdigest()}, not {file.size}, {file.sha256}): refused"
        )


async def _fetched(known: str, bounds: Bounds, take: Callable[[bytes], None]) -> None:
    """Fetch the file, whose servers may pass the request on, each time through the guard: never to this machine or a
    private network. `known`: the address in the registry. Raises ModelUnusable."""
    fetcher = Fetcher(_reachable(known))
    url = known
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await _asked(fetcher, known, url, bounds, take)
            if answer.status == _SUCCESS:
                return
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                raise ModelUnusable(f"{url} cannot be downloaded: the server answers {answer.status}")
            url = urljoin(url, answer.headers["location"])
        raise ModelUnusable(f"{url} is one redirect too many")
    finally:
        await fetcher.close()


async def _asked(fetcher: Fetcher, known: str, url: str, bounds: Bounds, take: Callable[[bytes], None]) -> Answer:
    """Raises ModelUnusable."""
    leads = url if url == known else f"{known} leads to {url}, which"
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and _is_here(url)):
        raise ModelUnusable(f"{leads} is not an https address: refused")
    try:
        return await fetcher.send("GET", url, bounds=bounds, headers={"Accept-Encoding": "identity"}, take=take)
    except Invalid as error:
        raise ModelUnusable(f"{leads} is refused: {error.detail}") from error
    except NotFetched as error:
        raise ModelUnusable(f"{url} cannot be downloaded: {error.detail}") from error


def _reachable(known: str) -> Sequence[Network]:
    """This machine, for a registry that names it itself; nothing else beside the open network."""
    return _THIS_MACHINE if _is_here(known) else ()


def _is_here(url: str) -> bool:
    literal = address_in(urlsplit(url).hostname or "")
    return literal is not None and is_in(literal, _THIS_MACHINE)
