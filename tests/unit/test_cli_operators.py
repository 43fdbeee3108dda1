"""`quorate operators report`: how a team's operators vote."""

import json

import httpx

from tests.unit.cli_runs import run

ANN = {
    "operator": "p1",
    "votes": 120,
    "votes_7d": 20,
    "unsure_share": 0.05,
    "pace_per_minute": 12.5,
    "agreement": 0.5,
    "compared": 100,
    "commonest_label": "crow\x1b[2J",
    "commonest_share": 0.97,
    "longest_run": 40,
    "last_vote_at": "2026-01-01T00:00:00Z",
    "flags": ["one label", "often alone"],
}
PAIR = {"operators": ["p1", "p2"], "common": 90, "alike": 80, "off": 20, "off_alike": 15, "flags": ["copies"]}
COUNTED = {
    "as_of": "2026-01-01T00:00:00Z",
    "state": "finished",
    "why": None,
    "images": 90,
    "votes": 300,
    "pairs": [PAIR, PAIR | {"operators": ["p3", "p4"], "flags": []}],
    "items": [ANN],
    "next_cursor": None,
}
NEVER = COUNTED | {"as_of": None, "state": None, "items": [], "pairs": []}


class Platform:
    """Counts while it is asked, and is done at the third look."""

    def __init__(self, counted: dict, *, looks: int = 3) -> None:
        self.counted = counted
        self.looks = looks
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append((request.method, path))
        if path == "/api/users/operators":
            return httpx.Response(200, json={"items": [{"id": "p1", "name": "Ann"}], "next_cursor": None})
        if request.method == "POST":
            return httpx.Response(202, json={"state": "waiting", "asked_at": "now"})
        self.looks -= 1
        return httpx.Response(200, json=self.counted if self.looks <= 0 else NEVER | {"state": "running"})


def test_operators_are_counted_and_shown_with_what_is_unusual():
    platform = Platform(COUNTED)
    done = run(platform, "operators", "report")
    assert done.exit_code == 0, done.output
    for text in ("Ann", "120", "12.5", "50%", "97%", "one label, often alone", "15"):
        assert text in done.output
    assert "p3" not in done.output
    assert "\x1b" not in done.output
    assert platform.asked[0] == ("POST", "/api/admin/operators")


def test_the_last_counting_is_shown_without_a_new_one():
    platform = Platform(COUNTED, looks=0)
    done = run(platform, "operators", "report", "--last", "--json")
    assert json.loads(done.output) == COUNTED
    assert {method for method, _ in platform.asked} == {"GET"}
    assert "never counted" in run(Platform(NEVER, looks=0), "operators", "report", "--last").output


def test_a_counting_that_failed_says_why():
    done = run(Platform(COUNTED | {"state": "failed", "why": "too many"}), "operators", "report")
    assert done.exit_code != 0
    assert "too many" in done.output
