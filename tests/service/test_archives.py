"""Zip archives: honest ones, and those that are built to deceive."""

import random
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.service import archive_samples as archive
from tests.service.picture_samples import png
from tests.service.running import Api, assert_problem, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
PICTURE = png(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running(tmp_path_factory.mktemp("archives")) as started:
        yield started


WHOLE = {
    "not a zip": ("photos.zip", PICTURE, 415, "no zip"),
    "text": ("PHOTOS.ZIP", b"just text", 415, "no zip"),
    "empty file": ("photos.zip", b"", 415, "no zip"),
    "empty zip": ("photos.zip", archive.zipped(), 422, "empty"),
    "too many entries": (
        "photos.zip",
        archive.zipped(*((f"{n}.png", b"") for n in range(10_001))),
        413,
        "more than 10,000 entries",
    ),
    "ratio bomb": ("photos.zip", archive.bomb(5_000_000), 413, "more than 100 times"),
    "overlapping": ("photos.zip", archive.overlapping(PICTURE), 422, "overlap"),
    "cut": ("photos.zip", archive.zipped(("a.png", PICTURE))[:-30], 422, "damaged"),
    "cut in the end record": ("photos.zip", archive.zipped(("a.png", PICTURE))[:-3], 422, "damaged"),
    "only a beginning": ("photos.zip", b"PK\x03\x04", 422, "damaged"),
    "far zip64 end": ("photos.zip", archive.with_far_zip64_end(PICTURE), 422, "damaged"),
    "directory elsewhere": (
        "photos.zip",
        b"PK\x03\x04" + archive.END.pack(b"PK\x05\x06", 0, 0, 1, 1, 46, 2**31, 0),
        422,
        "damaged",
    ),
    "fewer entries than it says": (
        "photos.zip",
        archive.ended(b"PK\x03\x04", [], entries=60_000),
        413,
        "more than 10,000 entries",
    ),
    "disguised": ("photo.png", archive.bomb(5_000_000), 413, "more than 100 times"),
}


@pytest.mark.parametrize(("name", "data", "status", "reason"), WHOLE.values(), ids=WHOLE)
async def test_archives_that_are_refused_whole(api: Api, name, data, status, reason):
    task_id = await api.task()
    problem = assert_problem(await api.upload(task_id, (name, data)), status, saying=reason)
    assert problem["images"][0]["filename"] == name
    assert await api.results(task_id) == []
    await api.unharmed()


ENTRIES = {
    "nested": (archive.zipped(("inner.zip", archive.zipped(("a.png", PICTURE)))), "archive itself", 422),
    "nested by another name": (archive.zipped(("a.png", archive.zipped(("a.png", PICTURE)))), "archive itself", 422),
    "symlink": (archive.with_symlink("link.png", "/etc/passwd"), "symbolic link", 422),
    "encrypted": (archive.encrypted(PICTURE), "encrypted", 422),
    "longer than it says": (archive.lying_short(PICTURE), "as it says", 422),
    "shorter than it says": (archive.lying_long(PICTURE), "as it says", 422),
    "says nothing": (archive.raw(b"a.png", PICTURE, size=0, crc=0), "", 422),
    "wrong checksum": (archive.raw(b"a.png", PICTURE, size=len(PICTURE), crc=1), "damaged", 422),
    "unknown method": (archive.raw(b"a.png", PICTURE, size=len(PICTURE), crc=1, method=97), "method", 422),
    "bzip2": (archive.bomb_by_method(zipfile.ZIP_BZIP2, 50_000_000), "method", 422),
    "LZMA": (archive.bomb_by_method(zipfile.ZIP_LZMA, 10_000_000), "method", 422),
    "broken deflate": (archive.raw(b"a.png", PICTURE, size=500, crc=1, method=zipfile.ZIP_DEFLATED), "damaged", 422),
    "not a picture": (archive.zipped(("a.png", b"text")), "not a picture", 422),
    "SVG": (archive.zipped(("a.png", b"<svg></svg>")), "SVG", 415),
    "zero bytes": (archive.zipped(("a.png", b"")), "empty", 422),
}


@pytest.mark.parametrize(("data", "reason", "status"), ENTRIES.values(), ids=ENTRIES)
async def test_entries_that_are_refused(api: Api, data, reason, status):
    task_id = await api.task()
    problem = assert_problem(await api.upload(task_id, ("photos.zip", data)), status, saying=reason)
    assert [one["status"] for one in problem["images"]] == ["rejected"]
    assert await api.results(task_id) == []
    await api.unharmed()


async def test_an_entry_over_its_limit_and_an_archive_over_its_own(tmp_path):
    async with running(tmp_path, max_image_bytes=1_000, max_archive_bytes=50_000, max_archive_entries=3) as small:
        task_id = await small.task()
        heavy = archive.zipped(("heavy.bmp", bytes(1_001)), ("a.png", PICTURE))
        report = (await small.upload(task_id, ("a.zip", heavy))).json()
        assert [one["status"] for one in report["images"]] == ["rejected", "accepted"]
        many = archive.zipped(*((f"{n}.png", png(n)) for n in range(4)))
        assert_problem(await small.upload(task_id, ("a.zip", many)), 413, saying="3 entries")
        unpacked = archive.zipped(("a", random.Random(0).randbytes(30_000)), ("b", bytes(30_000)), method=8)
        assert_problem(await small.upload(task_id, ("a.zip", unpacked)), 413, saying="50,000 bytes")
        packed = archive.zipped(("a", random.Random(0).randbytes(60_000)))
        assert_problem(await small.upload(task_id, ("a.zip", packed)), 413, saying="50,000 bytes")
        await small.unharmed()


async def test_a_report_for_every_entry(api: Api):
    task_id = await api.task()
    data = archive.zipped(
        ("animals/", b""),
        ("animals/cat.png", png(31)),
        ("__MACOSX/animals/._cat.png", b"resource fork"),
        ("animals/.DS_Store", b"x"),
        ("Thumbs.db", b"x"),
        ("../../escape.png", png(32)),
        ("/absolute.png", png(33)),
        ("again.png", png(31)),
        ("readme.txt", b"text"),
        ("animals/inner.zip", archive.zipped(("a.png", png(34)))),
        ("\u202e\N{CAT FACE}.png", png(35)),
        method=zipfile.ZIP_DEFLATED,
    )
    report = (await api.upload(task_id, ("photos.zip", data), ("alone.png", png(36)))).json()
    assert [one["status"] for one in report["images"]] == [
        "skipped",
        "accepted",
        "skipped",
        "skipped",
        "skipped",
        "accepted",
        "accepted",
        "duplicate",
        "rejected",
        "rejected",
        "accepted",
        "accepted",
    ]
    assert (report["accepted"], report["duplicates"], report["rejected"], report["skipped"]) == (5, 1, 2, 4)
    assert report["images"][5]["filename"] == "../../escape.png"
    assert {path.parent.name for path in (api.folder / "objects").glob("*/*")} >= {task_id}
    assert not list(api.folder.parent.glob("*.png"))
    await api.unharmed()


async def test_a_zip_without_the_name_of_one(api: Api):
    task_id = await api.task()
    report = (await api.upload(task_id, ("", archive.zipped(("a.png", png(41)))))).json()
    assert report["accepted"] == 1
    await api.unharmed()


async def test_only_skipped_entries_are_an_upload_of_nothing(api: Api):
    answer = await api.upload(await api.task(), ("a.zip", archive.zipped(("folder/", b""), (".DS_Store", b""))))
    problem = assert_problem(answer, 422)
    assert problem["skipped"] == 2


async def test_names_twice_are_two_entries(api: Api):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive.zipped(("a.png", png(51)), ("a.png", png(52)))
    assert (await api.upload(await api.task(), ("a.zip", data))).json()["accepted"] == 2
    await api.unharmed()


async def test_whatever_is_broken_in_an_archive_is_told(api: Api):
    """Bytes changed at random places: a report or a refusal, never a fault of ours."""
    whole = bytearray(archive.zipped(("a.png", png(61)), ("b/c.png", png(62)), method=zipfile.ZIP_DEFLATED))
    randomness = random.Random(7)
    task_id = await api.task()
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(randomness.randint(1, 4)):
            broken[randomness.randrange(4, len(broken))] = randomness.choice((0, 0xFF, randomness.randrange(256)))
        answer = await api.upload(task_id, ("a.zip", bytes(broken)))
        assert answer.status_code in {200, 413, 415, 422}, answer.text
    await api.unharmed()
