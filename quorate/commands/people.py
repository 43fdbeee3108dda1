"""`quorate people` and `quorate invite`: who is in the team of the key. They take an admin."""

import time
from unicodedata import normalize

import click

from quorate.account_shapes import ROLES, Erasure, Member, Role
from quorate.accounts import Accounts
from quorate.errors import QuorateError
from quorate.logins import address_of
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import show_table
from quorate.terminal import is_asked, plain, say, show, show_json

LOOK_S = 1.0
"""Between two looks at an erasure."""
ERASED = (
    "What goes, in all teams: their name, password, sign-in with a provider, roles, sessions, keys and preferences.",
    "What stays, under a random pseudonym: their votes and decisions, which count as before, and the audit of them.",
    "What stays as it is: the images that they uploaded, and what they wrote (names of tasks, instructions, reasons).",
)


@click.group()
def people() -> None:
    """List people of the team, change or remove them."""


@people.command("list")
@json_flag
@pass_options
def list_people(options: Options) -> None:
    """List the people of the team.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = list(client.accounts.people())
    if options.as_json:
        for person in found:
            show_json(person)
        return
    rows = ((p["id"], p["name"], ", ".join(p["roles"]), "yes" if p["is_active"] else "no") for p in found)
    show_table(("id", "name", "roles", "active"), rows)


@people.command("roles")
@click.argument("person", type=TEXT)
@click.argument("roles", type=click.Choice(ROLES), nargs=-1, required=True)
@json_flag
@pass_options
def set_roles(options: Options, person: str, roles: tuple[Role, ...]) -> None:
    """Give a person these roles in place of those they have.

    PERSON is a name or an id. They have to sign in again.
    """
    with connected(options) as client:
        changed = client.accounts.change_person(member(client.accounts, person)["id"], roles=roles)
    _show_changed(options, changed, f"{changed['name']} is now: {', '.join(changed['roles'])}")


@people.command("deactivate")
@click.argument("person", type=TEXT)
@json_flag
@pass_options
def deactivate(options: Options, person: str) -> None:
    """Let a person do nothing in the team for now."""
    with connected(options) as client:
        changed = client.accounts.change_person(member(client.accounts, person)["id"], is_active=False)
    _show_changed(options, changed, f"{changed['name']} may do nothing for now: see quorate people activate")


@people.command("activate")
@click.argument("person", type=TEXT)
@json_flag
@pass_options
def activate(options: Options, person: str) -> None:
    """Let a person work again who was deactivated."""
    with connected(options) as client:
        changed = client.accounts.change_person(member(client.accounts, person)["id"], is_active=True)
    _show_changed(options, changed, f"{changed['name']} is active: {', '.join(changed['roles'])}")


@people.command("remove")
@click.argument("person", type=TEXT)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_flag
@pass_options
def remove(options: Options, person: str, *, yes: bool) -> None:
    """Remove a person from the team, and their keys of it.

    What they did stays.
    """
    with connected(options) as client:
        found = member(client.accounts, person)
        if not yes:
            _show_person(found)
            _confirm("Remove them from the team?")
        client.accounts.remove_person(found["id"])
    if options.as_json:
        show_json({"removed": found["id"], "name": found["name"]})
    else:
        show(f"{found['name']} is removed from the team")


@people.command("erase")
@click.argument("person", type=TEXT)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Come back once every service has done it.")
@json_flag
@pass_options
def erase(options: Options, person: str, *, yes: bool, wait: bool) -> None:
    """Erase a person from the whole platform, for good.

    PERSON is a name or an id in the team of the key, which is the first team's. What they did stays, under a random
    pseudonym.
    """
    with connected(options) as client:
        found = member(client.accounts, person)
        if not yes:
            _show_person(found)
            for line in ERASED:
                say(line)
            _confirm(f"Erase {plain(found['name'])} for good?")
        erasure = client.accounts.erase_person(found["id"])
        if not options.as_json:
            show(f"{found['name']} is now {erasure['pseudonym']}")
        if wait:
            erasure = _wait_until_done(client.accounts, erasure)
    if options.as_json:
        show_json(erasure)


def _wait_until_done(accounts: Accounts, erasure: Erasure) -> Erasure:
    """Say of each service when it is done."""
    said: set[str] = set()
    while True:
        done = {service: at for service, at in erasure["done"].items() if at is not None}
        for service in sorted(done.keys() - said):
            say(f"{service}: done at {done[service]}")
        said |= done.keys()
        if said >= erasure["done"].keys():
            return erasure
        time.sleep(LOOK_S)
        listed = [one for one in accounts.erasures() if one["pseudonym"] == erasure["pseudonym"]]
        if not listed:
            raise QuorateError(f"{erasure['pseudonym']} is too old to be listed: it is not known how far it is")
        erasure = listed[0]


@people.command("erasures")
@json_flag
@pass_options
def list_erasures(options: Options) -> None:
    """List the people who were erased last, by their pseudonyms, and how far each service is.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = client.accounts.erasures()
    if options.as_json:
        for one in found:
            show_json(one)
        return
    services = list(found[0]["done"]) if found else []
    rows = (
        (one["pseudonym"], one["erased_at"], *(one["done"].get(name) or "under way" for name in services))
        for one in found
    )
    show_table(("pseudonym", "erased at", *services), rows)


def member(accounts: Accounts, wanted: str) -> Member:
    """The person with this name or id. Raises QuorateError."""
    for one in accounts.people():
        if one["id"] == wanted or folded(one["name"]) == folded(wanted):
            return one
    raise QuorateError(f"nobody in this team is called {wanted}: see quorate people list")


def folded(name: str) -> str:
    """A name as the platform compares names."""
    return normalize("NFC", normalize("NFC", name).strip().casefold())


def _show_changed(options: Options, changed: Member, text: str) -> None:
    if options.as_json:
        show_json(changed)
    else:
        show(text)


def _show_person(found: Member) -> None:
    say(f"{found['name']} ({', '.join(found['roles'])}), in the team since {found['created_at']}")


def _confirm(question: str) -> None:
    """Ends the command unless a person at a terminal says yes."""
    if not is_asked():
        raise click.UsageError("where no terminal is there to ask, --yes is needed")
    click.confirm(question, abort=True, err=True)


@click.group()
def invite() -> None:
    """Make, list or revoke links to the team."""


@invite.command("make")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    default=("operator",),
    help="What they may do; again for more; operator if not given.",
)
@json_flag
@pass_options
def make_invitation(options: Options, roles: tuple[Role, ...]) -> None:
    """Make a link for one person, and print it, this once.

    It works once, for seven days. The link is the only thing on standard output.
    """
    with connected(options) as client:
        made = client.accounts.invite(roles)
    link = address_of(options.url, made["url"])
    if options.as_json:
        show_json(made | {"link": link})
    else:
        say(f"{made['id']}: {', '.join(made['roles'])}, until {made['expires_at']}. It is shown this once:")
        show(link)


@invite.command("list")
@json_flag
@pass_options
def list_invitations(options: Options) -> None:
    """List the links that can still be used.

    With --json, one line of JSON each.
    """
    with connected(options) as client:
        found = client.accounts.invitations()
    if options.as_json:
        for one in found:
            show_json(one)
        return
    rows = ((i["id"], ", ".join(i["roles"]), i["created_at"], i["expires_at"]) for i in found)
    show_table(("id", "roles", "made at", "expires at"), rows)


@invite.command("revoke")
@click.argument("invitation", type=TEXT)
@json_flag
@pass_options
def revoke_invitation(options: Options, invitation: str) -> None:
    """Revoke the link with this id."""
    with connected(options) as client:
        client.accounts.withdraw(invitation)
    if options.as_json:
        show_json({"revoked": invitation})
    else:
        show(f"{invitation} is revoked")
