"""What the trials found, as a page."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean

from loadtest.cgroups import SMALL_POD
from loadtest.experiments.pods.trial import Outcome
from loadtest.report import Plot, Report, Series, Table, machine
from loadtest.report.parts import Cell

CORES = SMALL_POD.cores or 1.0
PEERS = (
    "Peers' figures for this assignment (public Flask servers, yolov3-tiny, two cores): in one such pod 6.1 requests/s "
    "with 1 user, 7.9 with 16, and 581 MiB, which is more than the pod may have; outside of one at best 37 with 16."
)


@dataclass(slots=True, kw_only=True)
class Findings:
    """Everything there is to say so far; `options` are the command's."""

    options: argparse.Namespace
    model: str
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    peaks_mib: dict[int, float] = field(default_factory=dict[int, float])
    deaths: int = 0


def report(findings: Findings) -> Report:
    """The page: the table of system D, what each pod answered, and three plots."""
    return Report(
        title="Pods of the detector",
        paragraphs=_paragraphs(findings, findings.options),
        parts=[
            _users(findings.outcomes),
            _answered(findings),
            _plot(findings.outcomes, "Users with 100 % success", "users", lambda one: one.users),
            _plot(findings.outcomes, "Requests answered", "requests/s", lambda one: one.seen.per_s),
            _plot(findings.outcomes, "Mean response time at that", "ms", lambda one: one.seen.times.mean),
        ],
    )


def _paragraphs(findings: Findings, options: argparse.Namespace) -> list[str]:
    setting = (
        f"Detectors with {findings.model}, each in a control group of {CORES:g} cores and "
        f"{SMALL_POD.memory_bytes // 2**20} MiB, behind "
        "nginx, which passes requests on in turns. A user sends one picture after the other as base64 JSON and waits "
        "for each answer, without a pause and without retries; an answer that is not 200, or takes longer than "
        f"{options.timeout_s:g} s, is a failure. A detector refuses what would be more than 64 waiting pictures (its "
        "default), which bounds both its answering time and the number of users."
    )
    method = (
        "The largest number of users without one failure is found by doubling and then bisecting, users joining within "
        f"seconds and staying for {options.hold_s:g} s; then it is measured with users joining at 1/s, or faster where "
        f"that would take longer than {options.longest_spawn_s:g} s. Where the measurement saw a failure, fewer users "
        "were measured."
    )
    cores = int(machine()["cores"])
    room = (
        f"This machine has {cores} cores for everything: pods, nginx and users. {int(cores / CORES)} pods would fill "
        "it by themselves; more of them are oversubscribed, and show what sharing costs rather than what pods add."
    )
    far = (
        "The near client is in the network namespace of the pods, the far one in another, at the end of a link of "
        f"{options.far_mbit:g} Mbit/s in each direction that loses {options.far_loss:.1%} of the packets; it adds no "
        "delay of its own, for which this kernel has no means."
        if options.client_namespace
        else f"There is no far client: {options.no_far}."
    )
    return [setting, method, room, far, f"Pods that died and were started again: {findings.deaths}.", PEERS]


def _users(outcomes: Sequence[Outcome]) -> Table:
    columns = ["pods", "client", "run", "users with 100 % success", "first failure at"]
    columns += ["mean ms", "p95 ms", "max ms", "requests/s", "joining per s", "first failure seen"]
    return Table(title="Largest number of concurrent users", columns=columns, rows=[_row(one) for one in outcomes])


def _row(one: Outcome) -> list[Cell]:
    times = [round(time_ms) for time_ms in (one.seen.times.mean, one.seen.times.p95, one.seen.times.max)]
    rates = [round(rate, 1) for rate in (one.seen.per_s, one.spawn_per_s)]
    return [one.pods, one.client, one.repeat, one.users, one.fails, *times, *rates, one.failure]


def _answered(findings: Findings) -> Table:
    return Table(
        title="Requests that each pod answered in the measurement",
        columns=("pods", "client", "run", "by pod", "least / mean", "most / mean", "largest memory of a pod, MiB"),
        rows=[
            (
                one.pods,
                one.client,
                one.repeat,
                " ".join(map(str, one.answered)),
                *(round(bound(one.answered) / mean(one.answered), 2) for bound in (min, max)),
                round(findings.peaks_mib[one.pods]),
            )
            for one in findings.outcomes
            if any(one.answered)
        ],
    )


def _plot(outcomes: Sequence[Outcome], title: str, unit: str, value: Callable[[Outcome], float]) -> Plot:
    def series(client: str) -> Series:
        pods = sorted({one.pods for one in outcomes if one.client == client})
        means = [mean(value(one) for one in outcomes if (one.pods, one.client) == (number, client)) for number in pods]
        return Series(name=client, x=pods, y=means)

    clients = list(dict.fromkeys(one.client for one in outcomes))
    return Plot(title=title, x_label="pods", y_label=unit, series=[series(client) for client in clients])
