"""What a run is told: the same options for Locust's command, for `loadtest.people`, and from Python."""

import argparse
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

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


def _says(text: str, metavar: str = "N", read: Callable[[str], Any] | None = None) -> Mapping[str, Any]:
    """What the command line says of a field; `read` is for one whose default does not tell how."""
    return {"help": text, "metavar": metavar, "type": read}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A run. Each field is also an option of the command line: `client_pause` is `--client-pause`."""

    shape: ShapeName = field(default="pyramid", metadata=_says("how the load changes over the run", "|".join(SHAPES)))
    clients: int = field(default=15, metadata=_says("people who create tasks and upload pictures"))
    operators: int = field(default=10, metadata=_says("people who label"))
    detectors: int = field(default=0, metadata=_says("programs that ask the detector"))
    minutes: float = field(default=10.0, metadata=_says("how long; the load steps of a shape are shares of it"))
    arrivals: float = field(default=5.0, metadata=_says("how many of them come, and go, per second"))
    client_pause: float = field(default=2.0, metadata=_says("a client's pause, but in the pyramid", "SECONDS"))
    operator_pause: float = field(default=3.0, metadata=_says("an operator's pause, but in the pyramid", "SECONDS"))
    detector_pause: float = field(default=0.0, metadata=_says("pause of a client of the detector", "SECONDS"))
    images: int = field(default=5, metadata=_says("pictures in the zip of a client's iteration"))
    batch: int = field(default=5, metadata=_says("subtasks that an operator leases at a time"))
    votes: int | None = field(
        default=None, metadata=_says("votes required for an image, else as the platform has it", read=int)
    )
    skip_share: float = field(default=0.02, metadata=_says("how often an operator skips a subtask", "SHARE"))
    close_tab_share: float = field(default=0.01, metadata=_says("how often an operator goes, leases in hand", "SHARE"))
    follow_share: float = field(
        default=0.2, metadata=_says("how often a client follows a new task's progress", "SHARE")
    )
    direct_share: float = field(
        default=0.05, metadata=_says("how often a client sends pictures straight to the storage", "SHARE")
    )
    cancel_share: float = field(default=0.02, metadata=_says("how often a client cancels a new task", "SHARE"))
    erase_share: float = field(
        default=0.1, metadata=_says("how often a client erases a task whose results it has fetched", "SHARE")
    )
    adjudicate_share: float = field(
        default=0.5, metadata=_says("how often a client decides a dispute in its results", "SHARE")
    )
    undo_share: float = field(default=0.02, metadata=_says("how often an operator takes a vote back", "SHARE"))
    renew_share: float = field(default=0.05, metadata=_says("how often an operator renews a batch's leases", "SHARE"))
    together_share: float = field(
        default=0.1, metadata=_says("how often an operator sends a batch's votes in one request", "SHARE")
    )
    page_share: float = field(default=0.05, metadata=_says("how often an operator opens the Label page anew", "SHARE"))
    pictures: Path | None = field(
        default=None, metadata=_says("JPEGs and PNGs for the detector (or PICTURES), else drawn ones", "FOLDER", Path)
    )
    retries: bool = field(default=True, metadata=_says("repeat requests as the client does by itself"))
    reconnect: bool = field(
        default=False, metadata=_says("a new connection for each request, so that a NodePort spreads them")
    )
    timeout: float = field(default=30.0, metadata=_says("how long a request may wait for an answer", "SECONDS"))
    drop_operators: Drop | None = field(
        default=None, metadata=_says("operators vanish with leases in hand, like 0.3@120", "SHARE@SECONDS", Drop.parse)
    )
    records: Path | None = field(default=None, metadata=_says("where all is written down", "FOLDER", Path))
    compare: bool = field(default=True, metadata=_says("hold results against what was uploaded, after the run"))

    def __post_init__(self) -> None:
        if min(self.clients, self.operators, self.detectors) < 0 or not self.people:
            raise ValueError("at least one person is needed: --clients, --operators, --detectors")
        if self.minutes <= 0 or self.arrivals <= 0 or self.timeout <= 0:
            raise ValueError("--minutes, --arrivals and --timeout are more than 0")
        shares = {name: getattr(self, name) for name in SHARES}
        if wrong := [name for name, share in shares.items() if not 0 <= share <= 1]:
            raise ValueError(f"--{wrong[0].replace('_', '-')} goes from 0 to 1")

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


SHARES = tuple(each.name for each in fields(Options) if each.name.endswith("_share"))
AS_BEFORE = frozenset({"skip_share", "close_tab_share", "follow_share"})
PLAIN: Mapping[str, Any] = {name: 0.0 for name in SHARES if name not in AS_BEFORE}
"""With these, people do little else than those of system A did."""


def declare(add: Callable[..., Any], without: Container[str] = ()) -> None:
    """Add the options of a run to a parser, by its `add_argument`. A wrong value is the parser's to refuse."""
    for each in fields(Options):
        flag, told = f"--{each.name.replace('_', '-')}", {"default": each.default, **each.metadata}
        told["type"] = told["type"] or type(each.default)
        if each.name in without:
            continue
        if isinstance(each.default, bool):
            add(flag, action=argparse.BooleanOptionalAction, default=each.default, help=told["help"])
        else:
            add(flag, choices=SHAPES if each.name == "shape" else None, **told)
