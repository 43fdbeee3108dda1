"""What a caller is told, and what the platform keeps for them."""

import pytest

from shared.version import VERSION
from tests.service.running import Api, as_user, assert_problem, running


async def test_the_caller_is_told_what_the_platform_takes_and_what_waits(tmp_path):
    async with running(tmp_path, lease_s=7.5, max_image_bytes=1_000, max_archive_entries=3) as small:
        await small.task_with(3, quorum={"votes_required": 1, "max_votes": 1}, allow_unsure=True)
        for lease in await small.lease("ann", 2):
            await small.vote("ann", lease["subtask_id"], "unsure", lease["token"])
        me = (await small.http.get("/api/me", headers=as_user("ann"))).json()
        assert me == {
            "user": {"id": "ann", "name": "ann", "roles": ["client", "operator", "adjudicator", "admin"]},
            "team": "first",
            "auth": "off",
            "lease_s": 7.5,
            "limits": {
                "max_image_bytes": 1_000,
                "max_pixels": 25_000_000,
                "max_side": 10_000,
                "max_zip_entries": 3,
                "max_zip_bytes": 2_000_000_000,
                "max_labels": 1_000,
            },
            "features": ["pipeline"],
            "exports": ["jsonl", "csv", "imagefolder", "parquet", "labelstudio", "coco", "yolo"],
            "detector": False,
            "disputes_open": 2,
            "version": VERSION,
        }
        assert_problem(await small.http.get("/api/me", headers=as_user("detector:x")), 422)


async def test_without_authentication_everybody_is_signed_in(api: Api):
    session = (await api.http.get("/api/session", headers=as_user("ann"))).json()
    assert session == {
        "auth": "off",
        "needs_first_admin": False,
        "provider": None,
        "signed_in": True,
        "has_password": False,
        "user": {"id": "ann", "name": "ann", "roles": ["client", "operator", "adjudicator", "admin"]},
        "team": {"id": "first", "name": "First team"},
        "teams": [{"id": "first", "name": "First team"}],
    }
    assert_problem(await api.http.post("/api/sessions", json={"name": "ann", "password": "x"}), 404)
    assert not (api.folder / "accounts.sqlite").exists()


async def test_preferences_are_kept_word_for_word_by_user_and_version(api: Api):
    path, ann = "/api/me/preferences", as_user("ann")
    first = await api.http.get(path, headers=ann)
    assert (first.json(), first.headers["etag"]) == ({}, '"0"')
    text = '{"theme": "dark", "keys": {"1": "ä"},  "huge": 123456789012345678901234567890}'
    headers = ann | {"Content-Type": "application/json", "If-Match": '"0"'}
    for _ in range(2):  # sent again, it has the same effect
        put = await api.http.put(path, content=text, headers=headers)
        assert (put.status_code, put.headers["etag"]) == (204, '"1"')
    kept = await api.http.get(path, headers=ann)
    assert (kept.text, kept.headers["etag"]) == (text, '"1"')
    assert_problem(await api.http.put(path, json={}, headers=ann | {"If-Match": '"0"'}), 412, code="outdated")
    assert (await api.http.get(path, headers=as_user("bob"))).json() == {}


@pytest.mark.parametrize(
    ("text", "tag", "status"),
    [
        ("{}", None, 422),
        ("{}", "*", 412),
        ("{}", 'W/"0"', 412),
        ("[]", '"0"', 422),
        ("{", '"0"', 400),
        ('{"a": 1, "a": 2}', '"0"', 400),
        ('{"a": "' + "x" * 16_000 + '"}', '"0"', 413),
        ('{"a": "' + "x" * 15_990 + '"}', '"0"', 204),
    ],
    ids=["no tag", "any tag", "weak tag", "list", "no JSON", "twice", "too large", "largest"],
)
async def test_preferences_are_an_object_of_16_kb_at_the_most(api: Api, text: str, tag: str | None, status: int):
    headers = {"Content-Type": "application/json"} | ({} if tag is None else {"If-Match": tag})
    answer = await api.http.put("/api/me/preferences", content=text, headers=headers)
    assert answer.status_code == status, answer.text
