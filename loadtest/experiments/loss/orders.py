"""What the client at the end of the link is told to do, and what it says became of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

Way = Literal["task", "direct"]
"""`task`: upload to a task, then ask until the detector has labeled it; `direct`: a request that answers the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """One run: these files of a folder, each a job.

    has_retries: whether requests without an answer are sent again, for as long as the run lasts.
    clients: how many jobs are under way at a time, each on a connection of its own.
    timeout_s: how long a client waits for an answer. limit_s: when the run ends, whatever is left.
    """

    url: str
    folder: str
    names: Sequence[str]
    labels: Sequence[str]
    way: Way
    has_retries: bool
    clients: int
    timeout_s: float
    limit_s: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def picture(self, name: str) -> bytes:
        return (Path(self.folder) / name).read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What became of one picture: its label, and how long that took; `fault` where it got none."""

    name: str
    seconds: float
    label: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run.

    jobs: those that ended before the limit. wall_s: from the first job's start to the last one's end, or the limit.
    sent, answered: submissions, each repetition for itself, and those of them that got an answer of any kind.
    acknowledged: pictures that the platform said it has, or has looked at. lost: those of them that it did not have,
    or had no label for, once the link was whole again. doubled: pictures that it had more than once.
    """

    jobs: list[Job]
    wall_s: float
    sent: int
    answered: int
    acknowledged: list[str]
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        told = json.loads(text)
        return cls(**(told | {"jobs": [Job(**job) for job in told["jobs"]]}))
