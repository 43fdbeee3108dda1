"""`quorate dead`: messages that could not be handled."""

import click

from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import show_dead
from quorate.terminal import say, show, show_json


@click.group()
def dead() -> None:
    """List or replay unhandled messages."""


@dead.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many to show.")
@json_flag
@pass_options
def list_dead(options: Options, limit: int) -> None:
    """List dead letters: events that could not be handled."""
    with connected(options) as client:
        letters = client.dead(limit)
    if options.as_json:
        show_json({"items": letters})
    else:
        show_dead(letters)
    if len(letters) == limit:
        say(f"only {limit} are shown, and there may be more: see --limit")


@dead.command()
@click.argument("ids", type=TEXT, nargs=-1)
@json_flag
@pass_options
def replay(options: Options, ids: tuple[str, ...]) -> None:
    """Deliver dead letters again: the named ones, or all."""
    with connected(options) as client:
        replayed = client.replay(ids)
    if options.as_json:
        show_json({"replayed": replayed})
    else:
        show(f"{replayed} replayed")
