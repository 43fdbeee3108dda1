"""A platform that knows its callers, as its people use it: over HTTP, with cookies as a browser keeps them."""

import re
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

import httpx

from tests.service.processes import Server

PASSWORD = "correct horse"
TIMEOUT_S = 90.0
"""A bound for a busy machine, never a measure."""
LINK = re.compile(r'Make the first admin: http://[^/]+/link#([^\s"]+)')


def first_link(server: Server) -> str | None:
    """The token of the link that the start printed."""
    found = LINK.search(server._said.read_text())
    return found and found[1]


@dataclass
class Browser:
    """Somebody's browser: it sends back the cookies that it was given, and the page's header."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        sent = {"X-Quorate-Request": "1"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {name: value for name, value in sent.items() if value}
        answer = httpx.request(
            method,
            self.url + path,
            headers=sent,
            timeout=TIMEOUT_S,
            verify=False,
            **({} if body is None else {"json": body}),
        )
        self.set_cookies = answer.headers.get_list("set-cookie")
        for one in self.set_cookies:
            for name, morsel in SimpleCookie(one).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, path: str) -> dict:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def made(self, path: str, body: object) -> dict:
        answer = self.ask("POST", path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    @property
    def id(self) -> str:
        return self.get("/api/session")["user"]["id"]


@dataclass
class Program:
    """A program of somebody's, with a key."""

    url: str
    key: str

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(
            method,
            self.url + path,
            headers=sent,
            timeout=TIMEOUT_S,
            verify=False,
            **({} if body is None else {"json": body}),
        )


@dataclass
class World:
    """A platform, and the browser of its first admin, Ann."""

    server: Server
    ann: Browser

    def join(self, name: str, *roles: str, by: Browser | None = None) -> Browser:
        """A new person of a team, invited by an admin of it."""
        invitation = (by or self.ann).made("/api/invitations", {"roles": list(roles)})
        browser = Browser(self.server.url)
        token = invitation["url"].removeprefix("/link#")
        browser.made("/api/sessions/link", {"token": token, "name": name, "password": PASSWORD})
        return browser

    def sign_in(self, name: str, password: str = PASSWORD) -> Browser:
        browser = Browser(self.server.url)
        browser.made("/api/sessions", {"name": name, "password": password})
        return browser

    def key(self, browser: Browser, **wanted: object) -> tuple[str, Program]:
        made = browser.made("/api/me/keys", {"name": "ci"} | wanted)
        return made["id"], Program(self.server.url, made["secret"])


def begun(server: Server) -> World:
    """The world after its first admin came."""
    ann = Browser(server.url)
    ann.made("/api/sessions/link", {"token": first_link(server), "name": "Ann", "password": PASSWORD})
    return World(server, ann)


def assert_refused(program: Program) -> None:
    """Its key is refused within a second."""
    until = time.monotonic() + 1.0
    while program.ask("GET", "/api/me").status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.05)
