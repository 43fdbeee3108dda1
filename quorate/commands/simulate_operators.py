"""`quorate simulate-operators`: people for a trial."""

from itertools import cycle, islice
from pathlib import Path
from typing import TypedDict

import click

from quorate.client import Client
from quorate.errors import QuorateError
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.progress import bar
from quorate.session import connected
from quorate.shapes import Task
from quorate.simulate import Plan, Tally, simulate
from quorate.tables import share, show_fields, show_table
from quorate.terminal import show_json
from quorate.trials import is_trial
from quorate.truths import Truths, read_truth

DEFAULT_SKILLS = "0.98,0.95,0.9,0.85,0.8,0.7"


class Performance(TypedDict):
    """What one operator did; `right` of the `known` votes named the truth."""

    name: str
    skill: float
    votes: int
    refused: int
    right: int
    known: int


class Summary(TypedDict):
    """`results_right` of `results_known` labels are the true ones, of the images settled whose truth is known."""

    task_id: str
    state: str
    votes: int
    refused: int
    operators: list[Performance]
    results_right: int
    results_known: int


@click.command()
@click.argument("task", type=TEXT)
@click.option(
    "--operators", type=click.IntRange(1, 1000), default=8, show_default=True, help="How many operators work at once."
)
@click.option(
    "--skills",
    type=TEXT,
    default=DEFAULT_SKILLS,
    show_default=True,
    help="How often each operator is right; the list is repeated as needed.",
)
@click.option(
    "--truth",
    "truth_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON object from file name to label.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed makes the same choices.")
@click.option("--pause", type=click.FloatRange(0), default=0.0, help="Seconds to think about each image.")
@click.option(
    "--timeout", type=click.FloatRange(0), default=600.0, show_default=True, help="Seconds until all operators stop."
)
@click.option("--force", is_flag=True, help="Vote on a task that was not made for a trial.")
@json_flag
@pass_options
def simulate_operators(
    options: Options,
    *,
    task: str,
    operators: int,
    skills: str,
    truth_file: Path | None,
    seed: int,
    pause: float,
    timeout: float,
    force: bool,
) -> None:
    """Let simulated operators vote on a task made for a trial.

    That is one of `quorate label --trial`; any other takes --force, for simulated votes count like those of people.

    They work until it is completed, or nothing is left for them. Without --truth they agree on the pre-label, or on a
    label drawn from the image's id.
    """
    plan = Plan(
        task_id=task,
        skills=list(islice(cycle(_skills(skills)), operators)),
        seed=seed,
        pause_s=pause,
        timeout_s=timeout,
    )
    truth = _truth(truth_file)
    with connected(options) as owner, bar("voting") as progress:

        def watch(seen: Task) -> None:
            counts = seen["counts"]
            progress(counts["completed"] + counts["disputed"], counts["images"])

        found = owner.task(task)
        if not force and not is_trial(found):
            raise QuorateError(f"task {task} ({found['name']}) was not made by quorate label --trial: see --force")
        truths = Truths(truth, found["labels"], lambda: owner.results(task))
        tallies = simulate(owner, lambda name: connected(options, name), plan, truths, watch)
        summary = _summary(owner, task, tallies, truths if truth else None)
    if options.as_json:
        show_json(summary)
    else:
        _show(summary)


def _skills(text: str) -> list[float]:
    try:
        skills = [float(part) for part in text.split(",")]
    except ValueError:
        skills = []
    if not skills or not all(0 <= skill <= 1 for skill in skills):
        raise click.UsageError("--skills are numbers from 0 to 1, separated by commas")
    return skills


def _truth(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return read_truth(path)
    except ValueError as error:
        raise click.UsageError(f"--truth {path}: {error}") from error


def _summary(owner: Client, task_id: str, tallies: list[Tally], truths: Truths | None) -> Summary:
    right = known = 0
    for result in owner.results(task_id) if truths else ():
        truth = truths.of_file(result["filename"]) if truths and result["label"] is not None else None
        if truth is not None:
            known += 1
            right += truth == result["label"]
    return Summary(
        task_id=task_id,
        state=owner.task(task_id)["state"],
        votes=sum(tally.votes for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        operators=[_performance(tally) for tally in tallies],
        results_right=right,
        results_known=known,
    )


def _performance(tally: Tally) -> Performance:
    return Performance(
        name=tally.name,
        skill=tally.skill,
        votes=tally.votes,
        refused=tally.refused,
        right=tally.right,
        known=tally.known,
    )


def _show(summary: Summary) -> None:
    columns = ("operator", "skill", "votes", "refused", "right")
    rows = (
        (o["name"], o["skill"], o["votes"], o["refused"], _right(o["right"], o["known"])) for o in summary["operators"]
    )
    show_table(columns, rows)
    show_fields(
        (
            ("task", summary["task_id"]),
            ("state", summary["state"]),
            ("votes", summary["votes"]),
            ("refused", summary["refused"]),
            ("results right", _right(summary["results_right"], summary["results_known"])),
        )
    )


def _right(right: int, known: int) -> str | None:
    return f"{share(right / known)} of {known}" if known else None
