"""Nothing of a body is in memory after its answer, whatever the answer was."""

import asyncio
import base64
import contextlib
import json
import random
from collections.abc import AsyncIterator

import pytest

from services.detector.app import create
from services.detector.settings import DetectorSettings
from services.task_manager.ingest import BATCH_FILES
from shared.errors import Unavailable
from tests.service import archive_samples as archive
from tests.service.held_bodies import ask, bodies_held, holders, in_chunks
from tests.service.multipart_samples import FORM, form, named, part
from tests.service.running import Api, running
from tests.service.staged_uploads import begin

LARGE = 200_000
CONTENT_TYPE = FORM["Content-Type"]


def bmp(number: int) -> bytes:
    """A picture of 270 kB like no other."""
    pixels = random.Random(number).randbytes(3) * 300 * 300
    size = 54 + len(pixels)
    head = b"BM" + size.to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    sizes = b"".join(one.to_bytes(4, "little") for one in (40, 300, 300, 0x180001, 0, len(pixels), 0, 0, 0, 0))
    return head + sizes + pixels


def noise() -> bytes:
    return b"no picture " * 30_000


def unreadable(data: bytes) -> bytes:
    return part(data, b"form-data; name=images; filename*=x")


FORMS = {
    "accepted": (lambda: form(named(b"a.bmp", bmp(1)), named(b"b.bmp", bmp(2))), 200),
    "rejected": (lambda: form(named(b"a", noise()), named(b"b", noise())), 422),
    "accepted and rejected": (lambda: form(named(b"a.bmp", bmp(3)), named(b"b", noise())), 200),
    "another archive": (lambda: form(named(b"a", b"\x1f\x8b" + noise())), 415),
    "called zip": (lambda: form(named(b"a.zip", noise())), 415),
    "a name that cannot be kept": (lambda: form(named(b"a\0", noise())), 422),
    "a name that cannot be read": (lambda: form(unreadable(noise())), 400),
    "another field": (lambda: form(part(noise(), b"form-data; name=x")), 422),
    "a system file": (lambda: form(named(b"desktop.ini", noise())), 422),
    "over the limit": (lambda: form(named(b"a", noise() * 3)), 413),
    "broken": (lambda: form(named(b"a.bmp", bmp(4)), named(b"b.bmp", bmp(5)))[:-8] + b"nonsense", 400),
    "broken in a header": (lambda: named(b"a.bmp", bmp(6)) + b"--bdry\r\n\0: x\r\n\r\n", 400),
    "without an end": (lambda: named(b"a.bmp", bmp(7)) + named(b"b.bmp", bmp(8))[:-20], 400),
    "an archive": (lambda: form(named(b"a.zip", archive.zipped(("a", bmp(9)), ("b", noise())))), 200),
    "a broken archive": (lambda: form(named(b"a.zip", archive.zipped(("a", bmp(10)))[:-30])), 422),
    "broken entries": (lambda: form(named(b"a.zip", archive.lying_short(random.Random(1).randbytes(400_000)))), 422),
}


@pytest.mark.parametrize(("make", "status"), FORMS.values(), ids=FORMS)
async def test_forms(tmp_path, make, status):
    async with running(tmp_path, max_image_bytes=500_000) as api:
        path = f"/api/tasks/{await api.task()}/images"
        await ask(api.app, path, in_chunks(lambda: form(named(b"a", b"x"))), CONTENT_TYPE)  # what is imported once
        with bodies_held(LARGE) as held:
            assert await ask(api.app, path, in_chunks(make), CONTENT_TYPE) == status
        assert held.kinds == []
        await api.unharmed()


async def test_files_that_were_refused_are_not_held_until_the_report(api: Api):
    """However many there are, no more than a batch is in memory."""
    counts = []
    before = holders(LARGE)  # other tests' pictures, however long this process has run

    async def body() -> AsyncIterator[bytes]:
        for _ in range(3 * BATCH_FILES):
            yield named(b"a", noise())
        counts.append(holders(LARGE))
        yield form()

    path = f"/api/tasks/{await api.task()}/images"
    assert await ask(api.app, path, body(), CONTENT_TYPE) == 422
    assert counts[0] - before <= 2 * BATCH_FILES


@pytest.mark.parametrize("cut", [10, 100_000, 271_000, 400_000])
async def test_a_caller_who_hangs_up(api: Api, cut):
    """What ends with the connection is the registration too: the task can be sealed at once."""
    task_id = await api.task()
    with bodies_held(LARGE) as held:
        body = in_chunks(lambda: form(named(b"a.bmp", bmp(1)), named(b"b.bmp", bmp(2))), cut)
        await ask(api.app, f"/api/tasks/{task_id}/images", body, CONTENT_TYPE, hangs_up=True)
    assert held.kinds == []
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
    await api.unharmed()


async def test_a_registration_ends_with_its_request_wherever_that_is_cancelled(api: Api):
    async def body() -> AsyncIterator[bytes]:
        yield named(b"a.bmp", bmp(1))
        await asyncio.Event().wait()

    for steps in range(24):
        task_id = await api.task()
        asking = asyncio.create_task(ask(api.app, f"/api/tasks/{task_id}/images", body(), CONTENT_TYPE))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200, steps
    await api.unharmed()


ERRORS = {
    "the store of objects is down": (lambda: Unavailable("down"), 503),
    "something unforeseen": (lambda: LookupError("unforeseen"), None),
}


@pytest.mark.parametrize(("error", "status"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("where", ["objects.put_all", "task_store.add_images", "tasks.checker.limits"])
async def test_what_fails_on_our_side(api: Api, monkeypatch, error, status, where):
    task_id = await api.task()
    path = f"/api/tasks/{task_id}/images"

    async def fail(*_arguments: object, **_named: object) -> None:
        raise error()

    def fail_at_once(*_arguments: object) -> None:
        raise error()

    with monkeypatch.context() as patch, bodies_held(LARGE) as held:
        if where == "tasks.checker.limits":
            patch.setattr("services.task_manager.ingest.check", fail_at_once)
            status = 422 if status else None
        else:
            *owners, name = where.split(".")
            owner = api.platform
            for one in owners:
                owner = getattr(owner, one)
            patch.setattr(owner, name, fail)
        body = in_chunks(lambda: form(named(b"a.bmp", bmp(1)), named(b"b.bmp", bmp(2))))
        if status is None:
            with pytest.raises(LookupError):
                await ask(api.app, path, body, CONTENT_TYPE)
        else:
            assert await ask(api.app, path, body, CONTENT_TYPE) in {status, 503}
    assert held.kinds == []
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200


def as_json(data: bytes) -> bytes:
    return json.dumps({"id": "a", "image": base64.b64encode(data).decode()}).encode()


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: as_json(bmp(1)), 200),
        (lambda: as_json(noise()), 422),
        (lambda: as_json(noise())[:-2] + b"!", 400),
        (lambda: as_json(noise())[:-2] + b'!"}', 422),
        (lambda: b'{"id": "a", "image": 5, "x": "' + noise() + b'"}', 422),
    ],
    ids=["accepted", "rejected", "broken", "not base64", "another shape"],
)
async def test_json(api: Api, make, status):
    path = f"/api/tasks/{await api.task()}/images"
    with bodies_held(LARGE) as held:
        assert await ask(api.app, path, in_chunks(make), "application/json") == status
    assert held.kinds == []


STAGED = {
    "stored": (lambda data: form(part(data, b"form-data; name=file; filename=a")), 0, 204),
    "another field": (lambda data: form(part(data)), 0, 422),
    "a name that cannot be read": (lambda data: form(unreadable(data)), 0, 400),
    "without an end": (lambda data: form(part(data, b"form-data; name=file; filename=a")), 20, 400),
    "an archive": (lambda data: form(part(archive.zipped(("a", data)), b"form-data; name=file")), 0, 204),
    "over the limit": (lambda data: form(part(data * 90, b"form-data; name=file")), 0, 413),
}


@pytest.mark.parametrize(("make", "cut", "status"), STAGED.values(), ids=STAGED)
@pytest.mark.parametrize("hangs_up", [False, True])
async def test_staged_files(api: Api, make, cut, status, hangs_up):
    upload = await begin(api, await api.task(), "a.bmp")
    path, _, query = upload["files"][0]["url"].partition("?")
    with bodies_held(LARGE) as held:
        body = in_chunks(lambda: make(bmp(1)), cut or (20 if hangs_up else 0))
        found = await ask(api.app, path, body, CONTENT_TYPE, query=query, hangs_up=hangs_up)
    assert hangs_up or found == status
    assert held.kinds == []
    await api.unharmed()


async def test_a_commit(api: Api):
    task_id = await api.task()
    upload = await begin(api, task_id, "a.bmp", "b")
    for one, data in zip(upload["files"], (bmp(1), noise()), strict=True):
        await api.http.post(one["url"], files={"file": ("a", data)})
    del data
    with bodies_held(LARGE) as held:
        path = f"/api/tasks/{task_id}/uploads/{upload['upload_id']}/commit"
        assert await ask(api.app, path, in_chunks(lambda: b"{}"), "application/json") == 200
    assert held.kinds == []


DETECTIONS = {
    "detected": (lambda: bmp(1), "image/bmp", 200),
    "not a picture": (noise, "image/png", 422),
    "in JSON": (lambda: as_json(bmp(2)), "application/json", 200),
    "not a picture in JSON": (lambda: as_json(noise()), "application/json", 422),
    "broken JSON": (lambda: as_json(noise())[:-2], "application/json", 400),
    "another shape": (lambda: b'{"id": [], "image": "' + noise() + b'"}', "application/json", 422),
}


@pytest.mark.parametrize(("make", "content_type", "status"), DETECTIONS.values(), ids=DETECTIONS)
@pytest.mark.parametrize("hangs_up", [False, True])
async def test_detections(model, make, content_type, status, hangs_up):
    app = create(DetectorSettings(model=model, detector_threads=1)).app
    async with app.router.lifespan_context(app):
        await ask(app, "/api/object_detection", in_chunks(lambda: b"x"), "image/png")
        with bodies_held(LARGE) as held:
            body = in_chunks(make, 1000 if hangs_up else 0)
            found = await ask(app, "/api/object_detection", body, content_type, hangs_up=hangs_up)
        assert hangs_up or found == status
        assert held.kinds == []
