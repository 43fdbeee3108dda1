"""Commands about keys, people and teams, and whose key a command uses."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from quorate import logins, stored_keys
from quorate.commands import people
from tests.unit.cli_runs import always, run

KEY = "qk_aaaaaaaaaaaa_" + "b" * 38
STORED = "qk_cccccccccccc_" + "d" * 38
BEGUN = {
    "user_code": "BCDF-GHJK",
    "device_code": "BCDFGHJK~s",
    "path": "/device?code=BCDF-GHJK",
    "expires_at": "2026-01-01T00:10:00Z",
    "interval_s": 2.0,
}
SESSION = {"auth": "on", "needs_first_admin": False, "signed_in": False, "user": None, "team": None, "teams": []}
MADE = {"id": "aaaaaaaaaaaa", "name": "n", "roles": ["client"], "created_at": "c", "expires_at": "e", "used_at": None}
APPROVED = {
    "state": "approved",
    "key": MADE | {"secret": KEY},
    "user": {"id": "p", "name": "Ann"},
    "team": {"id": "first", "name": "First team"},
}
WAITING = {"state": "waiting", "key": None, "user": None, "team": None}
PEOPLE = [
    {"id": "p1", "name": "Zoë\x1b[2J", "roles": ["client"], "is_active": True, "created_at": "c"},
    {"id": "p2", "name": "Ben", "roles": ["operator"], "is_active": False, "created_at": "c"},
]


class Platform:
    """Answers by path, and notes what it was asked."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: list[object] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append((request.method, path, request.headers.get("authorization", "")))
        self.bodies.append(json.loads(request.content) if request.content else None)
        if request.method == "DELETE":
            return httpx.Response(204)
        answer = self.answers[path.rsplit("/", 1)[-1]]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return (
            httpx.Response(answer[0], text=answer[1]) if isinstance(answer, tuple) else httpx.Response(200, json=answer)
        )


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    kept = logins.wait_for_key
    monkeypatch.setattr(logins, "wait_for_key", lambda accounts, begun: kept(accounts, begun, found.append))
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_login_waits_ever_longer_and_keeps_the_key(home, pauses):
    platform = Platform(session=SESSION, device=BEGUN, key=[WAITING] * 9 + [APPROVED])
    result = run(platform, "--url", "https://q.example/api", "login", "--role", "client", env=home)
    assert result.exit_code == 0, result.output
    assert "https://q.example/device?code=BCDF-GHJK" in result.stderr
    assert "Ann, for First team: client" in result.stdout
    assert KEY not in result.output
    assert pauses[0] == 2.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10.0
    assert platform.bodies[1] == {"client": logins.default_name(), "roles": ["client"]}
    assert stored_keys.find("https://q.example") == KEY


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"session": SESSION | {"auth": "off"}}, "authentication is off"),
        ({"session": SESSION | {"needs_first_admin": True}}, "printed"),
        ({"session": SESSION, "device": BEGUN, "key": WAITING | {"state": "refused"}}, "refused on the page"),
        ({"session": SESSION, "device": BEGUN, "key": (410, '{"title": "Gone"}')}, "begin again"),
    ],
    ids=["off", "nobody", "refused", "expired"],
)
def test_login_says_why_there_is_no_key(home, pauses, answers, told):
    result = run(Platform(**answers), "login", env=home)
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr


def test_another_login_revokes_the_key_before_by_itself(home, pauses):
    stored_keys.keep("http://127.0.0.1:8080", STORED)
    platform = Platform(session=SESSION, device=BEGUN, key=APPROVED)
    assert run(platform, "login", env=home).exit_code == 0
    assert platform.asked[-1] == ("DELETE", "/api/me/keys/cccccccccccc", f"Bearer {STORED}")


def test_a_key_that_cannot_be_kept_is_revoked(home, pauses, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "keys.json")

    monkeypatch.setattr(stored_keys, "keep", full)
    platform = Platform(session=SESSION, device=BEGUN, key=APPROVED)
    result = run(platform, "login", env=home)
    assert result.exit_code == 1
    assert platform.asked[-1] == ("DELETE", "/api/me/keys/aaaaaaaaaaaa", f"Bearer {KEY}")


def test_logout_revokes_and_forgets_also_where_nobody_answers(home):
    stored_keys.keep("http://127.0.0.1:8080", STORED)
    platform = Platform()
    assert run(platform, "logout", env=home).exit_code == 0
    assert platform.asked == [("DELETE", "/api/me/keys/cccccccccccc", f"Bearer {STORED}")]
    assert stored_keys.find("http://127.0.0.1:8080") is None
    again = run(platform, "logout", env=home)
    assert (again.exit_code, len(platform.asked)) == (0, 1)

    def unreachable(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    stored_keys.keep("http://127.0.0.1:8080", STORED)
    result = run(unreachable, "logout", env=home)
    assert result.exit_code == 4
    assert "cccccccccccc" in result.stderr
    assert stored_keys.find("http://127.0.0.1:8080") is None


@pytest.mark.parametrize(
    ("args", "variables", "used"),
    [
        ((), {}, f"Bearer {STORED}"),
        ((), {"QUORATE_KEY": KEY}, f"Bearer {KEY}"),
        (("--key", KEY), {"QUORATE_KEY": STORED}, f"Bearer {KEY}"),
        (("--user", "ann"), {}, ""),
        (("--url", "http://elsewhere"), {}, ""),
    ],
    ids=["stored", "variable", "option", "user", "another platform"],
)
def test_the_key_is_the_option_else_the_variable_else_the_stored_one(home, args, variables, used):
    stored_keys.keep("http://127.0.0.1:8080", STORED)
    platform = Platform(keys={"items": [MADE]})
    assert run(platform, *args, "keys", "list", env=home | variables).exit_code == 0
    assert platform.asked == [("GET", "/api/me/keys", used)]


def test_who_is_not_known_is_told_how_to_sign_in(home):
    unknown = (401, '{"title": "Unauthorized", "detail": "sign in"}')
    result = run(Platform(keys=unknown), "keys", "list", env=home)
    assert result.exit_code == 1
    assert "quorate --url http://127.0.0.1:8080 login" in result.stderr


def test_people_are_named_as_they_are_called(home):
    platform = Platform(users={"items": PEOPLE, "next_cursor": None}, p2=PEOPLE[1])
    listed = run(platform, "people", "list", env=home)
    assert "\x1b" not in listed.stdout
    assert "Ben" in listed.stdout
    assert run(platform, "people", "roles", " BEN", "client", env=home).exit_code == 0
    assert (platform.asked[-1][:2], platform.bodies[-1]) == (("PATCH", "/api/users/p2"), {"roles": ["client"]})
    assert run(platform, "people", "activate", "p2", env=home).exit_code == 0
    assert platform.bodies[-1] == {"is_active": True}
    nobody = run(platform, "people", "deactivate", "Carl", env=home)
    assert nobody.exit_code == 1
    assert "quorate people list" in nobody.stderr


def test_nobody_is_removed_unasked(home):
    platform = Platform(users={"items": PEOPLE, "next_cursor": None})
    assert run(platform, "people", "remove", "Ben", env=home).exit_code == 2
    assert not [one for one in platform.asked if one[0] == "DELETE"]
    assert run(platform, "people", "remove", "Ben", "--yes", env=home).exit_code == 0
    assert platform.asked[-1][:2] == ("DELETE", "/api/users/p2")


def test_nobody_is_erased_unasked_and_a_terminal_is_told_who_it_is_and_what_stays(home, monkeypatch):
    erasure = {"pseudonym": "erased-00000001", "erased_at": "t", "done": {"accounts": None, "task_manager": None}}
    platform = Platform(users={"items": PEOPLE, "next_cursor": None}, erasures=erasure)
    assert run(platform, "people", "erase", "Ben", env=home).exit_code == 2
    monkeypatch.setattr(people, "is_asked", lambda: True)
    kept = run(platform, "people", "erase", "Zoë\x1b[2J", env=home, answer="n\n")
    assert kept.exit_code == 1
    assert "Erase Zoë\\x1b[2J for good?" in kept.stderr
    assert "\x1b" not in kept.stderr
    assert all(line in kept.stderr for line in people.ERASED)
    assert not [one for one in platform.asked if one[0] == "POST"]
    erased = run(platform, "people", "erase", "Ben", env=home, answer="y\n")
    assert erased.stdout == "Ben is now erased-00000001\n"
    assert (platform.asked[-1][:2], platform.bodies[-1]) == (("POST", "/api/admin/erasures"), {"person": "p2"})


def test_an_erasure_is_waited_for_and_each_service_said_once(home, monkeypatch):
    monkeypatch.setattr(people, "LOOK_S", 0.0)
    begun = {"pseudonym": "erased-00000001", "erased_at": "t", "done": {"accounts": "a", "task_manager": None}}
    over = begun | {"done": {"accounts": "a", "task_manager": "b"}}
    other = begun | {"pseudonym": "erased-00000002"}
    looks = [{"items": [other, begun]}, {"items": [other, over]}]
    platform = Platform(users={"items": PEOPLE, "next_cursor": None}, erasures=[begun, *looks])
    waited = run(platform, "people", "erase", "Ben", "--yes", "--wait", env=home)
    assert waited.exit_code == 0, waited.output
    assert waited.stderr == "accounts: done at a\ntask_manager: done at b\n"
    listed = run(platform, "people", "erasures", env=home)
    assert "under way" in listed.stdout
    assert "erased-00000001" in listed.stdout
    gone = Platform(users={"items": PEOPLE, "next_cursor": None}, erasures=[begun, {"items": [other]}])
    lost = run(gone, "people", "erase", "Ben", "--yes", "--wait", env=home)
    assert lost.exit_code == 1


OPERATORS = {"items": [{"id": "p1", "name": "Ann"}, {"id": "p2", "name": "Ben"}], "next_cursor": None}


def test_operators_are_invited_by_name_and_also_leave_who_is_no_member_any_more(home):
    task = {"id": "t", "operators": ["p2", "gone"]}
    platform = Platform(operators=[OPERATORS, task], t=task)
    assert run(platform, "operators", "invite", "t", " ANN", "p2", env=home).exit_code == 0
    assert platform.bodies[-1] == {"only_invited": True, "invite": ["p1", "p2"]}
    platform = Platform(operators=[OPERATORS, task], t=task)
    left = run(platform, "operators", "uninvite", "t", "Ben", "gone", env=home)
    assert left.stdout == "2 invited: see quorate operators list t\n"
    assert (platform.asked[-1][:2], platform.bodies[-1]) == (
        ("PATCH", "/api/tasks/t/operators"),
        {"uninvite": ["p2", "gone"]},
    )
    nobody = run(Platform(operators=OPERATORS), "operators", "invite", "t", "Carl", env=home)
    assert nobody.exit_code == 1
    assert "quorate people list" in nobody.stderr


def test_who_is_invited_is_listed_by_name(home):
    task = {"id": "t", "operators": ["p2", "gone"]}
    listed = run(Platform(operators=OPERATORS, t=task), "operators", "list", "t", env=home)
    assert "Ben" in listed.stdout
    assert "gone" in listed.stdout
    everybody = run(Platform(t=task | {"operators": None}), "operators", "list", "t", env=home)
    assert everybody.stdout == "all operators of the team may label it\n"


def test_without_accounts_a_name_is_the_id(home):
    task = {"id": "t", "operators": ["ann"]}
    platform = Platform(operators=[(404, '{"title": "Not Found"}'), task])
    assert run(platform, "operators", "invite", "t", "ann", env=home).exit_code == 0
    assert platform.bodies[-1] == {"only_invited": True, "invite": ["ann"]}


def test_what_is_told_once_is_alone_on_standard_output(home):
    made = {"id": "i", "roles": ["operator"], "made_by": "p", "created_at": "c", "expires_at": "e", "url": "/link#t~s"}
    invited = run(always(made), "--url", "https://q.example", "invite", "make", env=home)
    assert invited.stdout == "https://q.example/link#t~s\n"
    key = run(always(MADE | {"secret": KEY}), "keys", "make", "ci", env=home)
    assert key.stdout == f"{KEY}\n"
    team = run(
        always({"id": "t", "name": "B", "invitation_url": "/link#t~s"}), "teams", "make", "B", "--invite", env=home
    )
    assert team.stdout == "http://127.0.0.1:8080/link#t~s\n"


def test_audit_filters_by_name_and_by_the_id_of_who_left(home):
    entry = {
        "id": "e", "at": "t", "actor": "p2", "actor_name": "Ben", "action": "key.make", "object": "k", "address": "::1",
        "outcome": "refused",
    }  # fmt: skip
    queries: list[dict[str, str]] = []

    def platform(request: httpx.Request) -> httpx.Response:
        is_audit = request.url.path.endswith("audit")
        if is_audit:
            queries.append(dict(request.url.params))
        return httpx.Response(200, json={"items": [entry] if is_audit else PEOPLE, "next_cursor": None})

    shown = run(platform, "audit", "list", "--actor", "ben", "--action", "key.make", env=home)
    assert "key.make, refused" in shown.stdout
    assert run(platform, "audit", "list", "--actor", "gone", env=home).exit_code == 0
    assert [one.get("actor") for one in queries] == ["p2", "gone"]
    assert queries[0]["action"] == "key.make"


def test_an_export_of_the_audit_asks_for_what_is_wanted_and_goes_by_the_file_s_ending(home, tmp_path):
    queries: list[dict[str, str]] = []

    def platform(request: httpx.Request) -> httpx.Response:
        queries.append(dict(request.url.params))
        return httpx.Response(200, text="id,at\r\n")

    file = tmp_path / "audit.CSV"
    times = ("--since", "2026-11-28", "--until", "2026-11-28T12:30:00+0200", "--object", "t1")
    done = run(platform, "audit", "export", "--output", str(file), *times, env=home | {"TZ": "UTC"})
    assert done.exit_code == 0, done.output
    assert file.read_text() == "id,at\n"
    [asked] = queries
    assert (asked["format"], asked["object"]) == ("csv", "t1")
    since = datetime.fromisoformat(asked["since"])
    assert since == datetime(2026, 11, 28).astimezone()  # midnight where this runs
    assert datetime.fromisoformat(asked["until"]) == datetime(2026, 11, 28, 10, 30, tzinfo=UTC)
