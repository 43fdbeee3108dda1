"""Forms that are broken, odd or hostile."""

import base64
import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from services.task_manager import uploads
from tests.service import archive_samples as archive
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


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a.png"), io.BytesIO())
    return out.getvalue()


BROKEN = {
    "no boundary": (form(part(PICTURE)), "multipart/form-data", 400),
    "empty boundary": (form(part(PICTURE)), 'multipart/form-data; boundary=""', 400),
    "endless boundary": (form(part(PICTURE)), "multipart/form-data; boundary=" + "b" * 5_000, 400),
    "boundary with a charset": (form(part(PICTURE)), "multipart/form-data; boundary*=a\0b''bdry", 400),
    "extended boundary beside pieces": (form(part(PICTURE)), "multipart/form-data; boundary*=x; boundary*0=y", 400),
    "boundary with endless digits": (form(part(PICTURE)), "multipart/form-data; boundary*" + "9" * 5_000 + "=x", 400),
    "extended boundary beside a plain one": (form(part(PICTURE)), FORM["Content-Type"] + "; boundary*=x", 400),
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
    "backslashes": (b"..\\\\..\\\\boot.ini", "..\\..\\boot.ini"),
    "1,000 characters": (b"n" * 1_000, "n" * 1_000),
    "right to left": ("\u202egnp.exe".encode(), "\u202egnp.exe"),
    "empty": (b"", ""),
    "dots": (b"..", ".."),
    "blanks at the ends": (b" a.png ", " a.png "),
    "script": (b"<script>alert(1)</script>.png", "<script>alert(1)</script>.png"),
    "a quote as browsers send it": (b"24%22 monitor.png", '24" monitor.png'),
    "a name that is no picture's": (b"setup.exe", "setup.exe"),
    "an emoji": ("\N{CAT FACE}.png".encode(), "\N{CAT FACE}.png"),
}


@pytest.mark.parametrize(("filename", "shown"), NAMES.values(), ids=NAMES)
async def test_names_are_kept_as_they_are_and_are_never_paths(api: Api, filename, shown):
    answer = await send(api, form(named(filename, PICTURE)))
    assert answer.status_code == 200, answer.text
    (report,) = answer.json()["images"]
    assert (report["status"], report["filename"], report["notes"]) == ("accepted", shown, [])
    await api.unharmed()


async def test_whatever_of_a_name_was_changed_is_told(api: Api):
    """Two names stay two, however long they are, and whatever bytes they are of."""
    long = [b"n" * 1_100 + end for end in (b"a.png", b"b.png")]
    latin = [b"caf\xe9.png", b"caf\xe8.png"]
    pictures = [png(number) for number in range(4)]
    body = form(*map(named, [*long, *latin], pictures))
    reports = (await send(api, body)).json()["images"]
    assert [one["status"] for one in reports] == ["accepted"] * 4
    assert [len(one["filename"]) for one in reports[:2]] == [1_000, 1_000]
    assert len({one["filename"] for one in reports}) == 4
    assert all("over 1,000 characters" in one["notes"][0] for one in reports[:2])
    assert [one["filename"] for one in reports[2:]] == ["café.png", "cafè.png"]
    assert all("Latin-1" in one["notes"][0] for one in reports[2:])
    await api.unharmed()


UNREADABLE_NAMES = {
    "NUL": (b'filename="a\0b.png"', 422, "U+0000"),
    "ESC": (b'filename="\x1b[2J.png"', 422, "U+001B"),
    "line breaks as browsers send them": (b'filename="a%0D%0Ab.png"', 422, "U+000D"),
    "DEL": (b'filename="a\x7f.png"', 422, "U+007F"),
    "C1": ('filename="a\x85.png"'.encode(), 422, "U+0085"),
    "C1 in Latin-1": (b'filename="a\x9b.png"', 422, "U+009B"),
    "line separator": ('filename="a\u2028.png"'.encode(), 422, "U+2028"),
    "ESC in the extended form": (b"filename*=UTF-8''%1b.png", 422, "U+001B"),
    "5 kB": (b'filename="' + b"n" * 5_000 + b'"', 400, "2,048 bytes"),
    "semicolons in quotes": (b'filename="' + b";" * 16_000 + b'"', 400, "2,048 bytes"),
    "pieces": (b"filename*=utf-8''a; filename*0=b", 400, "pieces"),
    "another codec": (b"filename*=klingon''a.png", 400, "UTF-8"),
    "a codec that makes surrogates": (rb"filename*=unicode_escape''%5Cud800", 400, "UTF-8"),
    "UTF-7": (b"filename*=utf-7''%2B2AA-", 400, "UTF-8"),
    "broken UTF-8": (b"filename*=UTF-8''%ff", 400, "UTF-8"),
    "twice": (b"filename=a; filename=b", 400, "twice"),
}


@pytest.mark.parametrize(("parameter", "status", "reason"), UNREADABLE_NAMES.values(), ids=UNREADABLE_NAMES)
async def test_a_name_that_cannot_be_kept_is_the_fault_of_its_part_alone(api: Api, parameter, status, reason):
    bad = part(png(1), b"form-data; name=images; " + parameter)
    assert_problem(await send(api, form(bad)), status, saying=reason)
    answer = await send(api, form(named(b"a.png", png(2)), bad, named(b"b.png", png(3))))
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in answer.json()["images"]] == ["accepted", "rejected", "accepted"]
    assert reason in answer.json()["images"][1]["reason"]
    assert answer.json()["images"][1]["filename"].isprintable()
    await api.unharmed()


@pytest.mark.parametrize(("encoded", "shown"), [(b"UTF-8''%E2%82%AC.png", "€.png"), (b"iso-8859-1''%A3.png", "£.png")])
async def test_names_in_the_extended_form(api: Api, encoded, shown):
    answer = await send(api, form(part(PICTURE, b'form-data; name="images"; filename="x"; filename*=' + encoded)))
    assert answer.json()["images"][0]["filename"] == shown


OTHER_ARCHIVES = {
    "tar": _tar(),
    "gz": gzip.compress(b"x"),
    "bz2": bz2.compress(b"x"),
    "xz": lzma.compress(b"x"),
    "zst": b"\x28\xb5\x2f\xfd\x24\x00",
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(26),
    "rar 4": b"Rar!\x1a\x07\x00",
    "rar 5": b"Rar!\x1a\x07\x01\x00",
}


@pytest.mark.parametrize("data", OTHER_ARCHIVES.values(), ids=OTHER_ARCHIVES)
async def test_archives_of_other_formats_are_told_what_is_taken(api: Api, data):
    """As a part by any name, over the limit of pictures, as an entry, and as JSON."""
    task_id = await api.task()
    for name, content in [("a.tar", data), ("a.png", data), ("a.zip", data), ("a", data + bytes(20_000_000))]:
        assert_problem(await api.upload(task_id, (name, content)), 415, saying="only zip archives are taken")
    zipped = archive.zipped(("inner", data))
    assert_problem(await api.upload(task_id, ("a.zip", zipped)), 415, saying="only zip archives are taken")
    body = {"id": "a", "image": base64.b64encode(data).decode()}
    answer = await api.http.post(f"/api/tasks/{task_id}/images", json=body)
    assert_problem(answer, 415, saying="only zip archives are taken")
    await api.unharmed()


SYSTEM_FILES = [
    "desktop.ini",
    "Desktop.ini",
    "holiday/Thumbs.db",
    "holiday\\ehthumbs.db",
    ".DS_Store",
    "._cat.png",
    "._photos.zip",
    "__MACOSX/holiday/cat.png",
    "$RECYCLE.BIN/cat.png",
    "Icon\r",
]


async def test_files_of_windows_and_macos_are_skipped(api: Api):
    files = [(name, b"whatever") for name in SYSTEM_FILES[:-1]]
    report = (await api.upload(await api.task(), *files, ("cat.png", png(1)))).json()
    assert [one["status"] for one in report["images"]] == ["skipped"] * len(files) + ["accepted"]
    assert (report["rejected"], report["skipped"]) == (0, len(files))
    zipped = archive.zipped(*((name, b"whatever") for name in SYSTEM_FILES), ("cat.png", png(2)))
    report = (await api.upload(await api.task(), ("a.zip", zipped))).json()
    assert (report["accepted"], report["rejected"], report["skipped"]) == (1, 0, len(SYSTEM_FILES))
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
        assert_problem(refusals[0], 503, code="too-many-uploads")
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
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/results"), 410, saying="erased")
    await api.unharmed()


async def test_the_boundary_may_be_quoted(api: Api):
    headers = {"Content-Type": f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"'}
    assert (await send(api, form(part(PICTURE)), headers)).status_code == 200


@pytest.mark.parametrize("name", ["a\0.png", "a\n.png", "\x1b[2J"])
async def test_names_in_json_are_held_to_the_same(api: Api, name):
    body = {"id": name, "image": base64.b64encode(png(1)).decode()}
    answer = await api.http.post(f"/api/tasks/{await api.task()}/images", json=body)
    assert_problem(answer, 422, saying="control character")
    await api.unharmed()


async def test_names_in_zips_are_held_to_the_same(api: Api):
    """One that cannot be kept is refused alone; one that was guessed is taken, and said to be."""
    task_id = await api.task()
    latin = archive.raw("niño.png".encode("cp437"), PICTURE, size=len(PICTURE), crc=zlib.crc32(PICTURE))
    long = archive.zipped(("n" * 1_200 + "a.png", png(2)), ("n" * 1_200 + "b.png", png(3)), ("a\x1bb.png", png(4)))
    report = (await api.upload(task_id, ("latin.zip", latin), ("long.zip", long))).json()["images"]
    assert [one["status"] for one in report] == ["accepted", "accepted", "accepted", "rejected"]
    assert (report[0]["filename"], "CP437" in report[0]["notes"][0]) == ("niño.png", True)
    assert report[1]["filename"] != report[2]["filename"]
    assert all("cut" in one["notes"][0] for one in report[1:3])
    assert report[3]["filename"] == "a\ufffdb.png"
    assert "U+001B" in report[3]["reason"]
    await api.unharmed()
