"""The distributed platform with accounts as tests drive it: its replicas, its first admin, and what is soon so."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo

from deploy.local import env_file, identity
from deploy.local.errors import ServerNotInstalled
from deploy.local.gateway import Gateway
from deploy.local.packages import need as need_program
from deploy.local.platform import Platform, Replica
from loadtest import samples
from tests import servers
from tests.service.accounts_world import PASSWORD, Browser, Program
from tests.service.oidc_world import ROLES, SECRET, OpenIdProvider

LINK = re.compile(r'/link[/#]([^\s"]+)')
ROUTES = ("/api/tasks", "/api/me", "/api/admin/audit", "/api/webhooks", "/api/models")
"""Of the task manager, the subtask manager, the accounts service, the notifier, and the detector."""
IN_A_ROW = 8
"""Each request meets another replica."""
PATIENCE_S = 30.0
"""Far more than the second that it takes on a machine that does nothing else."""
ERASED_S = 240.0
"""Far more than it takes to go through everything, of other tests too, that the database holds."""
REPLICAS = 2


@contextmanager
def platform_with(folder: Path, provider: OpenIdProvider) -> Iterator[Platform]:
    """A platform whose people sign in with a provider, or by password; skipped where a server is missing."""
    for name in servers.NAMES:
        servers.need(name)
    try:
        need_program(Gateway)
    except ServerNotInstalled as lack:
        servers.lacks(str(lack))
    environment = env_file.read(servers.ENV_FILE.parent)
    with pymongo.MongoClient(environment["QUORATE_MONGO_URL"]) as client:
        client.drop_database("quorate_accounts")  # so that it starts for the first time
    made = Platform(
        folder=folder / "platform",
        environment=environment,
        settings=identity.settings() | _oidc(folder, environment, provider),
        replicas=REPLICAS,
        model=samples.write_model(folder / "model"),
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _oidc(folder: Path, environment: dict[str, str], provider: OpenIdProvider) -> dict[str, str]:
    told = {
        "PUBLIC_URL": Platform(folder=folder / "platform", environment=environment).gateway().url,
        "OIDC_ISSUER": provider.url,
        "OIDC_CLIENT_ID": "quorate",
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_NAME": "Example",
        "OIDC_ROLES": json.dumps(ROLES),
        "OIDC_NETWORKS": "127.0.0.0/8",
    }
    return {f"QUORATE_{name}": value for name, value in told.items()}


def first_admin(platform: Platform) -> Browser:
    """The browser of the first admin. Each replica of the accounts service printed a link; the newest counts."""
    browser = Browser(platform.gateway().url)
    printed = [link for one in of(platform, "accounts") for link in LINK.findall(one.process.log.read_text())]
    taken = {"name": "Ann", "password": PASSWORD}
    answers = [browser.ask("POST", "/api/sessions/link", {"token": one, **taken}).status_code for one in printed]
    assert sorted(answers) == [200, 410]
    return browser


def of(platform: Platform, service: str) -> list[Replica]:
    return [member for member in platform.members() if member.service == service]


def soon(is_so: Callable[[], bool], times: int = IN_A_ROW, *, within_s: float = PATIENCE_S) -> bool:
    """Whether it comes to be so, and stays so; `times`: how often in a row."""
    until = time.monotonic() + within_s
    while not all(is_so() for _ in range(times)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def key(browser: Browser, *roles: str) -> tuple[str, Program]:
    made = browser.made("/api/me/keys", {"name": "ci", "roles": list(roles)})
    return made["id"], Program(browser.url, made["secret"])


def answers(program: Program | Browser) -> set[int]:
    """By all services: each request meets another replica."""
    return {program.ask("GET", path).status_code for path in ROUTES for _ in range(REPLICAS)}


def killed(replicas: list[Replica]) -> None:
    for replica in replicas:
        replica.process.kill()
        replica.start()
        replica.await_ready()


def seconds_until(is_so: Callable[[], bool]) -> float:
    """How long it took until it was so, and stayed so; the looks themselves count, too."""
    begun = time.monotonic()
    while True:
        since = time.monotonic()
        if all(is_so() for _ in range(REPLICAS)):
            return since - begun
        assert time.monotonic() < begun + PATIENCE_S
