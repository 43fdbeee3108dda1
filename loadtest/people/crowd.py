"""What all people of a run share, and how Locust is told of them."""

import itertools
import logging
import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import gevent
import httpx
from locust import LoadTestShape
from locust.env import Environment
from locust.event import Events

from loadtest.errors import MeasurementFailed
from loadtest.people.options import Options, declare
from loadtest.people.recording import ACTS, PEOPLE, REQUESTS, Outcome, RecordedRetries, Records, Stopwatch, described
from loadtest.people.shapes import KINDS, Kind, Schedule
from loadtest.pictures import read, small
from quorate.client import Client
from quorate.connection import certificates
from quorate.retries import RetryPolicy

DRAWN = 16
EVERY_S = 1.0
EXIT_ON_BUG = 3
"""The exit status of a run in which an error came up that is no answer of the platform: a fault of the load test."""


class Crowd(LoadTestShape):
    """How many people there are, as Locust asks it every second, and what they share."""

    environment: Environment
    options: Options
    schedule: Schedule
    records: Records
    pictures: Sequence[bytes]
    """What the detector is asked about."""

    cancelled: set[str]
    """Tasks of which their client asked, or is just asking, that they are cancelled."""

    def prepare(self, environment: Environment) -> None:
        """Take the options of the command line. Raises ValueError and MeasurementFailed for wrong ones."""
        if not environment.host or environment.parsed_options is None:
            raise ValueError("--host is needed: the base URL of a platform")
        self.environment = environment
        self.options = options = Options.of(environment.parsed_options, os.environ)
        self.schedule = options.schedule()
        self.pictures = (
            read(options.pictures) if options.pictures else [small(random.Random(number)) for number in range(DRAWN)]
        )
        self.records = Records(options.records)
        self.cancelled = set()
        self._numbers = {kind: itertools.count() for kind in KINDS}
        logging.getLogger("httpx").setLevel(logging.WARNING)  # else it tells of every request

    def tick(self) -> tuple[int, float] | None:
        """How many people there are now, and how fast they come and go; None at the end."""
        people = self.schedule.people_at(self.get_run_time(), self.options.people)
        return None if people is None else (people, self.options.arrivals)

    def number(self, kind: Kind) -> int:
        """The number of the next person of a kind, from 0."""
        return next(self._numbers[kind])

    def pause_s(self, kind: Kind) -> float:
        return self.schedule.pause_s(kind, self.get_run_time())

    def is_vanishing(self, number: int) -> bool:
        """Whether the operator of this number is one of those who vanish, and it is time."""
        drop = self.options.drop_operators
        return drop is not None and number < drop.count(self.options.operators) and self.get_run_time() >= drop.at_s

    def connect(self, who: str, report: Callable[[Outcome], None]) -> Client:
        """The platform, for one person, with connections of their own; `report` hears what becomes of each request."""
        options = self.options
        attempts = RetryPolicy().attempts if options.retries else 1
        limits = httpx.Limits(max_keepalive_connections=0)
        return Client(
            self.environment.host or "",
            who,
            timeout_s=options.timeout,
            # The sleep of now, which Locust has made to let others work, whatever it was when it was first imported.
            retry=RecordedRetries(attempts=attempts, sleep=time.sleep, report=report, patience_s=options.timeout),
            transport=httpx.HTTPTransport(verify=certificates(), limits=limits) if options.reconnect else None,
        )

    def report(self, outcome: Outcome) -> None:
        """Write it down, and tell Locust, except of single attempts: it would add them to the calls they belong to."""
        error = described(outcome.error)
        self.records.add(REQUESTS, outcome.measure, outcome.name, round(outcome.time_ms, 3), error)
        if outcome.measure != "attempt":
            self.environment.events.request.fire(
                request_type=outcome.measure,
                name=outcome.name,
                response_time=outcome.time_ms,
                response_length=outcome.size_bytes,
                exception=outcome.error,
            )

    def iteration(self, name: str, watch: Stopwatch, error: Exception | None = None) -> None:
        """Report on what a person did between two pauses."""
        self.report(Outcome(measure="iteration", name=name, time_ms=watch.time_ms, error=error))

    def act(self, act: str, who: str, task_id: str, subtask_id: str = "", detail: str = "") -> None:
        """Write down what the platform acknowledged, or what a person left undone."""
        self.records.add(ACTS, act, who, task_id, subtask_id, detail)


def crowd_of(environment: Environment) -> Crowd:
    """The crowd of a run. Raises MeasurementFailed."""
    if not isinstance(environment.shape_class, Crowd):
        raise MeasurementFailed("Locust runs without its crowd: start it with loadtest/locustfile.py")
    return environment.shape_class


def name_of(kind: Kind) -> str:
    """A name that was never used before."""
    return f"{kind}-{uuid4().hex[:12]}"


def install(events: Events) -> None:
    """Have Locust know our options, and write down what happens from the start of a run to its end."""
    events.init_command_line_parser.add_listener(_declare)
    events.init.add_listener(_prepare)
    events.test_start.add_listener(_start)
    events.test_stop.add_listener(_of_crowd(lambda crowd: crowd.records.flush()))
    events.quitting.add_listener(_end)


def _declare(parser: object, **_: object) -> None:
    declare(partial(getattr(parser, "add_argument"), include_in_web_ui=False))  # noqa: B009 - Locust's own parser


def _prepare(environment: Environment, **_: object) -> None:
    crowd = crowd_of(environment)
    crowd.prepare(environment)
    for user_class in environment.user_classes:
        user_class.weight = crowd.options.counts[getattr(user_class, "kind")]  # noqa: B009 - all of ours have a kind
    environment.user_classes[:] = [one for one in environment.user_classes if one.weight]


def _of_crowd(do: Callable[[Crowd], object]) -> Callable[..., None]:
    def listen(environment: Environment, **_: object) -> None:
        do(crowd_of(environment))

    return listen


def _start(environment: Environment, **_: object) -> None:
    crowd = crowd_of(environment)
    crowd.records.start()
    crowd.act("begun", "", "", detail=f"{time.time():.3f}")
    gevent.spawn(_watch, environment)


def _watch(environment: Environment) -> None:
    """Write down who is there, how busy this process is, and what waits to be written, until the run ends."""
    crowd, runner = crowd_of(environment), environment.runner
    before_s, before_cpu_s = time.perf_counter(), time.process_time()
    while runner is not None and runner.state != "stopped":
        by_kind = {getattr(one, "kind"): runner.user_classes_count[one.__name__] for one in runner.user_classes}  # noqa: B009
        now_s, cpu_s = time.perf_counter(), time.process_time()
        cores = (cpu_s - before_cpu_s) / max(now_s - before_s, EVERY_S / 2)
        before_s, before_cpu_s = now_s, cpu_s
        crowd.records.add(PEOPLE, *(by_kind.get(kind, 0) for kind in KINDS), round(cores, 3))
        crowd.records.flush()
        gevent.sleep(EVERY_S)


def _end(environment: Environment, **_: object) -> None:
    crowd_of(environment).records.close()
    if environment.runner is not None and environment.runner.exceptions:
        environment.process_exit_code = EXIT_ON_BUG
