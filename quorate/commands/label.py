"""`quorate label`: a batch of images in one command."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, get_args

import click

from quorate.client import Client
from quorate.commands.operators import ids_of
from quorate.errors import ApiError
from quorate.exits import Exit
from quorate.labels import chosen
from quorate.names import of_path
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.pipelines import of_file
from quorate.progress import bar
from quorate.sending import reports, tell
from quorate.session import connected
from quorate.shapes import DetectorFields, FieldError, Order, PipelineFields, QuorumFields, Task, UploadReport
from quorate.summaries import ResultSummary, summarize
from quorate.tables import show_summary
from quorate.terminal import plain, say, show, show_json
from quorate.trials import MARK
from quorate.uploads import Found, Unsent, found, merged, parts, unsent_report

NAME_CHARS = 150
"""Of a name that nobody chose; the platform takes 200, and the mark of a trial may come before it."""


class Outcome(TypedDict):
    """What `--json` prints: of the images only those that did not get in, or not as they were."""

    task: Task
    upload: UploadReport | None
    results: NotRequired[ResultSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The task that is asked for."""

    name: str
    labels: list[str]
    instructions: str | None
    quorum: QuorumFields
    detector: DetectorFields
    is_unsure_allowed: bool
    order: Order | None
    are_names_hidden: bool
    invited: tuple[str, ...]
    pipeline: PipelineFields | None

    def create(self, client: Client) -> Task:
        try:
            return client.create_task(
                self.name,
                self.labels,
                instructions=self.instructions,
                allow_unsure=self.is_unsure_allowed or None,
                quorum=self.quorum or None,
                detector=self.detector or None,
                order=self.order,
                hide_names=self.are_names_hidden or None,
                operators=ids_of(client, self.invited) if self.invited else None,
                pipeline=self.pipeline,
            )
        except ApiError as error:
            for field in error.errors:
                self._name_label(field)
            raise

    def _name_label(self, field: FieldError) -> None:
        """The platform points at a label by its number."""
        if found := re.fullmatch(r"/labels/(\d+)", field["pointer"]):
            say(f'label "{self.labels[int(found[1])]}": {field["detail"]}')


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="DIR|ZIP|FILE..."
)
@click.option(
    "--labels",
    type=TEXT,
    callback=chosen,
    help="Separated by commas or line ends, in double quotes where one contains a comma; or @ and a file of them.",
)
@click.option(
    "--votes",
    type=click.IntRange(0, 100),
    help="How many votes are asked for on each image (3); with --pipeline 0 asks nobody, and needs no labels.",
)
@click.option("--name", type=TEXT, help="The task's name; that of the first path if not given.")
@click.option("--instructions", type=TEXT, help="What operators are told.")
@click.option("--stop", type=click.Choice(["exact", "settled", "lead"]), help="When to stop collecting (settled).")
@click.option(
    "--detector", type=click.Choice(["off", "suggest", "vote", "accept"]), help="What the detector may do (suggest)."
)
@click.option("--trial", is_flag=True, help=f'Begin the name with "{MARK.strip()}": simulated operators may vote.')
@click.option("--unsure", is_flag=True, help='Let operators vote "unsure".')
@click.option("--order", type=click.Choice(get_args(Order)), help="How operators get the images (random).")
@click.option("--hide-names", is_flag=True, help="Do not show operators the names of the files.")
@click.option(
    "--invite", type=TEXT, multiple=True, metavar="PERSON", help="Only this operator may label; again for more."
)
@click.option(
    "--pipeline",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=of_file,
    help="A file of JSON that says what is done to each image before people label it.",
)
@click.option("--wait", is_flag=True, help="Wait until the task is completed, then summarize its results.")
@click.option("--resume", type=TEXT, metavar="TASK", help="Go on with a task whose upload was interrupted.")
@json_flag
@pass_options
def label(
    options: Options,
    *,
    paths: tuple[Path, ...],
    labels: list[str],
    votes: int | None,
    name: str | None,
    instructions: str | None,
    stop: Literal["exact", "settled", "lead"] | None,
    detector: Literal["off", "suggest", "vote", "accept"] | None,
    trial: bool,
    unsure: bool,
    order: Order | None,
    hide_names: bool,
    invite: tuple[str, ...],
    pipeline: PipelineFields | None,
    wait: bool,
    resume: str | None,
) -> None:
    """Upload images to be labeled.

    Creates a task, uploads everything, and seals it. Prints the task's id. Files that were refused are listed with the
    reason; then the exit code is 3.
    """
    wish = Wish(
        name=(MARK if trial else "") + (name or _name_of(paths[0])),
        labels=labels,
        instructions=instructions,
        quorum=_quorum(votes, stop),
        detector={"mode": detector} if detector else {},
        is_unsure_allowed=unsure,
        order=order,
        are_names_hidden=hide_names,
        invited=invite,
        pipeline=pipeline,
    )
    if not wish.labels and votes != 0 and resume is None:
        raise click.UsageError("--labels is needed for a new task")
    _check_images(paths)
    with connected(options) as client:
        task = wish.create(client) if resume is None else client.task(resume)
        outcome = _filled(client, task, paths, as_json=options.as_json)
        if wait and outcome["task"]["state"] != "open":
            outcome["task"] = _watched(client, task["id"])
            outcome["results"] = summarize(client.results(task["id"]))
    if options.as_json:
        show_json(outcome)
    elif "results" in outcome:
        show_summary(outcome["results"])
    raise SystemExit(_exit(outcome))


def _check_images(paths: Sequence[Path]) -> None:
    unsent = list[Unsent]()
    for item in found(paths):
        if isinstance(item, Found):
            return
        unsent.append(item)
    tell(unsent_report(unsent))
    raise click.UsageError("there are no images here")


def _name_of(path: Path) -> str:
    return plain(of_path(path.absolute().name).text).strip()[:NAME_CHARS] or "images"


def _quorum(votes: int | None, stop: Literal["exact", "settled", "lead"] | None) -> QuorumFields:
    quorum = QuorumFields()
    if votes is not None:
        quorum["votes_required"] = votes
    if stop is not None:
        quorum["stop"] = stop
    return quorum


def _filled(client: Client, task: Task, paths: Sequence[Path], *, as_json: bool) -> Outcome:
    """Uploads and seals, unless an earlier run has already."""
    task_id = task["id"]
    if not as_json:
        show(task_id)
    if task["state"] != "open":
        say(f"task {task_id} is {task['state']}: nothing is sent")
        return Outcome(task=task, upload=None)
    say(f"task {task_id}: should this be interrupted, go on with --resume {task_id}")
    report = _sent(client, task_id, paths)
    tell(report)
    if report["accepted"] + report["duplicates"] == 0:
        say(f"task {task_id} is left open: no image was accepted")
        return Outcome(task=task, upload=report)
    return Outcome(task=client.seal(task_id), upload=report)


def _sent(client: Client, task_id: str, paths: Sequence[Path]) -> UploadReport:
    total = sum(1 for _ in found(paths))
    with bar("uploading") as progress:
        return merged(reports(client, task_id, parts(paths), lambda done: progress(done, total)))


def _watched(client: Client, task_id: str) -> Task:
    with bar("labeling") as progress:
        task = client.task(task_id)
        for task in client.follow(task_id):
            counts = task["counts"]
            progress(counts["completed"] + counts["disputed"] + counts.get("failed", 0), counts["images"])
    return task


def _exit(outcome: Outcome) -> Exit:
    report = outcome["upload"]
    if outcome["task"]["state"] == "cancelled" or (report and report["accepted"] + report["duplicates"] == 0):
        return Exit.REFUSED
    return Exit.PARTIAL if report and report["rejected"] else Exit.OK
