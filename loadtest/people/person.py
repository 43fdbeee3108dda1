"""A simulated person, whatever they do."""

import random
from abc import abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import ClassVar

import gevent
from locust import User, task
from locust.env import Environment

from loadtest.people.crowd import crowd_of, name_of
from loadtest.people.recording import OVERTAKEN, Outcome, Stopwatch, WrongAnswer
from loadtest.people.shapes import Kind
from quorate.client import Client
from quorate.errors import ApiError, QuorateError

AFTER_FAILURE_S = 0.5
"""The least pause after a failure, so that a platform that is down is not asked without a pause."""
CONFLICT = 409
GONE = frozenset({403, 404, CONFLICT, 410})
"""What is answered of a subtask whose task was cancelled meanwhile; 403: by an object storage."""


class Person(User):
    """Works through the Python client and under a name of their own.

    Starts at a random moment of the first pause, so that people do not work in step.
    """

    abstract = True
    kind: ClassVar[Kind]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.crowd = crowd_of(environment)
        self.rng = random.Random()
        self.name = name_of(self.kind)
        self._is_overtaken: Callable[[int], bool] = _never
        self.client = self.connect()

    def connect(self) -> Client:
        return self.crowd.connect(self.name, self._report)

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
        except (QuorateError, WrongAnswer) as error:
            self.crowd.iteration(self.kind, watch, error)
            gevent.sleep(AFTER_FAILURE_S)
            return
        self.crowd.iteration(name, watch)
        with suppress(QuorateError):  # their calls are counted, and they are no part of the iteration
            self.afterwards()

    @abstractmethod
    def work(self, watch: Stopwatch) -> str:
        """What counts as an iteration; the watch times what is compared. Returns its name.

        Raises QuorateError or WrongAnswer.
        """

    def afterwards(self) -> None:
        """What else they do before they pause."""

    def happens(self, share: float) -> bool:
        """Whether something happens now that happens in so large a share of the cases."""
        return self.rng.random() < share

    @contextmanager
    def unless_overtaken(self, is_overtaken: Callable[[int], bool]) -> Generator[None]:
        """What is refused in the block with such a status somebody else was faster with: the block ends, in order."""
        around = self._is_overtaken
        self._is_overtaken = lambda status: is_overtaken(status) or around(status)
        try:
            yield
        except ApiError as error:
            if not is_overtaken(error.status):
                raise
        finally:
            self._is_overtaken = around

    @contextmanager
    def unless_cancelled(self, task_id: str) -> Generator[None]:
        """The same where the task's client has asked for its end, if only just now."""
        with self.unless_overtaken(lambda status: status in GONE and task_id in self.crowd.cancelled):
            yield

    def _report(self, outcome: Outcome) -> None:
        if outcome.error is not None and self._is_overtaken(outcome.status):
            outcome = replace(outcome, name=f"{outcome.name}{OVERTAKEN}", error=None)
        self.crowd.report(outcome)


def _never(_status: int) -> bool:
    return False
