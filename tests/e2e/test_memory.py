"""Memory stays flat: while a big archive is uploaded, and while many results are exported.

`QUORATE_MEMORY_FULL=1`: a zip of 1.9 GB and 1,000,000 results, else a smaller one of each.
"""

import hashlib
import io
import os
import random
import sqlite3
import struct
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from loadtest.platform_process import PlatformProcess
from quorate.client import Client
from quorate.retries import RetryPolicy
from quorate.uploads import Part
from services.task_manager.domain import Image
from services.task_manager.store.codec import IMAGES
from shared.results import Detection, Prelabel, Rectangle, Result, VoteCast

IS_FULL = os.environ.get("QUORATE_MEMORY_FULL") == "1"
SMALL_ZIP_BYTES = 40_000_000
LARGE_ZIP_BYTES = 1_900_000_000 if IS_FULL else 150_000_000
SMALL_RESULTS = 6_000
LARGE_RESULTS = 1_000_000 if IS_FULL else 30_000
UPLOAD_GROWTH_BYTES = 120 * 2**20
EXPORT_GROWTH_BYTES = 80 * 2**20
FORMATS = ("jsonl", "csv", "coco", "labelstudio", "yolo", "parquet")
PICTURES = 100_000 if IS_FULL else 6_000
PICTURES_GROWTH_BYTES = 60 * 2**20
DEADLINE_S = 7200 if IS_FULL else 200
"""A bound for a busy machine, never a measure."""
PICTURE_BYTES = 20_000
MIB = 2**20


@pytest.mark.timeout(DEADLINE_S)
def test_memory_is_flat_while_a_big_archive_is_uploaded(new_platform, tmp_path, tell):
    chance = random.Random(5)
    platform = new_platform()
    platform.start()
    with _patient_client(platform) as client:
        task_id = client.create_task("archives", ["a", "b"])["id"]
        idle = int(platform.peak_mib() * MIB)
        small = _upload_archive(client, task_id, _archive(tmp_path / "small.zip", SMALL_ZIP_BYTES, chance))
        small_peak = int(platform.peak_mib() * MIB)
        began = time.monotonic()
        path = _archive(tmp_path / "large.zip", LARGE_ZIP_BYTES, chance)
        large_bytes, built_s = path.stat().st_size, time.monotonic() - began
        began = time.monotonic()
        large = _upload_archive(client, task_id, path)
        took_s, large_peak = time.monotonic() - began, int(platform.peak_mib() * MIB)
        assert client.task(task_id)["counts"]["images"] == small + large
        _check_stored(client, task_id, chance)
        client.cancel(task_id)
    tell(
        f"a zip of {large_bytes / 1e6:,.0f} MB with {large} pictures (built in {built_s:.1f} s) took {took_s:.1f} s;"
        f" peak {idle / MIB:.0f} MiB idle, {small_peak / MIB:.0f} MiB after one of {SMALL_ZIP_BYTES / 1e6:.0f} MB,"
        f" {large_peak / MIB:.0f} MiB after it"
    )
    assert large_peak - small_peak < UPLOAD_GROWTH_BYTES
    _wait_until_gone(platform.data_dir / "objects")
    platform.stop()
    assert [*(platform.data_dir / "spool").iterdir(), *(platform.data_dir / "incoming").iterdir()] == []


@pytest.mark.long
@pytest.mark.timeout(DEADLINE_S)
def test_memory_is_flat_while_many_results_are_exported(new_platform, tell):
    platform = new_platform()
    platform.start()
    with _patient_client(platform) as client:
        small_task = client.create_task("small", ["a", "b"])["id"]
        large_task = client.create_task("large", ["a", "b"])["id"]
    platform.stop()
    _seed(platform.data_dir, small_task, SMALL_RESULTS)
    _seed(platform.data_dir, large_task, LARGE_RESULTS)
    platform.start()
    with _patient_client(platform) as client:
        assert client.task(large_task)["counts"]["completed"] == LARGE_RESULTS
        tell(f"peak {platform.peak_mib():.0f} MiB idle")
        for file_format in FORMATS:
            _exported_lines(client, small_task, file_format)
            before = int(platform.peak_mib() * MIB)  # with what the format's library takes once
            began = time.monotonic()
            lines = _exported_lines(client, large_task, file_format)
            assert lines >= LARGE_RESULTS or file_format == "parquet"
            took_s, peak = time.monotonic() - began, int(platform.peak_mib() * MIB)
            tell(
                f"{file_format}: {before / MIB:.0f} MiB after {SMALL_RESULTS:,} results,"
                f" {peak / MIB:.0f} MiB after {LARGE_RESULTS:,} in {took_s:.1f} s"
            )
            assert peak - before < EXPORT_GROWTH_BYTES
    platform.stop()
    for path in platform.data_dir.glob("*.sqlite*"):
        path.unlink()


@pytest.mark.long
@pytest.mark.timeout(DEADLINE_S)
def test_memory_is_flat_while_many_pictures_are_exported(new_platform, tell):
    platform = new_platform()
    platform.start()
    with _patient_client(platform) as client:
        task_id = client.create_task("pictures", ["a", "b"])["id"]
        small_id = client.create_task("some pictures", ["a", "b"])["id"]
    platform.stop()
    picture = random.Random(1).randbytes(PICTURE_BYTES)
    for one, count in ((small_id, 500), (task_id, PICTURES)):
        _seed(platform.data_dir, one, count)
        folder = platform.data_dir / "objects" / one
        for image in _images(one, count):
            (folder / image.object_key.partition("/")[2]).write_bytes(picture)
    platform.start()
    with _patient_client(platform) as client:
        _exported_lines(client, small_id, "imagefolder")
        before = int(platform.peak_mib() * MIB)
        began = time.monotonic()
        size_bytes = client.export(task_id, _LineCounter(), file_format="imagefolder")  # pyright: ignore[reportArgumentType]
        took_s, peak = time.monotonic() - began, int(platform.peak_mib() * MIB)
    tell(
        f"{PICTURES:,} pictures as imagefolder: {size_bytes / 1e6:,.0f} MB in {took_s:.1f} s;"
        f" peak {before / MIB:.0f} MiB after 500, {peak / MIB:.0f} MiB after all"
    )
    assert size_bytes > PICTURES * PICTURE_BYTES
    assert peak - before < PICTURES_GROWTH_BYTES
    platform.stop()


def _patient_client(platform: PlatformProcess) -> Client:
    """One that waits for the whole of an upload: no answer in time would send it all again."""
    return Client(platform.url, "client", timeout_s=DEADLINE_S, retry=RetryPolicy(attempts=1))


def _upload_archive(client: Client, task_id: str, path: Path) -> int:
    """Stream it from disk; returns how many pictures were taken."""
    report = client.upload(task_id, [Part(path.name, path.stat().st_size, partial(path.open, "rb"))])
    path.unlink()
    assert report["rejected"] == report["duplicates"] == 0, [one for one in report["images"] if one["reason"]][:3]
    return report["accepted"]


def _archive(path: Path, size_bytes: int, chance: random.Random) -> Path:
    """Stored, not packed: noise of 2 to 4 MB each as BMP, written one by one."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        number = 0
        while file.fp is not None and file.fp.tell() < size_bytes - 4_000_000:
            file.writestr(f"{number}.bmp", _noise_bmp(1000, chance.randrange(700, 1300), chance))
            number += 1
    return path


def _noise_bmp(width: int, height: int, chance: random.Random) -> bytes:
    pixels = width * height * 3
    file_header = struct.pack("<2sIHHI", b"BM", 54 + pixels, 0, 0, 54)
    picture_header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, pixels, 2835, 2835, 0, 0)
    return file_header + picture_header + chance.randbytes(pixels)


def _check_stored(client: Client, task_id: str, chance: random.Random) -> None:
    items = list(client.results(task_id))
    for item in chance.sample(items, 5):
        content = client.image_bytes(item["image_url"])
        assert hashlib.sha256(content).hexdigest() == item["stored_sha256"]  # pyright: ignore[reportGeneralTypeIssues]


def _wait_until_gone(folder: Path) -> None:
    """A cancelled task's objects are erased: the test leaves no gigabytes behind."""
    end = time.monotonic() + 60
    while any(folder.rglob("*.bmp")):
        assert time.monotonic() < end, "a cancelled task's objects are still there after 60 s"
        time.sleep(0.1)


class _LineCounter(io.RawIOBase):
    """Counts lines and keeps none."""

    def __init__(self) -> None:
        self.lines = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.lines += data.count(b"\n")
        return len(data)


def _exported_lines(client: Client, task_id: str, file_format: str) -> int:
    counter = _LineCounter()
    client.export(task_id, counter, file_format=file_format)  # pyright: ignore[reportArgumentType]
    return counter.lines - (file_format == "csv")


def _seed(data_dir: Path, task_id: str, count: int) -> None:
    """Completed images with three votes each, written past the platform while it rests, and a folder for their files:
    a platform without any does not start."""
    (data_dir / "objects" / task_id).mkdir(parents=True)
    insert = "INSERT INTO images (task_id, id, state, label, object_key, body) VALUES (?,?,?,?,?,?)"
    file = sqlite3.connect(data_dir / "tasks.sqlite")
    with file:
        rows = (
            (one.task_id, one.id, one.state, "a", one.object_key, IMAGES.text(one)) for one in _images(task_id, count)
        )
        file.executemany(insert, rows)
        file.execute("UPDATE tasks SET images = ?, completed = ? WHERE id = ?", (count, count, task_id))
    file.close()


def _images(task_id: str, count: int) -> Iterator[Image]:
    now = time.time()
    votes = tuple(VoteCast(voter=f"operator{n}", label="b" if n == 1 else "a", at=now) for n in range(3))
    result = Result(
        label="a",
        agreement=2 / 3,
        decided_by="quorum",
        revision=1,
        completed_at=now,
    )
    place = Rectangle(left=1, top=2, width=300, height=200)
    seen = tuple(Detection(label="a", confidence=0.9 - n / 10, rectangle=replace(place, left=n)) for n in range(3))
    prelabel = Prelabel(model="detector:m@1", label="a", confidence=0.9, objects=seen)
    for number in range(count):
        sha256 = hashlib.sha256(f"{task_id} {number}".encode()).hexdigest()
        yield Image(
            id=sha256[:32],
            task_id=task_id,
            filename=f"{number}.jpg",
            sha256=sha256,
            stored_sha256=sha256,
            object_key=f"{task_id}/{sha256[:32]}-000000000000.jpg",
            media_type="image/jpeg",
            size_bytes=PICTURE_BYTES,
            width=640,
            height=480,
            created_at=now,
            state="completed",
            result=result,
            votes=votes,
            prelabel=prelabel,
        )
