"""Forms that are broken, odd or hostile."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from services.task_manager import uploads
from tests.service.multipart_samples import BOUNDARY, FORM, form, named, part
from tests.service.picture_samples import png
from tests.service.running import Api, assert_problem, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
PICTURE = png(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running(tmp_path_factory.mktemp("multipart")) as started:
        yield started


async def send(api: Api, body: bytes, headers: dict[str, str] = FORM) -> httpx.Response:
    return await api.http.post(f"/api/tasks/{await api.task()}/images", content=body, headers=headers)


BROKEN = {
    "no boundary": (form(part(PICTURE)), "multipart/form-data", 400),
    "empty boundary": (form(part(PICTURE)), 'multipart/form-data; boundary=""', 400),
    "endless boundary": (form(part(PICTURE)), "multipart/form-data; boundary=" + "b" * 5_000, 400),
    "boundary with a charset": (form(part(PICTURE)), "multipart/form-data; boundary*=a\0b''bdry", 400),
    "another boundary": (form(part(PICTURE)), "multipart/form-data; boundary=other", 400),
    "empty body": (b"", FORM["Content-Type"], 400),
    "missing final boundary": (form(part(PICTURE), is_ended=False), FORM["Content-Type"], 400),
    "cut in the headers": (b'--bdry\r\nContent-Disposition: form-data; name="im', FORM["Content-Type"], 400),
    "cut in the data": (part(PICTURE)[:-10], FORM["Content-Type"], 400),
    "not a form": (b"hello", FORM["Content-Type"], 400),
    "header without a colon": (b"--bdry\r\nnonsense\r\n\r\nx\r\n--bdry--\r\n", FORM["Content-Type"], 400),
    "endless header": (b"--bdry\r\nX: " + b"y" * 100_000, FORM["Content-Type"], 400),
    "endless headers": (b"--bdry\r\n" + b"X: y\r\n" * 100_000, FORM["Content-Type"], 400),
    "a number that is too long": (
        form(part(PICTURE, b'form-data; name="images"; filename*' + b"9" * 5_000 + b"*=a.png")),
        FORM["Content-Type"],
        400,
    ),
    "no file": (b"--bdry--\r\n", FORM["Content-Type"], 422),
    "a field that is no file": (form(part(b"text", b'form-data; name="comment"')), FORM["Content-Type"], 422),
    "a file in another field": (
        form(part(PICTURE, b'form-data; name="pictures"; filename="a.png"')),
        FORM["Content-Type"],
        422,
    ),
    "a part without a name": (form(part(PICTURE, b"form-data")), FORM["Content-Type"], 422),
    "another type": (PICTURE, "image/png", 415),
    "no type": (PICTURE, "", 415),
    "a form of another kind": (b"a=b", "application/x-www-form-urlencoded", 415),
}


@pytest.mark.parametrize(("body", "content_type", "status"), BROKEN.values(), ids=BROKEN)
async def test_broken_forms(api: Api, body, content_type, status):
    assert_problem(await send(api, body, {"Content-Type": content_type}), status)
    await api.unharmed()


NAMES = {
    "parent folders": (b"../../etc/passwd", "../../etc/passwd"),
    "absolute": (b"/etc/passwd", "/etc/passwd"),
    "backslashes": (b"..\\\\..\\\\boot.ini", None),
    "NUL": (b"a\0b.png", None),
    "5 kB": (b"n" * 5_000 + b".png", "n" * 1_000),
    "right to left": ("\u202egnp.exe".encode(), "\u202egnp.exe"),
    "not UTF-8": (b"\xff\xfe.png", "\ufffd\ufffd.png"),
    "empty": (b"", ""),
    "dots": (b"..", ".."),
    "script": (b"<script>alert(1)</script>.png", "<script>alert(1)</script>.png"),
    "line breaks": (b"a%0d%0ab.png", None),
    "a name that is no picture's": (b"setup.exe", "setup.exe"),
    "an emoji": ("\N{CAT FACE}.png".encode(), "\N{CAT FACE}.png"),
}


@pytest.mark.parametrize(("filename", "shown"), NAMES.values(), ids=NAMES)
async def test_names_are_never_paths(api: Api, filename, shown):
    answer = await send(api, form(named(filename, PICTURE)))
    assert answer.status_code == 200, answer.text
    (report,) = answer.json()["images"]
    assert report["status"] == "accepted"
    if shown is not None:
        assert report["filename"] == shown
    await api.unharmed()


ENCODED_NAMES = {
    "UTF-8": (b"UTF-8''%E2%82%AC.png", "€.png"),
    "Latin-1": (b"iso-8859-1''%A3.png", "£.png"),
    "an unknown charset": (b"klingon''a.png", "a.png"),
    "a charset with a NUL": (b"a%00b''a.png", None),
    "a charset with a real NUL": (b"a\0b''a.png", None),
    "broken UTF-8": (b"UTF-8''%ff", None),
    "a charset that is no text": (b"base64''a.png", None),
    "another charset that is no text": (b"hex''aa", None),
    "idna": (b"idna''xn--%ff", None),
    "undefined": (b"undefined''a", None),
}


@pytest.mark.parametrize(("encoded", "shown"), ENCODED_NAMES.values(), ids=ENCODED_NAMES)
async def test_names_in_other_charsets(api: Api, encoded, shown):
    disposition = b'form-data; name="images"; filename*=' + encoded
    answer = await send(api, form(part(PICTURE, disposition)))
    if shown is None:
        assert answer.status_code in {200, 400}, answer.text
    else:
        assert answer.json()["images"][0]["filename"] == shown
    await api.unharmed()


async def test_every_place_where_a_form_may_be_cut(api: Api):
    """Wherever it ends, it is broken; what stood whole before is kept at most, and can be sent again."""
    body = form(named(b"a.png", PICTURE), named(b"b.png", png(2)))
    task_id = await api.task()
    for length in range(0, len(body) - 2, 7):
        answer = await api.http.post(f"/api/tasks/{task_id}/images", content=body[:length], headers=FORM)
        assert_problem(answer, 400)
    answer = await api.http.post(f"/api/tasks/{task_id}/images", content=body, headers=FORM)
    assert answer.json()["accepted"] + answer.json()["duplicates"] == 2
    await api.unharmed()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_a_form_may_come_in_pieces_of_any_size(api: Api, size):
    body = form(named(b"a.png", png(11)), named(b"b.png", b"\r\n--bdr"), named(b"c.png", png(12)))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    answer = await api.http.post(f"/api/tasks/{await api.task()}/images", content=pieces(), headers=FORM)
    assert [report["status"] for report in answer.json()["images"]] == ["accepted", "rejected", "accepted"]
    await api.unharmed()


async def test_good_and_bad_mixed(api: Api):
    task_id = await api.task()
    files = [("a.png", png(21)), ("b.png", b"text"), ("c.png", png(21)), ("d.svg", b"<svg></svg>"), ("e.png", png(22))]
    report = (await api.upload(task_id, *files, field="files")).json()
    statuses = [(one["filename"], one["status"]) for one in report["images"]]
    assert statuses == [
        ("a.png", "accepted"),
        ("b.png", "rejected"),
        ("c.png", "duplicate"),
        ("d.svg", "rejected"),
        ("e.png", "accepted"),
    ]
    assert (report["accepted"], report["duplicates"], report["rejected"], report["skipped"]) == (2, 1, 2, 0)
    assert report["images"][0]["image_id"] == report["images"][2]["image_id"]
    assert all(one["reason"] for one in report["images"] if one["status"] == "rejected")
    assert all(one["notes"] == [] for one in report["images"])
    await api.unharmed()


async def test_a_part_over_the_limit_is_refused_and_the_rest_taken(tmp_path):
    async with running(tmp_path, max_image_bytes=10_000) as small:
        task_id = await small.task()
        report = (await small.upload(task_id, ("big.bmp", b"BM" + bytes(50_000)), ("a.png", png(1)))).json()
        assert [one["status"] for one in report["images"]] == ["rejected", "accepted"]
        assert_problem(await small.upload(task_id, ("big.bmp", b"BM" + bytes(50_000))), 413, saying="10,000 bytes")
        await small.unharmed()


async def test_a_form_has_a_bounded_number_of_parts(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 20)
    task_id = await api.task()
    body = form(named(b"a.png", PICTURE), *[part(b"", b"form-data")] * 20)
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/images", content=body, headers=FORM), 413)
    await api.unharmed()


async def test_too_many_uploads_at_a_time_are_told_to_come_back(tmp_path):
    async with running(tmp_path, max_uploads=1) as small:
        task_id = await small.task()
        refusals = []

        async def body() -> AsyncIterator[bytes]:
            yield named(b"a.png", png(1))
            refusals.append(await small.upload(task_id, ("b.png", png(2))))
            refusals.append(await small.http.post(f"/api/tasks/{task_id}/seal"))
            yield form()

        answer = await small.http.post(f"/api/tasks/{task_id}/images", content=body(), headers=FORM)
        assert answer.json()["accepted"] == 1
        assert_problem(refusals[0], 503)
        assert int(refusals[0].headers["retry-after"]) > 0
        assert_problem(refusals[1], 409, saying="under way")
        assert (await small.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
        await small.unharmed()


async def test_deleting_a_task_while_it_uploads(api: Api):
    task_id = await api.task()

    async def body() -> AsyncIterator[bytes]:
        for number in range(40):
            yield named(b"a.png", png(1_000 + number))
        await api.settled()
        assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
        for number in range(40):
            yield named(b"a.png", png(2_000 + number))
        yield form()

    answer = await api.http.post(f"/api/tasks/{task_id}/images", content=body(), headers=FORM)
    assert_problem(answer, 409, saying="cancelled")
    assert_problem(await api.upload(task_id, ("a.png", png(1))), 409, saying="cancelled")
    await api.platform.collector.sweep()
    api.clock.ahead_s = 4_000
    await api.platform.collector.sweep()
    assert list((api.folder / "objects").glob(f"{task_id}/*")) == []
    assert await api.results(task_id) == []
    await api.unharmed()


async def test_the_boundary_may_be_quoted(api: Api):
    headers = {"Content-Type": f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"'}
    assert (await send(api, form(part(PICTURE)), headers)).status_code == 200
