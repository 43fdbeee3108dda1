"""`quorate audit`: who did what in the team of the key. It takes an admin."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from quorate.account_shapes import AuditEntry, AuditWanted
from quorate.accounts import Accounts
from quorate.commands.people import member
from quorate.errors import QuorateError
from quorate.exports import RowFormat
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.replacing import replacing
from quorate.session import connected
from quorate.tables import show_table
from quorate.terminal import first, say, show_json

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@click.group()
def audit() -> None:
    """Show or export who did what in the team."""


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which entries are wanted."""
    options = [
        click.option("--actor", type=TEXT, help="Only what this person did: a name, or an id."),
        click.option("--action", type=TEXT, help="Only this kind of action, such as key.make."),
        click.option("--object", type=TEXT, help="Only what was done to what has this id: a task, a key, a person."),
        click.option("--since", type=click.DateTime(TIMES), help="Only what was done from then on, in local time."),
        click.option("--until", type=click.DateTime(TIMES), help="Only what was done before then."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@audit.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many to show.")
@json_flag
@pass_options
def list_entries(options: Options, limit: int, **filters: Any) -> None:
    """Show what was done, the newest first.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        wanted = _wanted(client.accounts, **filters)
        found = list(first(client.accounts.audit(wanted), limit, "entries"))
    if options.as_json:
        for entry in found:
            show_json(entry)
        return
    show_table(("at", "who", "action", "to", "from"), map(_row, found))


def _wanted(
    accounts: Accounts,
    *,
    actor: str | None,
    action: str | None,
    object: str | None,  # noqa: A002 - as the option is called
    since: datetime | None,
    until: datetime | None,
) -> AuditWanted:
    return {
        "actor": None if actor is None else _actor(accounts, actor),
        "action": action,
        "object": object,
        "since": _instant(since),
        "until": _instant(until),
    }


def _instant(at: datetime | None) -> str | None:
    """A time that says no offset is local."""
    return None if at is None else at.astimezone().isoformat()


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
@_filters
@click.option(
    "-f", "--format", "wanted", type=click.Choice(["jsonl", "csv"]), help="By the file's ending if not given, or jsonl."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not given."
)
@json_flag
@pass_options
def export(options: Options, wanted: RowFormat | None, output: Path | None, **filters: Any) -> None:
    """Export what was done, the newest first, as lines of JSON or CSV.

    A file is replaced by a whole export or not at all.
    """
    file_format = wanted or ("csv" if output is not None and output.suffix.casefold() == ".csv" else "jsonl")
    with connected(options) as client:
        asked = _wanted(client.accounts, **filters)
        if output is None:
            client.accounts.export_audit(sys.stdout.buffer, asked, file_format=file_format)
            return
        with replacing(output) as beside:
            client.accounts.export_audit(beside.file, asked, file_format=file_format)
    if options.as_json:
        show_json({"path": str(output), "format": file_format})
    else:
        say(f"{output} is written")
