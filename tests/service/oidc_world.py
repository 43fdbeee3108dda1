"""A real OpenID provider as a process of its own, and a platform whose people sign in with it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from loadtest.platform_process import free_port
from tests.service.accounts_world import Browser
from tests.service.processes import Server

START_S = 30.0
SECRET = "the secret of this client"
ROLES = {
    "labelers": {"first": ["operator"]},
    "leads": {"first": ["client", "adjudicator"]},
    "chiefs": {"first": ["admin"]},
    "ghosts": {"no such team": ["admin"]},
}


@dataclass
class OpenIdProvider:
    """The provider, and the people whom it knows."""

    url: str

    def knows(self, subject: str, **claims: object) -> None:
        assert httpx.put(f"{self.url}/users/{quote(subject)}", json=claims).status_code == 204

    def signs_in(self, subject: str, address: str) -> dict[str, str]:
        """What the browser is sent back with after somebody signed in at the provider."""
        return self._decides(address, {"sub": subject})

    def refuses(self, address: str) -> dict[str, str]:
        return self._decides(address, {"action": "deny"})

    def _decides(self, address: str, form: dict[str, str]) -> dict[str, str]:
        assert httpx.get(address).status_code == 200
        sent = httpx.post(address, data=form, follow_redirects=False)
        assert sent.status_code == 302, sent.text
        back = urlsplit(sent.headers["location"])
        assert back.path == "/sign-in/return"
        return {name: value for name, [value] in parse_qs(back.query).items()}


@contextmanager
def open_id_provider(folder: Path) -> Iterator[OpenIdProvider]:
    port = free_port()
    command = [sys.executable, "-P", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})
    provider = OpenIdProvider(f"http://127.0.0.1:{port}")
    try:
        _wait_for(provider.url, process)
        yield provider
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{url}/.well-known/openid-configuration").raise_for_status()
        except httpx.HTTPError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


def server_with(folder: Path, provider: OpenIdProvider, **settings: object) -> Server:
    """A platform whose people sign in with the provider, or by password."""
    server = Server(
        folder,
        auth="on",
        log_level="debug",
        oidc_issuer=provider.url,
        oidc_client_id="quorate",
        oidc_client_secret=SECRET,
        oidc_name="Example",
        oidc_roles=json.dumps(ROLES),
        oidc_networks="127.0.0.0/8",
        **settings,
    )
    server._settings.setdefault("public_url", server.url)
    return server


def leave(browser: Browser) -> str:
    """Where the browser is sent to sign in."""
    return browser.made("/api/sessions/oidc", None)["url"]


def come_back(browser: Browser, answer: dict[str, str]) -> httpx.Response:
    wanted = {name: answer[name] for name in ("code", "state", "iss") if name in answer}
    return browser.ask("POST", "/api/sessions/oidc/return", wanted)


def sign_in(server: Server, provider: OpenIdProvider, subject: str) -> tuple[Browser, httpx.Response]:
    browser = Browser(server.url)
    return browser, come_back(browser, provider.signs_in(subject, leave(browser)))


def said(server: Server) -> str:
    return re.sub(r"\s+", " ", server._log.read_text())
