"""`quorate audit`: who did what in the team of the key. It takes an admin."""

import sys
from pathlib import Path

import click

from quorate.account_shapes import AuditEntry
from quorate.accounts import Accounts
from quorate.commands.people import member
from quorate.errors import QuorateError
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.replacing import replacing
from quorate.session import connected
from quorate.tables import show_table
from quorate.terminal import first, say, show_json


@click.group()
def audit() -> None:
    """Show or export who did what in the team."""


@audit.command("list")
@click.option("--actor", type=TEXT, help="Only what this person did: a name, or an id.")
@click.option("--action", type=TEXT, help="Only this kind of action, such as key.make.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many to show.")
@json_flag
@pass_options
def list_entries(options: Options, actor: str | None, action: str | None, limit: int) -> None:
    """Show what was done, the newest first.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        who = None if actor is None else _actor(client.accounts, actor)
        found = list(first(client.accounts.audit(actor=who, action=action), limit, "entries"))
    if options.as_json:
        for entry in found:
            show_json(entry)
        return
    show_table(("at", "who", "action", "to", "from"), map(_row, found))


def _actor(accounts: Accounts, wanted: str) -> str:
    """The id of a person; what is no name of a present member is taken for an id, as of one who left."""
    try:
        return member(accounts, wanted)["id"]
    except QuorateError:
        return wanted


def _row(entry: AuditEntry) -> tuple[str, ...]:
    what = entry["action"] if entry["outcome"] == "done" else f"{entry['action']}, refused"
    return entry["at"], entry["actor_name"], what, entry["object"], entry["address"]


@audit.command("export")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not given."
)
@json_flag
@pass_options
def export(options: Options, output: Path | None) -> None:
    """Export all of it, as lines of JSON, the newest first.

    A file is replaced by a whole export or not at all.
    """
    with connected(options) as client:
        if output is None:
            client.accounts.export_audit(sys.stdout.buffer)
            return
        with replacing(output) as file:
            client.accounts.export_audit(file)
    if options.as_json:
        show_json({"path": str(output)})
    else:
        say(f"{output} is written")
