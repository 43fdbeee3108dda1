"""A batch that is labelled over HTTP while containers are replaced: every request counts, and none is sent twice."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from quorate.client import Client
from quorate.errors import QuorateError
from quorate.retries import RetryPolicy
from quorate.shapes import Task
from quorate.uploads import Part
from tests.containers.errors import TrialFailed

LABELS = ("red square", "green square", "blue square")
PAUSE_S = 0.1
FINISHED_S = 300.0
REFUSED = 400


@dataclass
class Counted(httpx.BaseTransport):
    """Sends requests once each, and keeps which failed."""

    within: httpx.BaseTransport = field(default_factory=httpx.HTTPTransport)
    sent: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        self.sent[request.method] += 1
        try:
            response = self.within.handle_request(request)
        except httpx.TransportError as error:
            self.failed.append(f"{time.strftime('%H:%M:%S')} {name}: {error!r}")
            raise
        if response.status_code >= REFUSED:
            self.failed.append(f"{time.strftime('%H:%M:%S')} {name}: {response.status_code}")
        return response


@dataclass
class Batch:
    """Somebody uploads pictures one by one, somebody labels them, somebody reads: until `stop`, then to the end.

    truth: the label of each picture, by file name.
    """

    url: str
    key: str
    pictures: Sequence[Path]
    truth: Mapping[str, str]
    transport: Counted = field(default_factory=Counted)
    task: str = ""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    _uploaded: int = 0

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        self._hooks = httpx.Client(base_url=self.url, headers=headers, transport=self.transport)

    def client(self) -> Client:
        """Of one caller, who sends nothing twice."""
        return Client(self.url, key=self.key, retry=RetryPolicy(attempts=1), transport=self.transport)

    def start(self) -> None:
        """Make the task, and begin. One person settles each picture; the detector only suggests, and may miss some."""
        with self.client() as client:
            made = client.create_task("containers", LABELS, quorum={"votes_required": 1}, detector={"mode": "suggest"})
        self.task = made["id"]
        for work in (self._upload, self._label, self._read):
            thread = threading.Thread(target=self._until_stopped, args=(work,), name=work.__name__)
            thread.start()
            self._threads.append(thread)

    def finish(self) -> Task:
        """Let the work that there is come to its end; the task, which must be complete. Raises TrialFailed."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        with self.client() as client:
            client.seal(self.task)
            until = time.monotonic() + FINISHED_S
            while (task := client.task(self.task))["state"] != "completed":
                if time.monotonic() > until:
                    raise TrialFailed(f"the batch does not come to its end: {task['counts']}")
                self._label(client)
                time.sleep(PAUSE_S)
        return task

    def results(self) -> dict[str, str | None]:
        """The label of each picture, by file name."""
        with self.client() as client:
            return {one["filename"]: one["label"] for one in client.results(self.task)}

    def wrong(self) -> list[str]:
        """Pictures that are missing or have another label than they show. People here name what they see."""
        results = self.results()
        sent = [path.name for path in self.pictures[: self._uploaded]]
        return [name for name in sent if results.get(name) != self.truth[name]]

    def fetch_an_image(self) -> None:
        """A picture comes from the object storage, as large as it is said to be. Raises TrialFailed."""
        with self.client() as client:
            one = next(iter(client.results(self.task)))
            data = client.image_bytes(one["image_url"])
        if hashlib.sha256(data).hexdigest() != one["stored_sha256"]:
            raise TrialFailed(f"{one['filename']} is not what it was")

    @property
    def uploaded(self) -> int:
        return self._uploaded

    def _until_stopped(self, work: Callable[[Client], None]) -> None:
        with self.client() as client:
            while not self._stopped.wait(PAUSE_S):
                try:
                    work(client)
                except QuorateError:
                    continue  # it is counted where it was sent

    def _upload(self, client: Client) -> None:
        if self._uploaded < len(self.pictures):
            path = self.pictures[self._uploaded]
            client.upload(self.task, [Part(path.name, path.stat().st_size, lambda: path.open("rb"))])
            self._uploaded += 1

    def _label(self, client: Client) -> None:
        leases = client.lease(20, self.task)["leases"]
        names = {one["image_id"]: one["filename"] for one in client.results(self.task)} if leases else {}
        for lease in leases:
            client.image_bytes(lease["image_url"])
            client.vote(lease["subtask_id"], self.truth[names[lease["subtask_id"]]], lease["token"])

    def _read(self, client: Client) -> None:
        """Something of each service."""
        client.task(self.task)
        client.me()
        client.accounts.keys()
        client.consensus.runs(self.task)
        self._hooks.get("/api/webhooks")
        self._hooks.get("/api/pipelines/operations")
        client.detect(self.pictures[0].read_bytes())
