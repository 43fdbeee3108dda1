"""`quorate operators`: who may label a task, and how they vote."""

from collections.abc import Mapping, Sequence

import click

from quorate.client import Client
from quorate.commands.people import folded
from quorate.consensus_shapes import OperatorFound, PairFound
from quorate.errors import ApiError, QuorateError
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.shapes import InvitedChange, Task
from quorate.tables import show_table
from quorate.terminal import show, show_json

NOT_FOUND = 404
REPORT = (
    "operator",
    "votes",
    "7 days",
    "per minute",
    "agreement",
    "unsure",
    "commonest label",
    "share",
    "longest run",
    "last vote",
    "flags",
)
PAIRS = ("one", "other", "images of both", "alike", "off", "alike there")


@click.group()
def operators() -> None:
    """Say who may label a task, or how they vote."""


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


@operators.command("report")
@click.option("--last", is_flag=True, help="As they were counted last, without counting anew.")
@json_flag
@pass_options
def report(options: Options, last: bool) -> None:  # noqa: FBT001 - click's signature
    """Show how the team's operators vote, and what is unusual. It takes an admin.

    Nothing follows from a flag: it is for a person to look at.
    """
    with connected(options) as client:
        found = client.consensus.operators() if last else client.consensus.count_operators()
        names = {} if options.as_json else names_of(client)
    if found["state"] == "failed" and not last:
        raise QuorateError(f"the operators' votes could not be counted: {found['why']}")
    if options.as_json:
        show_json(found)
        return
    if found["as_of"] is None:
        show("they were never counted: leave out --last")
        return
    show_table(REPORT, (_row(one, names or {}) for one in found["items"]))
    unusual = [pair for pair in found["pairs"] if pair["flags"]]
    if unusual:
        show("pairs who are alike where others differ:")
        show_table(PAIRS, (_pair_row(pair, names or {}) for pair in unusual))


def _row(one: OperatorFound, names: Mapping[str, str]) -> Sequence[object]:
    return (
        names.get(one["operator"], one["operator"]),
        one["votes"],
        one["votes_7d"],
        one["pace_per_minute"],
        _share(one["agreement"]),
        _share(one["unsure_share"]),
        one["commonest_label"],
        _share(one["commonest_share"]),
        one["longest_run"],
        one["last_vote_at"],
        ", ".join(one["flags"]),
    )


def _pair_row(pair: PairFound, names: Mapping[str, str]) -> Sequence[object]:
    first, second = (names.get(one, one) for one in pair["operators"])
    return (first, second, pair["common"], pair["alike"], pair["off"], pair["off_alike"])


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"
