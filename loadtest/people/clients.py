"""Clients: they make tasks, send pictures, look after earlier tasks, and fetch results."""

import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO

import gevent
from locust.env import Environment

from loadtest.crowd.owner import LABELS
from loadtest.people.person import Person
from loadtest.people.recording import Stopwatch, WrongAnswer
from loadtest.pictures import archive, small
from quorate.errors import NotInTimeError, QuorateError
from quorate.following import FINISHED
from quorate.shapes import QuorumFields, Result, UploadReport
from quorate.uploads import Part

FOLLOW_S = 30.0
LOOKS = 3
"""So many of the earlier tasks are looked after between two new ones, until one is not finished."""
REASON = "load test"


class ClientUser(Person):
    """Creates a task, uploads small pictures, seals it, looks after earlier ones, and fetches results."""

    kind = "client"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.task_id = ""
        self._sent: dict[str, dict[str, str]] = {}  # by task: of each image the hash of what was uploaded
        self._waiting: deque[str] = deque(maxlen=1000)
        self._follower: gevent.Greenlet | None = None
        self._followed = ""

    def work(self, watch: Stopwatch) -> str:
        options = self.crowd.options
        is_direct = self.happens(options.direct_share)
        parts = self._pictures() if is_direct else self._zip()
        quorum = None if options.votes is None else QuorumFields(votes_required=options.votes)
        with watch:
            self.task_id = self.client.create_task(self.name, LABELS, quorum=quorum)["id"]
            self.crowd.act("created", self.name, self.task_id)
            report = (self.client.upload_direct if is_direct else self.client.upload)(self.task_id, parts)
        self._note(report)
        return "client, direct" if is_direct else self.kind

    def afterwards(self) -> None:
        options = self.crowd.options
        self.client.seal(self.task_id)
        self.crowd.act("sealed", self.name, self.task_id)
        if self.happens(options.cancel_share):
            self._cancel(self.task_id)
            return
        self._waiting.append(self.task_id)
        if not self._follower and self.happens(options.follow_share):
            self._followed = self.task_id
            self._follower = gevent.spawn(self._follow, self.task_id)
        for _ in range(LOOKS):
            if not self._waiting or not self._look_after(self._waiting[0]):
                break

    def on_stop(self) -> None:
        self._stop_following()
        super().on_stop()

    def _stop_following(self) -> None:
        if self._follower:
            self._follower.kill()

    def _zip(self) -> list[Part]:
        packed = archive(self.rng, self.crowd.options.images)
        return [Part("pictures.zip", len(packed), partial(BytesIO, packed))]

    def _pictures(self) -> list[Part]:
        drawn = [small(self.rng) for _ in range(self.crowd.options.images)]
        return [Part(f"picture-{at}.png", len(data), partial(BytesIO, data)) for at, data in enumerate(drawn, start=1)]

    def _note(self, report: UploadReport) -> None:
        for image in report["images"]:
            self.crowd.act(image["status"], self.name, self.task_id, image["image_id"] or "", image["sha256"] or "")
        taken = report["accepted"] + report["duplicates"]  # duplicates: a first answer was lost
        if taken != self.crowd.options.images:
            raise WrongAnswer(f"{taken} of {self.crowd.options.images} pictures were taken")
        self._sent[self.task_id] = {one["image_id"] or "": one["sha256"] or "" for one in report["images"]}

    def _cancel(self, task_id: str) -> None:
        """Cancel and erase a task; from now on, operators may be refused what they hold of it."""
        if task_id == self._followed:
            self._stop_following()
        self.crowd.cancelled.add(task_id)
        self.crowd.act("cancelling", self.name, task_id)
        self._sent.pop(task_id, None)
        self.client.cancel(task_id)
        self.crowd.act("cancelled", self.name, task_id)

    def _look_after(self, task_id: str) -> bool:
        """Whether a task is finished: then its results are fetched; else it is another one's turn next."""
        if self.client.task(task_id)["state"] not in FINISHED:
            self._waiting.rotate(-1)
            return False
        self._waiting.remove(task_id)
        self._download(task_id)
        if self.happens(self.crowd.options.erase_share):
            self._cancel(task_id)
        return True

    def _follow(self, task_id: str) -> None:
        """Watch a task's progress as a page does: until it is finished, or until that takes too long."""
        watch = Stopwatch()
        try:
            with watch, suppress(NotInTimeError):
                self.client.wait(task_id, FOLLOW_S)
        except QuorateError as error:
            self.crowd.iteration("follow", watch, error)
        else:
            self.crowd.iteration("follow", watch)

    def _download(self, task_id: str) -> None:
        """Fetch results and export, hold them against what was uploaded, and decide what is disputed."""
        watch, exported = Stopwatch(), BytesIO()
        sent = self._sent.pop(task_id, {})
        try:
            with watch:
                results = list(self.client.results(task_id))
                self.client.export(task_id, exported)
            held_against("results", sent, {one["image_id"]: one["sha256"] for one in results})
            held_against("export", sent, _lines(exported))
            self._adjudicate(task_id, results)
        except (QuorateError, WrongAnswer) as error:
            self.crowd.iteration("download", watch, error)
            return
        self.crowd.act("downloaded", self.name, task_id, detail=str(len(results)))
        self.crowd.iteration("download", watch)

    def _adjudicate(self, task_id: str, results: Sequence[Result]) -> None:
        for one in results:
            if one["state"] != "disputed" or not self.happens(self.crowd.options.adjudicate_share):
                continue
            label = self.rng.choice(LABELS)
            decided = self.client.adjudicate(one["image_id"], label, REASON)["result"]
            if decided is None or decided["label"] != label:
                raise WrongAnswer("an adjudicated image has another label than was decided")
            self.crowd.act("adjudicated", self.name, task_id, one["image_id"], label)


def _lines(exported: BytesIO) -> dict[str, str]:
    """The images of an export as JSON lines, and their hashes."""
    try:
        rows = [json.loads(line) for line in exported.getvalue().splitlines()]
        return {row["image_id"]: row["sha256"] for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise WrongAnswer(f"the export cannot be read: {error}") from None


def held_against(what: str, sent: dict[str, str], found: dict[str, str]) -> None:
    """Raises WrongAnswer where it does not hold exactly what was sent."""
    if found != sent:
        lacking, foreign = len(sent.keys() - found.keys()), len(found.keys() - sent.keys())
        altered = sum(found[one] != sent[one] for one in found.keys() & sent.keys())
        raise WrongAnswer(f"{what}: of {len(sent)} images {lacking} lacking, {altered} altered; {foreign} foreign")
