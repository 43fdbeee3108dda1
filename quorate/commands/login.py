"""`quorate login` and `quorate logout`: a key of one's own, kept for the platform that it is of."""

from contextlib import suppress

import click

from quorate import logins, stored_keys
from quorate.account_shapes import ROLES, NewKey
from quorate.connection import is_loopback
from quorate.errors import ApiError, QuorateError, UnreachableError
from quorate.exits import Exit
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import opened
from quorate.terminal import say, show, show_json

ENDED = {401, 403, 404}


@click.command()
@click.option("--name", type=TEXT, help="What the key is called; CLI on this machine if not given.")
@click.option(
    "--role", "roles", type=click.Choice(ROLES), multiple=True, help="Ask for this role; again for more; else for all."
)
@json_flag
@pass_options
def login(options: Options, name: str | None, roles: tuple[str, ...]) -> None:
    """Get a key by approving it on the page.

    Prints a link and waits. Open the link in any browser, on any machine, sign in, and approve. The key works for 90
    days, in the team that you chose on the page. It is kept in the system's key ring, else in a file that only you can
    read, and used from then on for this platform. A key that was kept before is revoked.
    """
    with opened(options, None, None) as client:
        begun = logins.begin(client.accounts, name or logins.default_name(), roles)
        if options.url.startswith("http:") and not is_loopback(options.url):
            say("This address is not https: whoever listens on the way can take the key.")
        say(f"Open this link, and approve if it shows {begun['user_code']}:")
        say(f"  {logins.address_of(options.url, begun['path'])}")
        say("Waiting, at most ten minutes ...")
        key, outcome = logins.wait_for_key(client.accounts, begun)
    place = _kept(options, key)
    user, team = outcome["user"], outcome["team"]
    if options.as_json:
        shown = {"id": key["id"], "roles": key["roles"], "expires_at": key["expires_at"]}
        show_json({"url": options.url, "user": user, "team": team, "key": shown, "kept_in": place})
    else:
        person, of_team = user["name"] if user else "", team["name"] if team else ""
        show(f"Signed in as {person}, for {of_team}: {', '.join(key['roles'])}. The key is kept in the {place}.")


def _kept(options: Options, key: NewKey) -> stored_keys.Place:
    """Keep the key in place of the one before, which is revoked. One that cannot be kept is revoked, too."""
    before = None
    with suppress(QuorateError):  # what cannot be read any more cannot be revoked from here
        before = stored_keys.find(options.url)
    try:
        place = stored_keys.keep(options.url, key["secret"])
    except (OSError, QuorateError):
        _revoke(options, key["secret"])
        raise
    if before is not None:
        with suppress(QuorateError):
            _revoke(options, before)
    return place


def _revoke(options: Options, key: str) -> None:
    """Revoke a key by itself. Raises QuorateError, but not for one that has ended."""
    with opened(options, None, key) as client:
        try:
            client.accounts.revoke_key(logins.key_id_of(key))
        except ApiError as error:
            if error.status not in ENDED:
                raise


@click.command()
@json_flag
@pass_options
def logout(options: Options) -> None:
    """Revoke the key that quorate login got, and forget it."""
    key = stored_keys.find(options.url)
    if key is None:
        say(f"there is no key for {options.url} here")
        return
    try:
        _revoke(options, key)
    except UnreachableError as error:
        stored_keys.forget(options.url)
        say(f"quorate: {options.url}: {error}")
        say(f"The key is forgotten here, but not revoked: revoke {logins.key_id_of(key)} on the page, under Account.")
        raise SystemExit(Exit.UNREACHABLE) from error
    stored_keys.forget(options.url)
    if options.as_json:
        show_json({"url": options.url, "revoked": logins.key_id_of(key)})
    else:
        show(f"Signed out of {options.url}: the key is revoked and forgotten.")
