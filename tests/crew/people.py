"""People with accounts: each of the crew is a person with a key, which is replaced while they work. The admin's browser
goes by a session and its tokens, and the key that signs those is replaced, too."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import httpx

from quorate.errors import QuorateError
from shared.identity.authenticator import ACCESS_COOKIE
from tests.service.accounts_world import PASSWORD, Browser

ROLES = ("client", "operator", "adjudicator", "admin")
ROUTES = ("/api/tasks", "/api/me")
"""Of the task manager and of the subtask manager: each knows callers alone."""
TOKEN_ROUTES = (*ROUTES, "/api/me/keys")
"""Of the accounts service as well: its replicas verify each other's tokens."""
HEARD_S = 20.0
"""However loaded a machine is, what was told is known by then."""
OVERLAP_S = 2.0
"""So long both keys are good: what was sent with the old one arrives."""
REFUSALS = 6
"""In a row: each request meets another replica."""
LOOK_S = 0.02
UNAUTHENTICATED = 401


class NotHeard(Exception):
    """A service does not know what it was told."""


class People:
    """Persons of a platform, their keys, and how long it took until a revoked one was refused everywhere.

    signing_keys_replaced: how often. tokens_shown: how often a token was shown that had to be taken.
    """

    def __init__(self, url: str, links: Sequence[str]) -> None:
        self.url = url
        self.refused_after_s: list[float] = []
        self.signing_keys_replaced = 0
        self.tokens_shown = 0
        self._keys: dict[str, tuple[str, str]] = {}
        self._admin = _first_admin(url, links)

    def join(self, name: str) -> None:
        """A new person with all roles, and a key; the services know it when this returns."""
        invitation = self._admin.made("/api/invitations", {"roles": list(ROLES)})
        browser = Browser(self.url)
        token = invitation["url"].partition("#")[2]
        browser.made("/api/sessions/link", {"token": token, "name": name, "password": PASSWORD})
        made = browser.made("/api/me/keys", {"name": "crew"})
        self._await(_bearer(made["secret"]), is_good=True)
        self._keys[name] = made["id"], made["secret"]

    def transport(self, name: str) -> httpx.BaseTransport:
        """Sends requests with the key that the person has at that moment."""
        return _Keyed(self.url, lambda: self._keys[name][1])

    def replace_a_key(self, chance: random.Random) -> None:
        """Somebody makes a new key, goes on with it, and revokes the old one. Raises NotHeard where that is accepted
        any longer."""
        name = chance.choice(sorted(self._keys))
        old_id, old = self._keys[name]
        made = self._ask("POST", "/api/me/keys", old, {"name": "crew"})
        self._await(_bearer(made.json()["secret"]), is_good=True)
        self._keys[name] = made.json()["id"], made.json()["secret"]
        time.sleep(OVERLAP_S)
        self._ask("DELETE", f"/api/me/keys/{old_id}", self._keys[name][1])
        revoked_at = time.monotonic()
        self.refused_after_s.append(self._await(_bearer(old), is_good=False) - revoked_at)

    def replace_signing_key(self, replace: Callable[[], None]) -> None:
        """Another key signs tokens, while one of before goes on being shown. Raises NotHeard where a token is refused
        that is good."""
        before = self._token()
        with self._shown(before):
            replace()
            self._await(_cookie(before), is_good=True, routes=TOKEN_ROUTES)
            after = self._token()
            if before.partition(".")[0] == after.partition(".")[0]:
                raise NotHeard("the same key as before signs tokens")
            with self._shown(after):
                self._await(_cookie(after), is_good=True, routes=TOKEN_ROUTES)
        self.signing_keys_replaced += 1

    def _token(self) -> str:
        """A new token of the admin's session, however often it has to be asked for."""
        deadline = time.monotonic() + HEARD_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = self._admin.ask("POST", "/api/sessions/refresh")
                if answer.is_success:
                    return self._admin.cookies[ACCESS_COOKIE]
                if answer.status_code == UNAUTHENTICATED:
                    raise NotHeard("a session was refused")
            if time.monotonic() > deadline:
                raise QuorateError("no token was given")
            time.sleep(5 * LOOK_S)

    @contextlib.contextmanager
    def _shown(self, token: str) -> Iterator[None]:
        """A token that is shown again and again by somebody else. Raises NotHeard where it is refused once."""
        ended, refused = threading.Event(), list[str]()

        def show() -> None:
            while not ended.is_set():
                for path in TOKEN_ROUTES:
                    status = _answer(self.url + path, _cookie(token))
                    self.tokens_shown += status is not None
                    if status == UNAUTHENTICATED:
                        refused.append(path)
                ended.wait(LOOK_S)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(HEARD_S)
        if refused:
            raise NotHeard(f"a good token was refused {len(refused)} times, first at {refused[0]}")

    def _await(self, shown: Mapping[str, str], *, is_good: bool, routes: Sequence[str] = ROUTES) -> float:
        """Until every service has taken what is shown, or refused it, several times in a row; returns since when it is
        so."""
        since = time.monotonic()
        deadline = since + HEARD_S
        in_a_row = 0
        while in_a_row < REFUSALS:
            answers = [_answer(self.url + path, shown) for path in routes]
            is_so = all((status == UNAUTHENTICATED) is not is_good and status is not None for status in answers)
            in_a_row = in_a_row + 1 if is_so else 0
            since = since if is_so else time.monotonic()
            if not is_so and time.monotonic() > deadline:
                raise NotHeard(f"{HEARD_S:.0f} s after it was {'made' if is_good else 'revoked'}: {answers}")
            time.sleep(LOOK_S)
        return since

    def _ask(self, method: str, path: str, key: str, body: object = None) -> httpx.Response:
        """The answer, however often it has to be asked for; what was done already is answered with 404."""
        deadline = time.monotonic() + HEARD_S
        while True:
            try:
                answer = httpx.request(method, self.url + path, json=body, headers=_bearer(key), timeout=HEARD_S)
                if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
                    return answer
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise QuorateError(f"{method} {path} was not answered")
            time.sleep(5 * LOOK_S)


class _Keyed(httpx.BaseTransport):
    """Shows the key to the platform, and to nobody else."""

    def __init__(self, url: str, key: Callable[[], str]) -> None:
        self._url = httpx.URL(url)
        self._key = key
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("X-Quorate-User", None)
        if (request.url.host, request.url.port) == (self._url.host, self._url.port):
            request.headers.update(_bearer(self._key()))
        return self._real.handle_request(request)

    def close(self) -> None:
        self._real.close()


def _first_admin(url: str, links: Sequence[str]) -> Browser:
    """Each replica of the accounts service printed a link; the newest counts."""
    for link in links:
        browser = Browser(url)
        taken = browser.ask("POST", "/api/sessions/link", {"token": link, "name": "root", "password": PASSWORD})
        if taken.is_success:
            return browser
    raise NotHeard(f"none of {len(links)} links makes the first admin")


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{ACCESS_COOKIE}={token}"}


def _answer(url: str, shown: Mapping[str, str]) -> int | None:
    """The status; None where there was no answer, or one that says nothing of what was shown."""
    try:
        status = httpx.get(url, headers=dict(shown), timeout=5.0, verify=False).status_code
    except httpx.TransportError:
        return None
    return None if status >= httpx.codes.INTERNAL_SERVER_ERROR else status
