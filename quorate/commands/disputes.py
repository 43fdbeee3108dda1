"""Commands about disputes."""

import click

from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import show_disputes
from quorate.terminal import first, show, show_json


@click.command()
@click.option("--task", type=TEXT, help="Only those of this task.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many to show.")
@json_flag
@pass_options
def disputes(options: Options, task: str | None, limit: int) -> None:
    """List images without a winner.

    Their votes ended in a tie or in too little agreement. With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = first(client.disputes(task), limit, "disputes")
        if options.as_json:
            for subtask in found:
                show_json(subtask)
        else:
            show_disputes(found)


@click.command()
@click.argument("subtask", type=TEXT)
@click.argument("label", type=TEXT)
@click.option("--reason", type=TEXT, required=True, help="Why; it is recorded.")
@json_flag
@pass_options
def adjudicate(options: Options, subtask: str, label: str, reason: str) -> None:
    """Decide a dispute."""
    with connected(options) as client:
        decided = client.adjudicate(subtask, label, reason)
    if options.as_json:
        show_json(decided)
    else:
        show(f"{decided['id']} is decided: {label}")
