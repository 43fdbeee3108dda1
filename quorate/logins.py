"""How a key is got without typing a secret: a person approves on the page, and the program waits for it."""

import socket
import time
from collections.abc import Callable, Iterator

from quorate.account_shapes import DeviceBegun, DeviceOutcome, NewKey
from quorate.accounts import Accounts
from quorate.errors import ApiError, QuorateError

LONGEST_PAUSE_S = 10.0
GROWTH = 1.25
LONGEST_WAIT_S = 900.0
GONE, NOT_FOUND = 410, 404

Sleep = Callable[[float], None]


def default_name() -> str:
    """What the key is called on the page, so that its owner knows it again."""
    return f"CLI on {socket.gethostname() or 'a machine'}"[:100]


def key_id_of(key: str) -> str:
    """The id within a key, by which it is revoked."""
    return key.split("_")[1]


def address_of(base_url: str, path: str) -> str:
    """A path of the page, as people open it."""
    return base_url.rstrip("/").removesuffix("/api") + path


def begin(accounts: Accounts, name: str, roles: tuple[str, ...]) -> DeviceBegun:
    """Raises QuorateError where nobody signs in there."""
    session = accounts.session()
    if session["auth"] == "off":
        raise QuorateError("authentication is off there: no key is needed, and --user says who calls")
    if session["needs_first_admin"]:
        raise QuorateError("nobody has an account there yet: open the link that the platform's start has printed")
    return accounts.ask_for_key(name, roles)  # pyright: ignore[reportArgumentType] - click has checked the roles


def wait_for_key(
    accounts: Accounts, begun: DeviceBegun, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.monotonic
) -> tuple[NewKey, DeviceOutcome]:
    """The key, once somebody has approved. Raises QuorateError where they refused, or nobody did in time."""
    until = clock() + LONGEST_WAIT_S
    for pause_s in _pauses(begun["interval_s"]):
        sleep(pause_s)
        outcome = _outcome(accounts, begun["device_code"])
        if outcome["key"] is not None:
            return outcome["key"], outcome
        if outcome["state"] == "refused":
            raise QuorateError("it was refused on the page: no key was given")
        if clock() > until:
            break
    raise QuorateError("nobody approved in time: begin again with quorate login")


def _outcome(accounts: Accounts, device_code: str) -> DeviceOutcome:
    try:
        return accounts.collect_key(device_code)
    except ApiError as error:
        if error.status == GONE:
            raise QuorateError("the code has expired, or its key was given already: begin again") from error
        raise


def _pauses(first_s: float) -> Iterator[float]:
    """Ever longer ones: whoever approves soon does not wait, and whoever does not costs little."""
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(LONGEST_PAUSE_S, GROWTH * pause_s)
