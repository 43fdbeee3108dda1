"""Commands about one's tasks."""

import sys
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import click

from quorate.client import Client
from quorate.exports import EXTENSIONS, ExportFormat
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.progress import counted_bytes
from quorate.session import connected
from quorate.shapes import ResultOrder, ShownState, Task
from quorate.tables import show_results, show_task, show_tasks
from quorate.terminal import first, is_asked, say, show, show_json

ROWS = 1000


@click.command()
@click.argument("task", type=TEXT, required=False)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many tasks to list.")
@json_flag
@pass_options
def status(options: Options, task: str | None, limit: int) -> None:
    """Show a task with its counts, or list the tasks."""
    with connected(options) as client:
        if task is None:
            _list(client, limit, as_json=options.as_json)
        elif options.as_json:
            show_json(client.task(task))
        else:
            show_task(client.task(task))


def _list(client: Client, limit: int, *, as_json: bool) -> None:
    tasks = list(first(client.tasks(), limit, "tasks"))
    if as_json:
        show_json({"items": tasks})
    else:
        show_tasks(tasks)


@click.command()
@click.argument("task", type=TEXT)
@click.option("--state", type=click.Choice(get_args(ShownState)), help="Only images in this state.")
@click.option("--label", type=TEXT, help="Only images with this label.")
@click.option("--limit", type=click.IntRange(1), help=f"How many images; a table shows {ROWS} unless told, JSON all.")
@json_flag
@pass_options
def results(options: Options, task: str, state: ShownState | None, label: str | None, limit: int | None) -> None:
    """Show the images of a task with their labels.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = client.results(task, state=state, label=label)
        if options.as_json:
            for result in islice(found, limit):
                show_json(result)
            return
        rows = limit or ROWS
        show_results(islice(found, rows))
        if limit is None and next(found, None) is not None:
            say(f"only the first {rows} images are shown: see --limit, --json, or quorate export")


@click.command()
@click.argument("task", type=TEXT)
@click.option(
    "--format",
    "wanted",
    type=click.Choice(get_args(ExportFormat)),
    help="As the extension .csv or .parquet says, else jsonl.",
)
@click.option(
    "--images/--no-images", default=None, help="Whether the pictures are in it; an imagefolder always has them."
)
@click.option(
    "--state",
    type=click.Choice(get_args(ShownState)),
    help="Only images in this state; else jsonl and csv have all, others the completed.",
)
@click.option(
    "--split",
    type=click.FloatRange(0, 1, min_open=True),
    help="The share of the images to train with; yolo and imagefolder.",
)
@click.option("--order", type=click.Choice(["id", "upload", "name"]), help="What the images are sorted by (id).")
@click.option("--bom", is_flag=True, help="Begin CSV with a byte order mark, by which Excel knows UTF-8.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not given."
)
@json_flag
@pass_options
def export(
    options: Options,
    task: str,
    *,
    wanted: ExportFormat | None,
    order: ResultOrder | None,
    bom: bool,
    output: Path | None,
    **chosen: Any,
) -> None:
    """Export the results of a task.

    docs/exports.md says what the formats are and how they are loaded.

    A file is replaced by a whole export or not at all, and never by an empty one. What broke off is kept beside it
    (FILE.*.part) where the task is completed: the same command goes on from there.
    """
    file_format = wanted or _format_of(output)
    if bom and file_format != "csv":
        raise click.UsageError("--bom is for CSV")
    target = output or sys.stdout.buffer
    if output is None and file_format not in ("jsonl", "csv", "coco", "labelstudio") and sys.stdout.isatty():
        raise click.UsageError(f"{file_format} is not for a terminal: name a file with --output")
    with connected(options) as client, counted_bytes("Exporting") as told:
        size_bytes = client.export(task, target, file_format=file_format, order=order, bom=bom, told=told, **chosen)
    if output is None:
        return
    if options.as_json:
        show_json({"path": str(output), "format": file_format, "bytes": size_bytes})
    else:
        say(f"{output}: {size_bytes} bytes of {file_format}")


def _format_of(output: Path | None) -> ExportFormat:
    return "jsonl" if output is None else EXTENSIONS.get(output.suffix.casefold(), "jsonl")


@click.command()
@click.argument("task", type=TEXT)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_flag
@pass_options
def cancel(options: Options, task: str, *, yes: bool) -> None:
    """Cancel a task and erase its images, votes and results.

    Shows what would be erased, and asks.
    """
    with connected(options) as client:
        if not yes:
            _confirm(client.task(task))
        client.cancel(task)
    if options.as_json:
        show_json({"id": task, "state": "cancelled"})
    else:
        show(f"{task} is cancelled and erased")


def _confirm(task: Task) -> None:
    """Ends the command unless a person at a terminal says yes."""
    counts = ", ".join(f"{count} {name}" for name, count in task["counts"].items())
    say(f"{task['id']}: {task['name']} ({task['state']}): {counts}")
    if not is_asked():
        raise click.UsageError("cancelling erases all of it: where no terminal is there to ask, --yes is needed")
    click.confirm("Erase all of it? There is no way back", abort=True, err=True)
