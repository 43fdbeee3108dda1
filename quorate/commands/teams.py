"""`quorate teams`: one's own, and new ones."""

import click

from quorate.logins import address_of
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import show_table
from quorate.terminal import say, show, show_json


@click.group()
def teams() -> None:
    """List your teams, or make one."""


@teams.command("list")
@json_flag
@pass_options
def list_teams(options: Options) -> None:
    """List the teams that you are a member of.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = client.accounts.teams()
    if options.as_json:
        for team in found:
            show_json(team)
    else:
        show_table(("id", "name"), ((team["id"], team["name"]) for team in found))


@teams.command("make")
@click.argument("name", type=TEXT)
@click.option("--invite", is_flag=True, help="Also make a link for the person who will be its admin.")
@json_flag
@pass_options
def make_team(options: Options, name: str, *, invite: bool) -> None:
    """Make a team, of which you are an admin.

    Takes an admin of the first team. A key is for one team: to act for the new one, choose it on the page, and use
    quorate login again.
    """
    with connected(options) as client:
        made = client.accounts.make_team(name, invite=invite)
    link = made["invitation_url"] and address_of(options.url, made["invitation_url"])
    if options.as_json:
        show_json(made | {"link": link})
        return
    say(f"{made['name']} is made: {made['id']}")
    if link:
        say("The link for its admin works once, for seven days. It is shown this once:")
        show(link)
