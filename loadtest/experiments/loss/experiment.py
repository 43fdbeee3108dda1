"""The platform at the server's end of the link; this process, with its clients, at the other."""

import secrets
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest.errors import MeasurementFailed
from loadtest.experiments.loss.clients import USER, Clients, Outcome, Way, Work, audit, audit_jobs, new_task
from loadtest.experiments.loss.link import SERVER_ADDRESS, Direction, Link
from loadtest.pictures import Pictures
from loadtest.platform_process import PlatformProcess

MAX_UPLOADS = 1000


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
    Mode(key="job", name="Job, with retries", way="job"),
    Mode(key="jobway", name="Job, with retries, loss from the client only", way="job", direction="to_server"),
    Mode(key="once", name="Task, without retries", way="task", has_retries=False),
    Mode(key="direct", name="Detection request, with retries", way="direct"),
    Mode(key="oneway", name="Task, with retries, loss from the client only", way="task", direction="to_server"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A platform that runs at the server's end.

    labels: what the detector answers for each picture without loss; pictures in which it sees nothing are left out.
    """

    link: Link
    pictures: Pictures
    labels: Mapping[str, str]
    url: str

    @property
    def truth(self) -> Mapping[str, str]:
        return self.pictures.truth or self.labels

    def run(self, mode: Mode, rate: float, *, clients: int, timeout_s: float, limit_s: float) -> Outcome:
        """Each picture is a job. The link is worse only while they are done. Raises QuorateError."""
        work = Work(
            url=self.url,
            folder=self.pictures.folder,
            names=sorted(self.labels),
            way=mode.way,
            has_retries=mode.has_retries,
            clients=clients,
            timeout_s=timeout_s,
            limit_s=limit_s,
            user=f"{USER}-{secrets.token_hex(4)}",  # of its own: the same picture again would be the same job
        )
        task_id = new_task(self.url, self.labels) if mode.way == "task" else ""
        self.link.lose(rate, mode.direction)
        try:
            outcome = Clients(work, task_id).run()
            outcome.lost_share = self.link.lost_share()
        finally:
            self.link.lose(0.0)
        if task_id:
            audit(outcome, self.url, task_id)
        elif mode.way == "job":
            audit_jobs(outcome, self.url, work.user)
        return outcome


@contextmanager
def experiment(link: Link, pictures: Pictures, folder: Path, clients: int) -> Generator[Experiment]:
    """Start the platform at the server's end, and end it at the end. Raises MeasurementFailed.

    An upload whose client has given up keeps its place until the server hears of it, which such a link delays: so there
    are far more places than clients.
    """
    platform = PlatformProcess(
        folder,
        command=link.inside_server([sys.executable, "-P", "-m", "embedded"]),
        host=SERVER_ADDRESS,
        auth="off",
        allowed_hosts=SERVER_ADDRESS,
        model=pictures.model,
        log_level="error",
        max_uploads=MAX_UPLOADS,
        detector_max_waiting=max(64, 2 * clients),
    )
    with platform:
        made = Experiment(link=link, pictures=pictures, labels=dict.fromkeys(pictures.names, ""), url=platform.url)
        unhurried = Mode(key="direct", name="Without loss", way="direct")
        jobs = made.run(unhurried, 0.0, clients=4, timeout_s=30.0, limit_s=300.0).jobs
        labels = {job.name: job.label for job in jobs if job.label is not None}
        if not labels:
            raise MeasurementFailed(f"the model labels none of the pictures in {pictures.folder}")
        yield replace(made, labels=labels)
