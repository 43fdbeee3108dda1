"""Forms and staged files: what a form takes, and how long both last."""

import pytest

from services.task_manager.collector import GRACE_S
from shared.objects import FORM_S
from tests.service.multipart_samples import FORM, form, part
from tests.service.running import Api, assert_problem
from tests.service.staged_uploads import begin, commit, kept, lying, stage, staged


async def test_the_collector_removes_staged_files_when_they_are_old(api: Api):
    task_id = await api.task()
    taken = await staged(api, task_id, ("a.png", api.picture()))
    await staged(api, task_id, ("b.png", api.picture()))
    await commit(api, task_id, taken, "a.png")
    api.clock.ahead_s = GRACE_S - 60
    await api.platform.collector.sweep()
    assert (len(lying(api)), len(kept(api))) == (2, 4)
    api.clock.ahead_s = GRACE_S + 60
    await api.platform.collector.sweep()
    assert kept(api) == []
    assert_problem(await commit(api, task_id, taken, "a.png"), 404, saying="no such upload")
    (image,) = await api.results(task_id)
    assert (await api.http.get(image["image_url"])).status_code == 200
    await api.unharmed()


async def test_a_form_that_has_not_expired_leaves_time_to_commit():
    assert FORM_S < GRACE_S


async def test_forms_expire(api: Api):
    task_id = await api.task()
    upload = await begin(api, task_id, "a.png")
    api.clock.ahead_s = FORM_S + 1
    assert_problem(await stage(api, upload["files"][0], api.picture()), 404, saying="expired")
    assert lying(api) == []


async def test_what_a_form_does_not_take(api: Api):
    upload = await begin(api, await api.task(), "a.png")
    url = upload["files"][0]["url"]
    body = form(part(b"data", b'form-data; name="file"; filename="a.png"'))
    refused = {
        "no boundary": (url, body, {"Content-Type": "multipart/form-data"}, 400),
        "not a form": (url, body, {"Content-Type": "image/png"}, 400),
        "no end": (url, body[:-10], FORM, 400),
        "another field": (url, form(part(b"data")), FORM, 422),
        "a name that cannot be read": (url, form(part(b"data", b"form-data; name=file; filename*=x")), FORM, 400),
        "a long name": (url, form(part(b"data", b"form-data; name=file; filename=" + b"a" * 2_048)), FORM, 400),
        "an odd boundary": (url, body, {"Content-Type": "multipart/form-data; boundary*=x; boundary*0=y"}, 400),
        "no part": (url, form(), FORM, 422),
        "compressed": (url, body, FORM | {"Content-Encoding": "gzip"}, 415),
        "too large": (url, form(part(bytes(20_000_001), b'form-data; name="file"')), FORM, 413),
        "a large part beside": (url, form(*[part(bytes(15_000_000))] * 2), FORM, 413),
        "the names": (url.replace("-0?", "-names?"), body, FORM, 404),
        "another number": (url.replace("-0?", "-1?"), body, FORM, 404),
        "a larger limit": (url.replace("max_bytes=2", "max_bytes=3"), body, FORM, 404),
        "no signature": (url.partition("&signature")[0], body, FORM, 404),
        "no number": (url.replace("expires=", "expires=x"), body, FORM, 404),
        "an image": (url.replace("staging/", ""), body, FORM, 405),
    }
    for case, (where, content, headers, status) in refused.items():
        answer = await api.http.post(where, content=content, headers=headers)
        assert answer.status_code == status, (case, answer.text)
        assert_problem(answer, status)
    assert_problem(await api.http.get(url), 405)
    assert lying(api) == []
    await api.unharmed()


@pytest.mark.parametrize(("code", "status"), [(28, 507), (5, 503)])
async def test_the_disk_fails_while_a_file_is_staged(api: Api, monkeypatch, code, status):
    upload = await begin(api, await api.task(), "a.png")

    def fail(*_arguments: object) -> None:
        raise OSError(code, "no room in /var/lib/secret")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        assert_problem(await stage(api, upload["files"][0], api.picture()), status)
    assert lying(api) == []
    await api.unharmed()
