"""`quorate upload`, `quorate import` and `quorate imports`, as somebody types them."""

import json

import httpx

from tests.service.buckets import Bucket, serving
from tests.unit.cli_runs import run

AWS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_ENDPOINT_URL": "http://s3.test"}
IMPORT = {
    "id": "i1",
    "task_id": "t1",
    "endpoint": "http://s3.test",
    "bucket": "photos",
    "prefix": "in/",
    "region": "us-east-1",
    "has_key": True,
    "state": "running",
    "asked_at": "2026-01-01T00:00:00Z",
    "ended_at": None,
    "files": 0,
    "accepted": 0,
    "duplicates": 0,
    "rejected": 0,
    "skipped": 0,
    "trouble": None,
    "retry_at": None,
}
REFUSED = {"filename": "x\x1b.txt", "status": "rejected", "reason": "no picture"}


class Platform:
    """Answers as the platform does, an import's states in their order; keeps what was asked."""

    def __init__(self, *states: dict, refused: list[dict] | None = None) -> None:
        self.states = [IMPORT | state for state in states]
        self.refused = refused or []
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path.endswith("/refused"):
            return httpx.Response(200, json={"items": self.refused, "next_cursor": None})
        if request.method == "DELETE":
            return httpx.Response(204)
        if path.endswith("/imports") and request.method == "GET":
            return httpx.Response(200, json={"items": self.states})
        if request.method == "POST":
            return httpx.Response(202, json=IMPORT)
        return httpx.Response(200, json=self.states.pop(0) if len(self.states) > 1 else self.states[0])


def test_an_import_is_followed_to_its_end_and_tells_what_it_refused():
    over = {"state": "finished", "files": 3, "accepted": 2, "rejected": 1}
    platform = Platform({}, {"trouble": "the storage is busy"}, over, refused=[REFUSED])
    result = run(platform, "import", "t1", "s3://photos/in/", env=AWS)
    assert result.exit_code == 3, result.output
    assert result.stdout == "i1\n"
    assert "the storage is busy; it is tried again" in result.stderr
    assert "2 accepted, 1 rejected" in result.stderr
    assert "no picture" in result.stderr
    assert "\x1b" not in result.output
    assert "very-secret" not in result.output
    assert json.loads(platform.asked[0].content) == {
        "endpoint": "http://s3.test",
        "bucket": "photos",
        "prefix": "in/",
        "region": "us-east-1",
        "anew": False,
        "key": {"key_id": "AKID", "secret": "very-secret"},
    }


def test_a_public_bucket_gets_no_key_and_nobody_has_to_wait():
    platform = Platform({})
    result = run(platform, "import", "t1", "s3://photos", "--public", "--no-wait", "--anew", env=AWS)
    assert (result.exit_code, result.stdout) == (0, "i1\n")
    sent = json.loads(platform.asked[0].content)
    assert ("key" in sent, sent["anew"], len(platform.asked)) == (False, True, 1)


def test_a_failed_import_says_why():
    result = run(Platform({"state": "failed", "trouble": "it is not there"}), "import", "t1", "s3://photos", env=AWS)
    assert result.exit_code == 1
    assert "the import failed: it is not there" in result.stderr


def test_a_prefix_without_objects_and_one_that_was_imported_before_are_said():
    result = run(Platform({"state": "finished"}), "import", "t1", "s3://photos/x", env=AWS)
    assert (result.exit_code, "nothing under this prefix" in result.stderr) == (1, True)
    done = IMPORT | {"state": "finished", "files": 2, "accepted": 2}
    result = run(lambda _: httpx.Response(200, json=done | {"items": [], "next_cursor": None}),
                 "import", "t1", "s3://photos/x", env=AWS)  # fmt: skip
    assert (result.exit_code, "--anew" in result.stderr) == (0, True)
    result = run(lambda _: httpx.Response(200, json=done), "import", "t1", "s3://photos/x", "--no-wait", env=AWS)
    assert (result.exit_code, "--anew" in result.stderr, "goes on" in result.stderr) == (0, True, False)


def test_of_very_many_refused_files_the_first_are_shown():
    over = {"state": "finished", "files": 50, "accepted": 5, "rejected": 40, "skipped": 5}
    platform = Platform(over, refused=[REFUSED] * 45)
    result = run(platform, "import", "t1", "s3://photos/in/", env=AWS)
    assert result.stderr.count("no picture") == 20
    assert "and 25 more: quorate imports t1 --refused i1" in result.stderr


def test_without_a_key_or_a_bucket_nothing_is_asked():
    for url, env in (("s3://photos", {}), ("photos", AWS), ("s3://", AWS)):
        platform = Platform({})
        result = run(platform, "import", "t1", url, env={"AWS_ACCESS_KEY_ID": None} | env)
        assert (result.exit_code, platform.asked) == (1, []), result.output


def test_imports_are_listed_and_ended():
    platform = Platform({"state": "failed", "trouble": "gone", "accepted": 2})
    result = run(platform, "imports", "t1", "--cancel", "i1")
    assert result.exit_code == 0, result.output
    assert "i1  failed  s3://photos/in/  2 accepted" in result.stdout
    assert [one.method for one in platform.asked] == ["DELETE", "GET"]
    listed = run(platform, "imports", "t1", "--json")
    assert json.loads(listed.stdout)["items"][0]["trouble"] == "gone"
    refused = run(Platform({}, refused=[REFUSED]), "imports", "t1", "--refused", "i1", "--json")
    assert json.loads(refused.stdout) == REFUSED


def test_upload_sends_what_a_bucket_and_this_machine_have(tmp_path):
    (tmp_path / "a.png").write_bytes(b"here")
    sent: list[bytes] = []

    def platform(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        report = {"images": [], "accepted": 2, "duplicates": 0, "rejected": 0, "skipped": 0}
        return httpx.Response(200, json=report)

    with serving(Bucket({"in/b.png": b"there", "in/c.txt": b"x"})) as bucket:
        env = AWS | {"AWS_ENDPOINT_URL": bucket.url}
        result = run(platform, "upload", "t1", str(tmp_path / "a.png"), "s3://photos/in/", env=env)
    assert result.exit_code == 0, result.output
    body = b"".join(sent)
    assert b"here" in body
    assert b"there" in body
    assert "c.txt: not named like a picture" in result.stderr
    assert run(platform, "upload", "t1", str(tmp_path / "none")).exit_code == 2
