"""Advisories of Label Studio and CVAT about accounts: who is known, by what, and what people make of themselves."""

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import ValidationError

from embedded import data_dir
from embedded.signing_keys import signing_keys
from services.detector.app import PrelabelerSettings
from services.subtask_manager.settings import SubtaskManagerSettings
from services.task_manager.settings import TaskManagerSettings
from shared.errors import Unauthenticated
from shared.identity.authenticator import ACCESS_COOKIE, SESSION_COOKIE
from shared.identity.tokens import AUDIENCE, ISSUER, TYPE, Claims, Signer, new_key
from shared.objects.filesystem import FilesystemObjectStore
from tests.service.accounts_world import PASSWORD, Browser, World, begun
from tests.service.processes import Server
from tests.service.running import Api, assert_problem, running

PUBLISHED_KEY = "$(fefwefwef13;LFK{P!)@#*!)kdsjfWF2l+i5e3t(8a1n"
"""The key that Label Studio was installed with."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("advisories"), auth="on") as server:
        yield begun(server)


async def test_cve_2023_43791_no_key_is_known_beforehand(tmp_path: Path):
    """Sessions were signed with a key in the source; here each install makes its own, and no other opens anything."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert data_dir.secret(ours) != data_dir.secret(theirs)
    now = time.time()
    keys, others = signing_keys(ours, now), signing_keys(theirs, now)
    assert keys.key["d"] != others.key["d"]
    admin = Claims(person="a", name="Ann", team="first", roles=("admin",), session="s", epoch=0, expires_at=now + 600)
    assert keys.verifier.verified(keys.signer.token(admin, now), now) == admin
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "name": "Ann", "team": "first", "roles": ["admin"], "sid": "s"}
    said |= {"iat": int(now), "exp": now + 600}
    kid = keys.key["kid"]
    forged = [
        others.signer.token(admin, now),
        Signer(new_key(kid)).token(admin, now),
        *(
            jwt.encode({"alg": "HS256", "typ": TYPE, "kid": kid}, said, OctKey.import_key(key), algorithms=["HS256"])
            for key in (PUBLISHED_KEY, keys.key["x"])
        ),
        f"{_encoded({'alg': 'none', 'typ': TYPE, 'kid': kid})}.{_encoded(said)}.",
    ]
    async with running(ours, auth="on") as api:
        for token in forged:
            with pytest.raises(Unauthenticated):
                keys.verifier.verified(token, now)
            for headers in ({"Cookie": f"{ACCESS_COOKIE}={token}"}, {"Authorization": f"Bearer {token}"}):
                assert_problem(await api.http.get("/api/me", headers=headers), 401)


def _encoded(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


async def test_cve_2023_43791_addresses_of_pictures_are_signed_by_this_install(api: Api, tmp_path: Path):
    """The same key signed for every install; here the address of a picture is good where it was signed."""
    task_id, _ = await api.task_with(1)
    [image] = await api.results(task_id)
    key = re.sub(r"^.*/objects/|\?.*$", "", image["image_url"])
    for root, status in ((api.folder, 200), (tmp_path / "theirs", 404)):
        store = FilesystemObjectStore(root, data_dir.secret(root), url_lifetime_s=3600, cache_bytes=0)
        assert (await api.http.get(store.url(key, now=time.time()))).status_code == status


@pytest.mark.parametrize("settings", [TaskManagerSettings, SubtaskManagerSettings, PrelabelerSettings])
def test_cve_2023_43791_nothing_starts_without_its_secrets(settings, monkeypatch):
    """The key had a default; here no secret of a setting has one."""
    for name in ("AMQP_URL", "MONGO_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.delenv(f"QUORATE_{name}", raising=False)
    with pytest.raises(ValidationError) as caught:
        settings()
    missing = {error["loc"][0] for error in caught.value.errors() if error["type"] == "missing"}
    assert {name for name in missing if "key" in str(name) or "url" in str(name)} >= {"s3_secret_key", "amqp_url"}


def test_cve_2023_47117_nobody_is_told_more_of_people(world: World):
    """Answers of lists could be made to say the hash of a password; here a person is told by these fields alone."""
    pam = world.join("Pam", "client")
    world.key(pam)
    [shown] = [one for one in world.ann.get("/api/users")["items"] if one["name"] == "Pam"]
    assert set(shown) == {"id", "name", "roles", "is_active", "created_at"}
    assert set(pam.get("/api/me")["user"]) == {"id", "name", "roles"}
    for path in ("/api/users", "/api/admin/keys", "/api/admin/audit", "/api/invitations", "/api/me", "/api/session"):
        text = world.ann.ask("GET", path).text.replace("has_password", "")  # whether there is one
        assert not re.search("password|argon2|digest|secret|hash", text), path


def test_cve_2026_22033_no_token_is_told_again(world: World):
    """A script read the caller's token from the API; here a key is told once, and cookies are hidden from scripts."""
    ida = world.join("Ida", "client")
    _, program = world.key(ida)
    hidden = (program.key, ida.cookies[SESSION_COOKIE], ida.cookies[ACCESS_COOKIE])
    for path in ("/api/me", "/api/session", "/api/me/keys", "/api/me/preferences", "/api/teams"):
        for caller in (ida, program):
            told = caller.ask("GET", path)
            assert [one for one in hidden if one in told.text or one.rpartition(".")[2] in told.text] == [], path
    again = Browser(world.server.url)
    again.made("/api/sessions", {"name": "Ida", "password": PASSWORD})
    assert len(again.set_cookies) == 2
    assert all("httponly" in one.lower() for one in again.set_cookies)


def test_cve_2025_54573_who_is_blocked_is_so_by_every_scheme(world: World):
    """Basic auth went past what the sign-in checked; here one place knows callers, and basic auth nobody."""
    joe = world.join("Joe", "client")
    _, program = world.key(joe)
    basic = "Basic " + base64.b64encode(f"Joe:{PASSWORD}".encode()).decode()
    token = joe.cookies[ACCESS_COOKIE]
    never = ({"Authorization": basic}, {"Authorization": f"Token {program.key}"}, {"Authorization": program.key},
             {"Cookie": f"{ACCESS_COOKIE}={program.key}"}, {"X_Api_Key": program.key})  # fmt: skip
    schemes = (
        {"Authorization": f"Bearer {program.key}"},
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"{ACCESS_COOKIE}={token}"},
    )
    stranger = Browser(world.server.url)
    for headers in never:
        assert_problem(stranger.ask("GET", "/api/me", **headers), 401)
    for headers in schemes:
        assert stranger.ask("GET", "/api/me", **headers).status_code == 200
    assert world.ann.ask("PATCH", f"/api/users/{joe.id}", {"is_active": False}).status_code == 200
    until = time.monotonic() + 1  # within a second
    for headers in schemes:
        while stranger.ask("GET", "/api/me", **headers).status_code != 401:
            assert time.monotonic() < until
            time.sleep(0.05)
    for headers in (*schemes, *never):
        assert_problem(stranger.ask("GET", "/api/me", **headers), 401)
    assert_problem(joe.ask("POST", "/api/sessions/refresh"), 401)
    assert_problem(stranger.ask("POST", "/api/sessions", {"name": "Joe", "password": PASSWORD}), 401)


def test_cve_2026_23526_nobody_makes_themselves_more(world: World):
    """Staff could make themselves superusers; here nobody changes themselves, and only admins change others."""
    kay, lou = world.join("Kay", "client", "operator", "adjudicator"), world.join("Lou", "admin")
    kay_id, lou_id = kay.id, lou.id
    _, program = world.key(kay)
    everything = ["client", "operator", "adjudicator", "admin"]
    for caller in (kay, program):
        for method, path, body in (
            ("PATCH", f"/api/users/{kay_id}", {"roles": everything}),
            ("PATCH", f"/api/users/{lou_id}", {"roles": ["client"]}),
            ("POST", "/api/invitations", {"roles": ["admin"]}),
            ("POST", "/api/teams", {"name": "Mine"}),
        ):
            assert_problem(caller.ask(method, path, body), 403)
        assert_problem(caller.ask("POST", "/api/me/keys", {"name": "more", "roles": ["admin"]}), 422)
    assert_problem(lou.ask("PATCH", f"/api/users/{lou_id}", {"roles": everything}), 403)
    for field in ({"is_superuser": True}, {"is_staff": True}, {"team": "first"}, {"id": "x"}):
        assert_problem(lou.ask("PATCH", f"/api/users/{kay_id}", {"roles": ["client"]} | field), 422)
    link = lou.made("/api/invitations", {"roles": ["operator"]})["url"].removeprefix("/link#")
    account = {"token": link, "name": "Max", "password": PASSWORD}
    assert_problem(Browser(world.server.url).ask("POST", "/api/sessions/link", account | {"roles": everything}), 422)
    max_ = Browser(world.server.url)
    assert max_.made("/api/sessions/link", account)["user"]["roles"] == ["operator"]
    assert kay.get("/api/me")["user"]["roles"] == ["client", "operator", "adjudicator"]
    assert lou.get("/api/me")["user"]["roles"] == ["admin"]


def test_cve_2026_23526_a_teams_admin_is_nobody_elsewhere(world: World):
    """A small right became all of them; here an admin of a team neither runs the platform nor another team."""
    ola_id = world.join("Ola", "client").id
    team = world.ann.made("/api/teams", {"name": "Second"})
    ann = world.sign_in("Ann")
    ann.made("/api/sessions/team", {"team": team["id"]})
    ned = world.join("Ned", "admin", by=ann)
    for method, path, body in (
        ("POST", "/api/teams", {"name": "Third"}),
        ("GET", "/api/admin/dead", None),
        ("GET", "/api/admin/status", None),
    ):
        assert_problem(ned.ask(method, path, body), 403)
    assert_problem(ned.ask("POST", "/api/sessions/team", {"team": "first"}), 404)
    assert_problem(ned.ask("PATCH", f"/api/users/{ola_id}", {"roles": ["admin"]}), 404)
