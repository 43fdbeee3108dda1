"""The Python client of the platform."""

import base64
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import httpx

from quorate.accounts import Accounts
from quorate.connection import Connection, content
from quorate.consensus import Consensus
from quorate.errors import ApiError
from quorate.exports import Export, ExportFormat, unseen
from quorate.following import FINISHED, Following
from quorate.imports import Imports
from quorate.label_imports import ImportFormat, LabelImport, unheard
from quorate.paths import segment, subtask_path, task_path
from quorate.retries import RetryPolicy
from quorate.shapes import (
    Activity,
    Ballot,
    DeadLetter,
    Detections,
    DetectorFields,
    HeldLease,
    ImportReport,
    InvitedChange,
    KnownImage,
    Lease,
    Leases,
    Me,
    Order,
    PipelineFields,
    QuorumFields,
    RenewOutcome,
    Result,
    ResultOrder,
    RowReport,
    ShownState,
    Subtask,
    Task,
    TaskChange,
    UploadReport,
    VoteOutcome,
    Work,
)
from quorate.uploads import Part, Unsent, merged, noted, unsent_report

DEFAULT_URL = "http://127.0.0.1:8080"

CONFLICT, CONTENT_TOO_LARGE = 409, 413
REFUSED_CONTENT = frozenset({400, CONTENT_TOO_LARGE, 415, 422})
SEAL_FOR_S = 15.0
PAGE = 200
PREFERENCES = "/api/me/preferences"


class Client:
    """A caller's view of the platform: tasks, uploads, leases, votes, results.

    Requests are repeated where no answer came or the platform was busy; all of them have the same effect twice as once.
    Refusals raise ApiError; where no answer came at all, UnreachableError. May be shared between threads.

    user: who calls, where authentication is off. key: whose key it is says who calls, where it is on. `accounts`: what
    there is to do with people, keys and teams then. `consensus`: estimates beside the record. `imports`: from buckets.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        user: str | None = None,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        retry: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retry = retry or RetryPolicy()
        self._timeout_s = timeout_s
        self._api = Connection(base_url, user, key=key, timeout_s=timeout_s, retry=self._retry, transport=transport)
        self.accounts = Accounts(self._api, self._pages)
        self.consensus = Consensus(self._api, self._pages, self._retry)
        self.imports = Imports(self._api, self._pages, self._retry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._api.close()

    # Tasks

    def create_task(
        self,
        name: str,
        labels: Sequence[str],
        *,
        instructions: str | None = None,
        allow_unsure: bool | None = None,
        quorum: QuorumFields | None = None,
        detector: DetectorFields | None = None,
        order: Order | None = None,
        hide_names: bool | None = None,
        operators: Sequence[str] | None = None,
        pipeline: PipelineFields | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """A new task. The same key again gives the same task; without one, each call makes its own.

        operators: the ids of those who may label it; all of the team where none are given.
        pipeline: what is done to each image before people label it (docs/pipelines.md).
        """
        optional = {
            "instructions": instructions,
            "allow_unsure": allow_unsure,
            "quorum": quorum,
            "detector": detector,
            "order": order,
            "hide_names": hide_names,
            "operators": None if operators is None else list(operators),
            "pipeline": pipeline,
        }
        body = {"name": name, "labels": list(labels)} | {k: v for k, v in optional.items() if v is not None}
        key = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return cast("Task", self._api.json("POST", "/api/tasks", body=body, headers=key))

    def task(self, task_id: str) -> Task:
        return cast("Task", self._api.json("GET", task_path(task_id)))

    def tasks(self) -> Iterator[Task]:
        return cast("Iterator[Task]", self._pages("/api/tasks"))

    def seal(self, task_id: str) -> Task:
        """No more images. While another upload still streams the platform says conflict: so for some seconds."""
        end = self._retry.clock() + SEAL_FOR_S
        tries = 0
        while True:
            tries += 1
            try:
                return cast("Task", self._api.json("POST", task_path(task_id, "seal")))
            except ApiError as error:
                pause_s = self._retry.pause_s(tries)
                if error.status != CONFLICT or self._retry.clock() + pause_s > end:
                    raise
            self._retry.sleep(pause_s)

    def edit(self, task_id: str, change: TaskChange) -> Task:
        """Changes what is named; images that have ended stay as they are."""
        return cast("Task", self._api.json("PATCH", task_path(task_id), body=change))

    def invite(self, task_id: str, change: InvitedChange) -> Task:
        """Changes who may label the task."""
        return cast("Task", self._api.json("PATCH", task_path(task_id, "operators"), body=change))

    def reopen(self, task_id: str) -> Task:
        """Takes images again, of a task that was sealed or is completed."""
        return cast("Task", self._api.json("POST", task_path(task_id, "reopen")))

    def finish(self, task_id: str, reason: str) -> Task:
        """Seals the task, and ends its open images with the votes they have; ties become disputes."""
        return cast("Task", self._api.json("POST", task_path(task_id, "finish"), body={"reason": reason}))

    def remove_image(self, task_id: str, image_id: str) -> None:
        """Removes one image with its votes."""
        self._api.request("DELETE", task_path(task_id, "images", segment(image_id)))

    def cancel(self, task_id: str) -> None:
        """Cancels the task and erases its images."""
        self._api.request("DELETE", task_path(task_id))

    # Images

    def upload(self, task_id: str, parts: Sequence[Part]) -> UploadReport:
        """Sends these files in one request and reports on each; a refused file is in the report, not an error."""
        try:
            return noted(cast("UploadReport", self._api.json("POST", task_path(task_id, "images"), parts=parts)), parts)
        except ApiError as error:
            if error.report is not None:
                return noted(error.report, parts)
            if error.status not in REFUSED_CONTENT:
                raise
            if len(parts) == 1:
                return unsent_report([Unsent(parts[0].filename, "rejected", error.detail or error.title)])
        # Refused as a whole without a word about each: the good ones still get in one by one.
        return merged(self.upload(task_id, [part]) for part in parts)

    def upload_direct(self, task_id: str, parts: Sequence[Part]) -> UploadReport:
        """Sends these files (to 1,000) straight to the object store and has the platform take them in; reports on each.

        All of it has to be done within half an hour.
        """
        named = {"files": [{"filename": part.filename} for part in parts]}
        begun = self._api.json("POST", task_path(task_id, "uploads"), body=named)
        for part, form in zip(parts, begun["files"], strict=True):
            with suppress(ApiError):  # what the store refused is not there: the report says so
                self._api.form(form["url"], form["fields"], part)
        try:
            commit = task_path(task_id, "uploads", segment(begun["upload_id"]), "commit")
            return noted(cast("UploadReport", self._api.json("POST", commit, body=named)), parts)
        except ApiError as error:
            if error.report is None:
                raise
            return noted(error.report, parts)

    def known(self, task_id: str, sha256: Sequence[str]) -> list[KnownImage]:
        """Those of these files (to 1,000), by the hash of what would be uploaded, that the task has."""
        body = {"sha256": list(sha256)}
        return cast(
            "list[KnownImage]", self._api.json("POST", task_path(task_id, "images", "known"), body=body)["known"]
        )

    def image_bytes(self, url: str) -> bytes:
        """The image behind a lease's or a result's `image_url`, which may be relative."""
        return self._api.unsigned(url)

    # Results

    def results(
        self,
        task_id: str,
        *,
        state: ShownState | None = None,
        label: str | None = None,
        order: ResultOrder | None = None,
        parents: bool = False,
    ) -> Iterator[Result]:
        """parents: uploaded images, too, of which a pipeline made others."""
        query: dict[str, str | int | None] = {
            "state": state,
            "label": label,
            "order": order,
            "include": "parents" if parents else None,
        }
        pages = self._pages(task_path(task_id, "results"), query)
        return cast("Iterator[Result]", pages)

    def results_by_origin(self, task_id: str) -> Iterator[Result]:
        """Uploaded images in the order of upload; `derived` has what a pipeline made of each, with rectangles in pixels
        of the uploaded image."""
        return cast("Iterator[Result]", self._pages(task_path(task_id, "results"), {"group": "origin"}))

    def export(
        self,
        task_id: str,
        target: Path | BinaryIO,
        *,
        file_format: ExportFormat = "jsonl",
        order: ResultOrder | None = None,
        state: ShownState | None = None,
        images: bool | None = None,
        split: float | None = None,
        bom: bool = False,
        told: Callable[[int], None] = unseen,
    ) -> int:
        """Writes the results to a file and says how many bytes; with `bom`, CSV begins with a byte order mark.

        A path is replaced by a whole export or not at all; and what is there is never replaced by an export of nothing.
        What broke off goes on where it was, as long as the task stays as it is; where no answer comes any more, what
        came is kept beside the path, and the same export goes on from there.

        images: whether the pictures are in it. split: the share of them to train with. told: hears how many bytes came.
        """
        optional = {
            "order": order,
            "state": state,
            "images": None if images is None else str(images).lower(),
            "split": None if split is None else str(split),
        }
        query = {"format": file_format} | {name: value for name, value in optional.items() if value is not None}
        export = Export(
            api=self._api,
            retry=self._retry,
            path=task_path(task_id, "export"),
            query=query,
            file_format=file_format,
            bom=bom,
            told=told,
        )
        return export.write(target)

    def import_labels(
        self,
        task_id: str,
        file: Path,
        *,
        file_format: ImportFormat,
        told: Callable[[RowReport], None] = unheard,
    ) -> ImportReport:
        """Sends a file of labels, which operators see as suggestions; says how many of its rows had each status.

        told: hears what became of every row. Where the report breaks off (BrokenOffError), the same file can be sent
        again: what was applied is unchanged then.
        """
        wanted = LabelImport(api=self._api, path=task_path(task_id, "labels"), file_format=file_format, told=told)
        return wanted.send(file)

    # Progress

    def follow(self, task_id: str, *, timeout_s: float | None = None) -> Iterator[Task]:
        """The task, each time its progress changes, until it is completed or cancelled; reconnects when cut off."""
        return Following(self._api, self._retry, task_id, read_timeout_s=self._timeout_s, timeout_s=timeout_s).tasks()

    def wait(self, task_id: str, timeout_s: float | None = None) -> Task:
        """The task once it is completed or cancelled; NotInTimeError where that takes longer."""
        for task in self.follow(task_id, timeout_s=timeout_s):
            if task["state"] in FINISHED:
                return task
        raise AssertionError("following a task ends with its end")

    # The caller

    def me(self) -> Me:
        """The caller, and what the platform takes and offers."""
        return cast("Me", self._api.json("GET", "/api/me"))

    def activity(self, *, since: str | None = None, limit: int | None = None) -> Activity:
        """The caller's own votes of late; `today` counts from `since` on, else from midnight UTC."""
        return cast("Activity", self._api.json("GET", "/api/me/activity", params={"since": since, "limit": limit}))

    def work(self) -> list[Work]:
        """The oldest tasks with open images, and whether there is one for the caller."""
        return cast("list[Work]", self._api.json("GET", "/api/work")["items"])

    def preferences(self) -> tuple[dict[str, Any], str]:
        """What the caller set for themselves on the page, and its ETag."""
        answer = self._api.request("GET", PREFERENCES)
        return cast("dict[str, Any]", content(answer)), answer.headers["ETag"]

    def set_preferences(self, preferences: Mapping[str, Any], etag: str) -> str:
        """Sets it, and returns the new ETag; ApiError 412 where it was set since it was read."""
        sent = self._api.request("PUT", PREFERENCES, body=dict(preferences), headers={"If-Match": etag})
        return sent.headers["ETag"]

    # Leases and votes

    def lease(self, count: int = 1, task_id: str | None = None) -> Leases:
        """As many subtasks as the caller wants to hold, those already held first."""
        return cast("Leases", self._api.json("POST", "/api/leases", body={"count": count, "task_id": task_id}))

    def renew(self, held: Sequence[HeldLease]) -> list[RenewOutcome]:
        body = {"leases": [{"subtask_id": h["subtask_id"], "token": h["token"]} for h in held]}
        return cast("list[RenewOutcome]", self._api.json("POST", "/api/leases/renew", body=body)["outcomes"])

    def give_back(self, subtask_id: str, token: str | None = None) -> None:
        """Returns a lease; the subtask may be offered again. With its token, a newer lease stays."""
        self._api.request("DELETE", f"/api/leases/{segment(subtask_id)}", params=_token(token))

    def skip(self, subtask_id: str, token: str | None = None) -> None:
        """Returns a lease; the subtask is not offered to this caller again. With its token, a newer lease stays."""
        self._api.request("DELETE", f"/api/leases/{segment(subtask_id)}", params=_token(token) | {"skip": "true"})

    def vote(self, subtask_id: str, label: str, token: str) -> VoteOutcome:
        body = {"label": label, "token": token}
        return cast("VoteOutcome", self._api.json("POST", subtask_path(subtask_id, "vote"), body=body))

    def votes(self, ballots: Sequence[Ballot]) -> list[VoteOutcome]:
        """Many votes at once; each has its own outcome, in the order given."""
        return cast(
            "list[VoteOutcome]", self._api.json("POST", "/api/votes", body={"votes": list(ballots)})["outcomes"]
        )

    def undo(self, subtask_id: str) -> Lease:
        """Takes one's own vote back; the lease is held again."""
        return cast("Lease", self._api.json("DELETE", subtask_path(subtask_id, "vote")))

    def subtask(self, subtask_id: str) -> Subtask:
        return cast("Subtask", self._api.json("GET", subtask_path(subtask_id)))

    def disputes(self, task_id: str | None = None) -> Iterator[Subtask]:
        return cast("Iterator[Subtask]", self._pages("/api/disputes", {"task_id": task_id}))

    def finish_image(self, subtask_id: str, reason: str) -> Subtask:
        """Ends an open image with the votes it has."""
        return cast("Subtask", self._api.json("POST", subtask_path(subtask_id, "finish"), body={"reason": reason}))

    def adjudicate(self, subtask_id: str, label: str, reason: str) -> Subtask:
        path = f"/api/disputes/{segment(subtask_id)}"
        return cast("Subtask", self._api.json("POST", path, body={"label": label, "reason": reason}))

    # The detector

    def detect(self, image: bytes, image_id: str = "image") -> Detections:
        """What the detector sees in this picture."""
        body = {"id": image_id, "image": base64.b64encode(image).decode("ascii")}
        return cast("Detections", self._api.json("POST", "/api/object_detection", body=body))

    # Operations

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """Messages that could not be handled."""
        return cast("list[DeadLetter]", self._api.json("GET", "/api/admin/dead", params={"limit": limit})["items"])

    def replay(self, ids: Sequence[str] = ()) -> int:
        """Delivers dead letters again, all of them if none is named; returns how many."""
        return cast("int", self._api.json("POST", "/api/admin/dead/replay", body={"ids": list(ids)})["replayed"])

    def _pages(self, path: str, params: dict[str, str | int | None] | None = None) -> Iterator[Any]:
        query: dict[str, str | int | None] = {"limit": PAGE, **(params or {})}
        while True:
            page = self._api.json("GET", path, params=query)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]


def _token(token: str | None) -> dict[str, str]:
    return {} if token is None else {"token": token}
