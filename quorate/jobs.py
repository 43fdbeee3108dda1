"""Jobs: single pictures that the platform's detector recognises, without anybody being asked."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypedDict, cast

from quorate.connection import Connection
from quorate.errors import NotInTimeError
from quorate.paths import segment
from quorate.retries import RetryPolicy
from quorate.uploads import Part

Pages = Callable[[str, dict[str, str | int | None]], Iterator[Any]]
LOOK_S = 0.2
LONGEST_PAUSE_S = 2.0


class RecognisedClass(TypedDict):
    label: str
    confidence: float


class Job(TypedDict):
    id: str
    state: Literal["waiting", "finished", "failed"]
    filename: str
    sha256: str
    width: int
    height: int
    image_url: str
    thumbnail_url: str
    screen_url: str | None
    submitted_at: str
    finished_at: str | None
    model: str | None
    classes: list[RecognisedClass]
    reason: str | None


class SubmittedFile(TypedDict):
    filename: str
    status: Literal["accepted", "duplicate", "rejected", "skipped"]
    id: str | None
    sha256: str | None
    reason: str | None
    quota: str | None
    notes: list[str]


class Submitted(TypedDict):
    id: str | None
    jobs: list[SubmittedFile]
    accepted: int
    duplicates: int
    rejected: int
    skipped: int


class Jobs:
    """The caller's jobs."""

    def __init__(self, api: Connection, pages: Pages, retry: RetryPolicy) -> None:
        self._api = api
        self._pages = pages
        self._retry = retry

    def submit(self, parts: Sequence[Part]) -> Submitted:
        """Sends pictures; says what became of each. The same picture is the same job, however often it is sent."""
        return cast("Submitted", self._api.json("POST", "/jobs/submit", parts=parts))

    def get(self, job_id: str) -> Job:
        return cast("Job", self._api.json("GET", job_path(job_id)))

    def all(self) -> Iterator[Job]:
        """The newest first."""
        return cast("Iterator[Job]", self._pages("/jobs/all", {}))

    def finished(self) -> Iterator[Job]:
        return cast("Iterator[Job]", self._pages("/jobs/all_finished", {}))

    def wait(self, job_id: str, timeout_s: float | None = None) -> Job:
        """The job once the detector has looked; NotInTimeError where that takes longer."""
        end = None if timeout_s is None else self._retry.clock() + timeout_s
        pause_s = LOOK_S
        while (job := self.get(job_id))["state"] == "waiting":
            if end is not None and self._retry.clock() >= end:
                raise NotInTimeError(f"{job['filename']} still waits for the detector")
            self._retry.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)
        return job

    def remove(self, job_id: str) -> None:
        """Removes a job and its picture."""
        self._api.request("DELETE", job_path(job_id))


def job_path(job_id: str) -> str:
    return f"/jobs/item/{segment(job_id)}"
