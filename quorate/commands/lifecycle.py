"""Commands that change a task, or bring it to an end."""

import click

from quorate.labels import chosen
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.shapes import TaskChange
from quorate.tables import show_task
from quorate.terminal import show, show_json


@click.command()
@click.argument("task", type=TEXT)
@click.option("--name", type=TEXT, help="A new name.")
@click.option("--instructions", type=TEXT, help="What operators are shown; an empty text takes it away.")
@click.option("--votes", type=click.IntRange(1, 100), help="How many votes are asked for; what is settled stays.")
@click.option("--add-labels", type=TEXT, callback=chosen, help="Labels to add, as in quorate label, or @file.")
@click.option("--show-as", type=TEXT, multiple=True, metavar="LABEL=NAME", help="Show a label by another name.")
@json_flag
@pass_options
def edit(
    options: Options,
    task: str,
    *,
    name: str | None,
    instructions: str | None,
    votes: int | None,
    add_labels: list[str],
    show_as: tuple[str, ...],
) -> None:
    """Change a task's name, instructions, votes or labels.

    Images that have ended stay as they are.
    """
    change: TaskChange = {}
    if name is not None:
        change["name"] = name
    if instructions is not None:
        change["instructions"] = instructions
    if votes is not None:
        change["votes_required"] = votes
    if add_labels:
        change["add_labels"] = add_labels
    if show_as:
        change["label_names"] = dict(_pair(text) for text in show_as)
    if not change:
        raise click.UsageError("say what to change: --name, --instructions, --votes, --add-labels or --show-as")
    with connected(options) as client:
        changed = client.edit(task, change)
    if options.as_json:
        show_json(changed)
    else:
        show_task(changed)


def _pair(text: str) -> tuple[str, str]:
    label, equals, name = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not LABEL=NAME", param_hint="--show-as")
    return label, name


@click.command()
@click.argument("task", type=TEXT)
@json_flag
@pass_options
def reopen(options: Options, task: str) -> None:
    """Take images again after a seal."""
    with connected(options) as client:
        reopened = client.reopen(task)
    if options.as_json:
        show_json(reopened)
    else:
        show(f"{task} is open again")


@click.command()
@click.argument("task", type=TEXT)
@click.option("--image", type=TEXT, help="Only this image.")
@click.option("--reason", type=TEXT, required=True, help="Why; it is recorded.")
@json_flag
@pass_options
def finish(options: Options, task: str, *, image: str | None, reason: str) -> None:
    """End open images with the votes they have.

    The leading label wins; a tie, or no vote at all, becomes a dispute.
    """
    with connected(options) as client:
        finished = client.finish(task, reason) if image is None else client.finish_image(image, reason)
    if options.as_json:
        show_json(finished)
    else:
        show(f"{image or task} is finished")


@click.command("remove-image")
@click.argument("task", type=TEXT)
@click.argument("image", type=TEXT)
@json_flag
@pass_options
def remove_image(options: Options, task: str, image: str) -> None:
    """Remove one image with its votes."""
    with connected(options) as client:
        client.remove_image(task, image)
    if options.as_json:
        show_json({"image_id": image, "state": "removed"})
    else:
        show(f"{image} is removed")
