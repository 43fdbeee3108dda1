"""What a run is told: the same options for Locust's command, for `loadtest.people`, and from Python."""

import argparse
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

from loadtest.people.shapes import SHAPES, Kind, Schedule, ShapeName, schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """So large a share of the operators vanishes at so many seconds, and does not give back what it holds."""

    share: float
    at_s: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """`0.3@120`: 30 % at 120 seconds. Raises ArgumentTypeError for anything else."""
        found = re.fullmatch(r"(0|1|0?\.\d+|1\.0+)@(\d+(?:\.\d+)?)", text)
        if found is None:
            raise argparse.ArgumentTypeError(f"not SHARE@SECONDS with a share from 0 to 1: {text}")
        return cls(share=float(found[1]), at_s=float(found[2]))

    def count(self, operators: int) -> int:
        """How many of so many operators vanish."""
        return round(self.share * operators)

    def __str__(self) -> str:
        return f"{self.share}@{self.at_s}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the command line says of an option; `kind` reads it where the default does not tell how."""

    text: str
    metavar: str = "N"
    kind: Callable[[str], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A run. Each field is also an option of the command line: `client_pause` is `--client-pause`."""

    shape: Annotated[ShapeName, Said(text="how the load changes over the run", metavar="|".join(SHAPES))] = "pyramid"
    clients: Annotated[int, Said(text="people who create tasks and upload pictures")] = 15
    operators: Annotated[int, Said(text="people who label")] = 10
    detectors: Annotated[int, Said(text="programs that ask the detector")] = 0
    minutes: Annotated[float, Said(text="how long; the load steps of a shape are shares of it")] = 10.0
    arrivals: Annotated[float, Said(text="how many of them come, and go, per second")] = 5.0
    client_pause: Annotated[float, Said(text="a client's pause, but in the pyramid", metavar="SECONDS")] = 2.0
    operator_pause: Annotated[float, Said(text="an operator's pause, but in the pyramid", metavar="SECONDS")] = 3.0
    detector_pause: Annotated[float, Said(text="pause of a client of the detector", metavar="SECONDS")] = 0.0
    images: Annotated[int, Said(text="pictures in the zip of a client's iteration")] = 5
    batch: Annotated[int, Said(text="subtasks that an operator leases at a time")] = 5
    votes: Annotated[int | None, Said(text="votes required for an image, else as the platform has it", kind=int)] = None
    skip_share: Annotated[float, Said(text="how often an operator skips a subtask", metavar="SHARE")] = 0.02
    close_tab_share: Annotated[float, Said(text="how often an operator goes, leases in hand", metavar="SHARE")] = 0.01
    follow_share: Annotated[float, Said(text="how often a client follows a new task's progress", metavar="SHARE")] = 0.2
    pictures: Annotated[
        Path | None,
        Said(text="JPEGs and PNGs for the detector (or PICTURES), else drawn ones", kind=Path, metavar="FOLDER"),
    ] = None
    retries: Annotated[bool, Said(text="repeat requests as the client does by itself")] = True
    reconnect: Annotated[bool, Said(text="a new connection for each request, so that a NodePort spreads them")] = False
    timeout: Annotated[float, Said(text="how long a request may wait for an answer", metavar="SECONDS")] = 30.0
    drop_operators: Annotated[
        Drop | None,
        Said(text="operators vanish with leases in hand, like 0.3@120", kind=Drop.parse, metavar="SHARE@SECONDS"),
    ] = None
    records: Annotated[Path | None, Said(text="where all is written down", kind=Path, metavar="FOLDER")] = None

    def __post_init__(self) -> None:
        if min(self.clients, self.operators, self.detectors) < 0 or not self.people:
            raise ValueError("somebody has to be there: --clients, --operators, --detectors")
        if self.minutes <= 0 or self.arrivals <= 0 or self.timeout <= 0:
            raise ValueError("--minutes, --arrivals and --timeout are more than 0")

    @property
    def counts(self) -> Mapping[Kind, int]:
        return {"client": self.clients, "operator": self.operators, "detector": self.detectors}

    @property
    def people(self) -> int:
        return self.clients + self.operators + self.detectors

    @property
    def duration_s(self) -> float:
        return self.minutes * 60

    def schedule(self) -> Schedule:
        pauses_s: Mapping[Kind, float] = {
            "client": self.client_pause,
            "operator": self.operator_pause,
            "detector": self.detector_pause,
        }
        return schedule(self.shape, self.duration_s, pauses_s)

    @classmethod
    def of(cls, given: argparse.Namespace, environment: Mapping[str, str]) -> Self:
        """From what a parser read by `declare`, which may hold other things too. Raises ValueError."""
        told = {each.name: vars(given)[each.name] for each in fields(cls) if each.name in vars(given)}
        if told.get("pictures") is None and environment.get("PICTURES"):
            told["pictures"] = Path(environment["PICTURES"])
        return cls(**told)

    def arguments(self) -> list[str]:
        """The command-line arguments that say the same; what is as without them is left out."""
        told: list[str] = []
        for each in fields(self):
            value, flag = getattr(self, each.name), each.name.replace("_", "-")
            if value == each.default:
                continue
            told += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
        return told


def declare(add: Callable[..., Any], without: Container[str] = ()) -> None:
    """Add the options of a run to a parser, by its `add_argument`. A wrong value is the parser's to refuse."""
    hints = get_type_hints(Options, include_extras=True)
    for each in fields(Options):
        if each.name in without:
            continue
        said: Said = hints[each.name].__metadata__[0]
        flag, told = f"--{each.name.replace('_', '-')}", {"default": each.default, "help": said.text}
        if isinstance(each.default, bool):
            add(flag, action=argparse.BooleanOptionalAction, **told)
        else:
            choices = SHAPES if each.name == "shape" else None
            add(flag, type=said.kind or type(each.default), metavar=said.metavar, choices=choices, **told)
