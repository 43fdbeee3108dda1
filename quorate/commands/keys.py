"""`quorate keys`: keys for programs."""

from datetime import UTC, datetime, timedelta

import click

from quorate.account_shapes import ROLES, Role
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import show_table
from quorate.terminal import say, show, show_json


@click.group()
def keys() -> None:
    """List, make or revoke keys."""


@keys.command("list")
@click.option("--team", is_flag=True, help="Those of all people of the team; takes an admin.")
@json_flag
@pass_options
def list_keys(options: Options, *, team: bool) -> None:
    """List keys.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        own = [] if team else client.accounts.keys()
        all_of_team = list(client.accounts.team_keys()) if team else []
    if options.as_json:
        for key in (*own, *all_of_team):
            show_json(key)
        return
    rows = [(None, key) for key in own] + [(key["person"]["name"], key) for key in all_of_team]
    columns = ("id", "name", *(("person",) if team else ()), "roles", "expires at", "last used")
    show_table(
        columns,
        (
            (k["id"], k["name"], *((who,) if team else ()), ", ".join(k["roles"]), k["expires_at"], k["used_at"])
            for who, k in rows
        ),
    )


@keys.command("make")
@click.argument("name", type=TEXT)
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    help="What it may do; again for more; else all of yours.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="For how many days it works; until revoked if not given.")
@json_flag
@pass_options
def make_key(options: Options, name: str, roles: tuple[Role, ...], days: int | None) -> None:
    """Make a key for a program, and print it, this once.

    NAME says what it is for. The key is the only thing on standard output.
    """
    expires_at = None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()
    with connected(options) as client:
        made = client.accounts.make_key(name, roles, expires_at)
    if options.as_json:
        show_json(made)
    else:
        say(f"{made['id']}: {', '.join(made['roles'])}. It is shown this once:")
        show(made["secret"])


@keys.command("revoke")
@click.argument("key", type=TEXT)
@click.option("--team", is_flag=True, help="A key of anybody in the team; takes an admin.")
@json_flag
@pass_options
def revoke_key(options: Options, key: str, *, team: bool) -> None:
    """Revoke the key with this id."""
    with connected(options) as client:
        (client.accounts.revoke_team_key if team else client.accounts.revoke_key)(key)
    if options.as_json:
        show_json({"revoked": key})
    else:
        show(f"{key} is revoked")
