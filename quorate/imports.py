"""Imports: pictures that the platform reads from a bucket by itself."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from quorate.connection import Connection
from quorate.paths import segment
from quorate.retries import RetryPolicy

Pages = Callable[[str, dict[str, str | int | None]], Iterator[Any]]
LOOK_S = 1.0


class BucketKey(TypedDict):
    """A key to a bucket. token: of a session, where it is a temporary one."""

    key_id: str
    secret: str
    token: NotRequired[str | None]


class Import(TypedDict):
    id: str
    task_id: str
    endpoint: str
    bucket: str
    prefix: str
    region: str
    has_key: bool
    state: Literal["running", "finished", "failed", "cancelled"]
    asked_at: str
    ended_at: str | None
    files: int
    accepted: int
    duplicates: int
    rejected: int
    skipped: int
    trouble: str | None
    retry_at: str | None


class RefusedFile(TypedDict):
    filename: str
    status: Literal["rejected", "skipped"]
    reason: str


class Imports:
    """The imports of tasks, for their clients."""

    def __init__(self, api: Connection, pages: Pages, retry: RetryPolicy) -> None:
        self._api = api
        self._pages = pages
        self._retry = retry

    def begin(
        self,
        task_id: str,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str,
        region: str = "us-east-1",
        key: BucketKey | None = None,
        anew: bool = False,
    ) -> Import:
        """Asks for an import; the same bucket and prefix are the same import. One that failed or was cancelled goes on
        where it stood. anew: look at everything again."""
        body = {"endpoint": endpoint, "bucket": bucket, "prefix": prefix, "region": region, "anew": anew}
        return cast("Import", self._api.json("POST", imports_path(task_id), body=body | ({"key": key} if key else {})))

    def of_task(self, task_id: str) -> list[Import]:
        """Those of a task, the newest first."""
        return cast("list[Import]", self._api.json("GET", imports_path(task_id))["items"])

    def get(self, task_id: str, import_id: str) -> Import:
        return cast("Import", self._api.json("GET", imports_path(task_id, import_id)))

    def follow(self, task_id: str, import_id: str) -> Iterator[Import]:
        """The import again and again, until it is over."""
        while True:
            shown = self.get(task_id, import_id)
            yield shown
            if shown["state"] != "running":
                return
            self._retry.sleep(LOOK_S)

    def refused(self, task_id: str, import_id: str) -> Iterator[RefusedFile]:
        """Files that it did not take in, with the reason."""
        return cast("Iterator[RefusedFile]", self._pages(imports_path(task_id, import_id, "refused"), {}))

    def cancel(self, task_id: str, import_id: str) -> None:
        """It reads nothing more; what it has taken in stays."""
        self._api.request("DELETE", imports_path(task_id, import_id))


def imports_path(task_id: str, *rest: str) -> str:
    return "/".join(("/api/tasks", segment(task_id), "imports", *map(segment, rest)))
