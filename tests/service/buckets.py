"""Buckets on this machine that answer as S3 does, or as a test wants, and imports from them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote_plus, unquote, urlsplit

from services.task_manager.imports import bucket
from tests.service.picture_samples import png
from tests.service.running import Api
from tests.unit.http_server import Answer, answering

HERE = {"import_networks": "127.0.0.0/8"}
"""The setting that lets imports read from this machine."""
LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"
)


@dataclass
class Bucket:
    """Objects by their keys. `instead` may answer in place of the bucket; asked: the keys that were, in order."""

    objects: dict[str, bytes] = field(default_factory=dict)
    instead: Callable[[str], Answer | str] = lambda _key: "as S3"
    asked: list[str] = field(default_factory=list)
    url: str = ""
    name: str = "photos"

    def body(self, prefix: str = "", **more: object) -> dict:
        """A request for an import."""
        return {"endpoint": self.url, "bucket": self.name, "prefix": prefix, **more}

    def answer(self, _method: str, path: str, _body: bytes) -> Answer:
        parts = urlsplit(path)
        key = unquote(parts.path).removeprefix(f"/{self.name}").removeprefix("/")
        self.asked.append(key)
        told = self.instead(key)
        if not isinstance(told, str):
            return told
        if not key:
            return 200, self.listing({name: values[0] for name, values in parse_qs(parts.query).items()})
        return (200, self.objects[key]) if key in self.objects else (404, b"<Error/>")

    def listing(self, query: dict[str, str]) -> bytes:
        wanted = sorted(key for key in self.objects if key.startswith(query.get("prefix", "")))
        behind = [key for key in wanted if key > query.get("start-after", "")]
        page = behind[: int(query["max-keys"])]
        contents = "".join(
            f"<Contents><Key>{quote_plus(key)}</Key><Size>{len(self.objects[key])}</Size></Contents>" for key in page
        )
        return LISTING.format(more=str(len(behind) > len(page)).lower(), contents=contents).encode()


@contextmanager
def serving(found: Bucket) -> Iterator[Bucket]:
    with answering(found.answer) as url:
        found.url = url
        yield found


def pictures(count: int, folder: str = "in/") -> dict[str, bytes]:
    return {f"{folder}{number:03}.png": png(number) for number in range(count)}


async def begun(api: Api, task_id: str, wanted: dict) -> str:
    """The path of an import that was asked for."""
    answer = await api.http.post(f"/api/tasks/{task_id}/imports", json=wanted)
    assert answer.status_code == 202, answer.text
    return f"/api/tasks/{task_id}/imports/{answer.json()['id']}"


async def over(api: Api, path: str) -> dict:
    """An import once it is over."""
    for _ in range(600):
        shown = (await api.http.get(path)).json()
        if shown["state"] != "running":
            return shown
        await asyncio.sleep(0.05)
    raise AssertionError(shown)


async def refused(api: Api, path: str, **query: object) -> dict[str, str]:
    """Why each file was not taken in, page by page."""
    found: dict[str, str] = {}
    while True:
        page = (await api.http.get(f"{path}/refused", params=query)).json()
        found |= {one["filename"]: one["reason"] for one in page["items"]}
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def hurry(monkeypatch) -> None:
    """Nobody waits between tries."""
    monkeypatch.setattr(bucket, "PAUSE_S", 0.0)
