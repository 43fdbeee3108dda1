"""Who uses the platform, each through the Python client and with a name of their own."""

import random
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import ClassVar

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from loadtest.crowd.labels import choose
from loadtest.crowd.owner import LABELS
from loadtest.people.crowd import crowd_of, name_of
from loadtest.people.recording import Refused, Stopwatch
from loadtest.people.shapes import Kind
from loadtest.pictures import archive
from quorate.client import FINISHED
from quorate.errors import QuorateError
from quorate.shapes import Lease, QuorumFields
from quorate.uploads import Part

FOLLOW_S = 30.0
AFTER_FAILURE_S = 0.5
"""The least pause after a failure, so that a platform that is down is not asked without a pause."""


class Person(User):
    """A simulated person, who starts at a random moment of the first pause, so that people do not work in step."""

    abstract = True
    kind: ClassVar[Kind]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.crowd = crowd_of(environment)
        self.rng = random.Random()
        self.name = name_of(self.kind)
        self.client = self.crowd.connect(self.name)

    def wait_time(self) -> float:
        return self.crowd.pause_s(self.kind)

    def on_start(self) -> None:
        gevent.sleep(self.rng.uniform(0, self.wait_time()))

    def on_stop(self) -> None:
        self.client.close()

    @task
    def iterate(self) -> None:
        """One iteration. What the platform refuses or does not answer is a failure of it, and life goes on."""
        watch = Stopwatch()
        try:
            name = self.work(watch)
        except (QuorateError, Refused) as error:
            self.crowd.iteration(self.kind, watch, error)
            gevent.sleep(AFTER_FAILURE_S)
            return
        if name:
            self.crowd.iteration(name, watch)
        with suppress(QuorateError):  # their calls are counted, and they are no part of the iteration
            self.afterwards()

    @abstractmethod
    def work(self, watch: Stopwatch) -> str:
        """What counts as an iteration; the watch times what is compared. Returns its name, empty if it is none.

        Raises QuorateError or Refused.
        """

    def afterwards(self) -> None:
        """What else they do before they pause."""


class ClientUser(Person):
    """Creates a task, uploads a zip of small pictures, seals it, looks after earlier ones, and fetches results."""

    kind = "client"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.task_id = ""
        self._waiting: deque[str] = deque(maxlen=1000)
        self._follower: gevent.Greenlet | None = None

    def work(self, watch: Stopwatch) -> str:
        options = self.crowd.options
        packed = archive(self.rng, options.images)
        quorum = None if options.votes is None else QuorumFields(votes_required=options.votes)
        with watch:
            created = self.client.create_task(self.name, LABELS, quorum=quorum)
            part = Part("pictures.zip", len(packed), partial(BytesIO, packed))
            report = self.client.upload(created["id"], [part])
        self.task_id = created["id"]
        self.crowd.act("created", self.name, self.task_id)
        for image in report["images"]:
            self.crowd.act(image["status"], self.name, self.task_id, image["image_id"] or "", image["sha256"] or "")
        taken = report["accepted"] + report["duplicates"]  # duplicates: a first answer was lost
        if taken != options.images:
            raise Refused(f"{taken} of {options.images} pictures were taken")
        return self.kind

    def afterwards(self) -> None:
        self.client.seal(self.task_id)
        self._waiting.append(self.task_id)
        if not self._follower and self.rng.random() < self.crowd.options.follow_share:
            self._follower = gevent.spawn(self._follow, self.task_id)
        if self.client.task(self._waiting[0])["state"] in FINISHED:
            self._download(self._waiting.popleft())
        else:
            self._waiting.rotate(-1)

    def on_stop(self) -> None:
        if self._follower:
            self._follower.kill()
        super().on_stop()

    def _follow(self, task_id: str) -> None:
        """Watch a task's progress as a page does: until it is finished, or until that takes too long."""
        with suppress(QuorateError):
            self.client.wait(task_id, FOLLOW_S)

    def _download(self, task_id: str) -> None:
        watch = Stopwatch()
        try:
            with watch:
                results = list(self.client.results(task_id))
                self.client.export(task_id, BytesIO())
        except QuorateError as error:
            self.crowd.iteration("download", watch, error)
            return
        self.crowd.act("downloaded", self.name, task_id, detail=str(len(results)))
        self.crowd.iteration("download", watch)


class OperatorUser(Person):
    """Leases a batch, looks at each image, votes or skips; sometimes leaves with leases in hand."""

    kind = "operator"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._number = self.crowd.number(self.kind)

    def work(self, watch: Stopwatch) -> str:
        """Looking at images is not timed: system A's operators did not look."""
        batch = self.crowd.options.batch
        with watch:
            leases = self.client.lease(batch)["leases"]
        for lease in leases:
            self.crowd.act("leased", self.name, lease["task_id"], lease["subtask_id"], lease["expires_at"])
        if leases and self.crowd.is_vanishing(self._number):
            self._leave("vanished", leases)
            raise StopUser
        done = len(leases)
        if leases and self.rng.random() < self.crowd.options.close_tab_share:
            done = self.rng.randrange(len(leases))
        for lease in leases[:done]:
            self.client.image_bytes(lease["image_url"])
            with watch:
                self._settle(lease)
        if done < len(leases):
            self._leave("left", leases[done:])
            self._come_back()
        return self.kind if done == batch else "operator in part" if leases else ""

    def _settle(self, lease: Lease) -> None:
        if self.rng.random() < self.crowd.options.skip_share:
            self.client.skip(lease["subtask_id"])
            self.crowd.act("skipped", self.name, lease["task_id"], lease["subtask_id"])
            return
        label = choose(self.rng, lease["subtask_id"], lease["labels"])
        self.client.vote(lease["subtask_id"], label, lease["token"])
        self.crowd.act("voted", self.name, lease["task_id"], lease["subtask_id"], label)

    def _leave(self, how: str, leases: Sequence[Lease]) -> None:
        """Go without giving back, so that these leases lapse."""
        for lease in leases:
            self.crowd.act(how, self.name, lease["task_id"], lease["subtask_id"], lease["expires_at"])

    def _come_back(self) -> None:
        """Under another name: the platform would give the same person the same leases, which then would not lapse."""
        self.client.close()
        self.name = name_of(self.kind)
        self.client = self.crowd.connect(self.name)


class DetectionUser(Person):
    """Asks the detector what it sees in one picture after the other."""

    kind = "detector"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._at = self.crowd.number(self.kind) * 7  # not all begin with the same picture

    def work(self, watch: Stopwatch) -> str:
        self._at += 1
        asked = f"{self.name}-{self._at}"
        with watch:
            answered = self.client.detect(self.crowd.pictures[self._at % len(self.crowd.pictures)], asked)["id"]
        if answered != asked:
            raise Refused(f"asked about {asked}, answered about {answered}")
        return self.kind
