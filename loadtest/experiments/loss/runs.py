"""One run: a client at its end of the link, the link as bad as it is to be, and whole again for the audit."""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.command import ROOT
from loadtest.errors import MeasurementFailed
from loadtest.experiments.loss.client import PREPARED, WORKED
from loadtest.experiments.loss.link import Direction, Link
from loadtest.experiments.loss.orders import Orders, Outcome

GRACE_S = 90.0
"""For starting the client, and for its audit."""


class RunFailed(MeasurementFailed):
    """The client did not come to its end; the text says what it said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An outcome, and the share of packets that was lost meanwhile."""

    outcome: Outcome
    lost_share: float


def run(link: Link, orders: Orders, rate: float, direction: Direction) -> Measured:
    """Run the client; the link is worse only while it works. Raises RunFailed."""
    with _client(link, orders.limit_s + GRACE_S) as client:
        _tell(client, orders.to_json())
        _expect(client, PREPARED)
        link.lose(rate, direction)
        try:
            _tell(client, "work")
            _expect(client, WORKED)
            lost_share = link.lost_share()
        finally:
            link.lose(0.0)
        _tell(client, "audit")
        return Measured(outcome=Outcome.from_json(_line(client)), lost_share=lost_share)


@contextmanager
def _client(link: Link, longest_s: float) -> Generator["subprocess.Popen[str]"]:
    """The client's process; however the block ends, it does too, and after so many seconds anyway."""
    process = subprocess.Popen(
        link.inside_client([sys.executable, "-P", "-m", "loadtest.experiments.loss.client"]),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the experiment, which then ends the client
    )
    too_late = threading.Timer(longest_s, process.kill)
    too_late.start()
    try:
        with process:
            try:
                yield process
            finally:
                process.kill()
    finally:
        too_late.cancel()


def _tell(client: "subprocess.Popen[str]", line: str) -> None:
    assert client.stdin is not None  # noqa: S101 - it was asked for
    try:
        client.stdin.write(line + "\n")
        client.stdin.flush()
    except BrokenPipeError:
        raise RunFailed("the client ended too early") from None


def _expect(client: "subprocess.Popen[str]", word: str) -> None:
    if (said := _line(client)) != word:
        raise RunFailed(f"the client said {said!r} instead of {word!r}")


def _line(client: "subprocess.Popen[str]") -> str:
    assert client.stdout is not None  # noqa: S101 - it was asked for
    line = client.stdout.readline()
    if not line:
        raise RunFailed("the client ended too early, or took too long")
    return line.rstrip("\n")
