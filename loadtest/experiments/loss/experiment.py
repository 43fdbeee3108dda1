"""The platform at one end of the link, clients at the other, and every mode at every rate."""

import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest.bench.platform_process import running
from loadtest.experiments.loss.figures import Figures, figures
from loadtest.experiments.loss.link import SERVER_ADDRESS, Direction, Link
from loadtest.experiments.loss.orders import Orders, Way
from loadtest.experiments.loss.pictures import Pictures
from loadtest.experiments.loss.runs import Loss, RunFailed, run

GENTLE = 4
"""How many clients look at every picture once, before anything is measured."""
GENTLE_TIMEOUT_S, GENTLE_LIMIT_S = 30.0, 300.0
MAX_UPLOADS = 1000


class NothingSeen(Exception):
    """The model labels none of the pictures, so there is nothing to measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What is measured at every rate; `key` is what it is called on the command line."""

    key: str
    name: str
    way: Way
    has_retries: bool = True
    direction: Direction = "both"


MODES = (
    Mode(key="task", name="Task, with retries", way="task"),
    Mode(key="once", name="Task, without retries", way="task", has_retries=False),
    Mode(key="direct", name="Detection request, with retries", way="direct"),
    Mode(key="oneway", name="Task, with retries, loss from the client only", way="task", direction="to_server"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure at which rates, with how many clients; how long they wait, and how long each rate may take."""

    modes: Sequence[Mode]
    rates: Sequence[float]
    clients: int
    timeout_s: float
    limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A platform that runs at the server's end.

    labels: what the detector answers for each picture without loss; pictures in which it sees nothing are left out.
    """

    link: Link
    pictures: Pictures
    labels: Mapping[str, str]
    url: str

    def rows(self, plan: Plan) -> Iterator[Figures | str]:
        """The figures of every run as it ends, or in words why there are none."""
        truth = self.pictures.truth or self.labels
        for mode in plan.modes:
            for rate in plan.rates:
                try:
                    measured = run(self.link, self.orders(mode, plan), Loss(rate=rate, direction=mode.direction))
                except RunFailed as failed:
                    yield f"{mode.name}, loss {rate}: {failed}"
                else:
                    yield figures(mode.name, rate, measured, truth)

    def orders(self, mode: Mode, plan: Plan) -> Orders:
        """What a client is told to do in this mode."""
        return Orders(
            url=self.url,
            folder=str(self.pictures.folder.absolute()),
            names=sorted(self.labels),
            labels=sorted(set(self.labels.values())),
            way=mode.way,
            has_retries=mode.has_retries,
            clients=plan.clients,
            timeout_s=plan.timeout_s,
            limit_s=plan.limit_s,
        )


@contextmanager
def experiment(link: Link, pictures: Pictures, data_dir: Path, clients: int) -> Generator[Experiment]:
    """Start the platform at the server's end, and end it at the end. Raises NothingSeen, RunFailed, BenchFailed."""
    with running(data_dir, _platform(link, pictures.model, clients)) as platform:
        url = f"http://{SERVER_ADDRESS}:{platform.port}"
        made = Experiment(link=link, pictures=pictures, labels=dict.fromkeys(pictures.names, ""), url=url)
        yield replace(made, labels=_labels(made))


def _labels(made: Experiment) -> dict[str, str]:
    """What the detector answers for each picture that it sees anything in."""
    patient = Plan(modes=(), rates=(), clients=GENTLE, timeout_s=GENTLE_TIMEOUT_S, limit_s=GENTLE_LIMIT_S)
    direct = Mode(key="direct", name="Without loss", way="direct")
    jobs = run(made.link, made.orders(direct, patient), Loss()).outcome.jobs
    if labels := {job.name: job.label for job in jobs if job.label is not None}:
        return labels
    raise NothingSeen(f"the model labels none of the pictures in {made.pictures.folder}")


def _platform(link: Link, model: str, clients: int) -> list[str]:
    """The command that runs the embedded platform at the server's end.

    An upload whose client has given up keeps its place until the server hears of it, which such a link delays: so there
    are far more places than clients.
    """
    settings = {
        "QUORATE_HOST": SERVER_ADDRESS,
        "QUORATE_AUTH": "off",
        "QUORATE_ALLOWED_HOSTS": SERVER_ADDRESS,
        "QUORATE_MODEL": model,
        "QUORATE_LOG_LEVEL": "error",
        "QUORATE_MAX_UPLOADS": str(MAX_UPLOADS),
        "QUORATE_DETECTOR_MAX_WAITING": str(max(64, 2 * clients)),
    }
    told = [f"{name}={value}" for name, value in settings.items()]
    return link.inside_server(["/usr/bin/env", *told, sys.executable, "-P", "-m", "embedded"])
