"""`quorate operators`: who may label a task."""

import click

from quorate.client import Client
from quorate.commands.people import folded
from quorate.errors import ApiError, QuorateError
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.shapes import InvitedChange, Task
from quorate.tables import show_table
from quorate.terminal import show, show_json

NOT_FOUND = 404


@click.group()
def operators() -> None:
    """Say who may label a task, or list them."""


@operators.command("list")
@click.argument("task", type=TEXT)
@json_flag
@pass_options
def list_operators(options: Options, task: str) -> None:
    """List the operators who were invited to a task.

    With --json, the list of their ids; null where all operators of the team may label the task.
    """
    with connected(options) as client:
        invited = client.task(task)["operators"]
        names = (None if invited is None or options.as_json else names_of(client)) or {}
    if options.as_json:
        show_json(invited)
    elif invited is None:
        show("all operators of the team may label it")
    else:
        show_table(("id", "name"), ((one, names.get(one)) for one in invited))


@operators.command("invite")
@click.argument("task", type=TEXT)
@click.argument("people", type=TEXT, nargs=-1, required=True)
@json_flag
@pass_options
def invite(options: Options, task: str, people: tuple[str, ...]) -> None:
    """Invite operators to a task: from now on only those who were invited may label it.

    PEOPLE are names or ids.
    """
    with connected(options) as client:
        changed = client.invite(task, {"only_invited": True, "invite": ids_of(client, people)})
    _show(options, changed)


@operators.command("uninvite")
@click.argument("task", type=TEXT)
@click.argument("people", type=TEXT, nargs=-1, required=True)
@json_flag
@pass_options
def uninvite(options: Options, task: str, people: tuple[str, ...]) -> None:
    """Let operators label a task no longer; what they voted stays."""
    with connected(options) as client:
        change: InvitedChange = {"uninvite": ids_of(client, people, invited=client.task(task)["operators"] or ())}
        changed = client.invite(task, change)
    _show(options, changed)


@operators.command("all")
@click.argument("task", type=TEXT)
@json_flag
@pass_options
def let_all(options: Options, task: str) -> None:
    """Let all operators of the team label a task; who was invited is forgotten."""
    with connected(options) as client:
        changed = client.invite(task, {"only_invited": False})
    _show(options, changed)


def names_of(client: Client) -> dict[str, str] | None:
    """The names of the team's operators by their ids; None where authentication is off, for there a name is the id."""
    try:
        return {one["id"]: one["name"] for one in client.accounts.operators()}
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def ids_of(client: Client, people: tuple[str, ...], invited: list[str] | tuple[str, ...] = ()) -> list[str]:
    """The ids of operators who are given by name or id. `invited`: ids that may be of people who left. Raises
    QuorateError."""
    names = names_of(client)
    return list(people) if names is None else [_id_of(names, one, invited) for one in people]


def _id_of(names: dict[str, str], wanted: str, invited: list[str] | tuple[str, ...]) -> str:
    if wanted in names or wanted in invited:
        return wanted
    for operator, name in names.items():
        if folded(name) == folded(wanted):
            return operator
    raise QuorateError(f"no operator of this team is called {wanted}: see quorate people list")


def _show(options: Options, changed: Task) -> None:
    if options.as_json:
        show_json(changed)
    elif changed["operators"] is None:
        show("all operators of the team may label it")
    else:
        show(f"{len(changed['operators'])} invited: see quorate operators list {changed['id']}")
