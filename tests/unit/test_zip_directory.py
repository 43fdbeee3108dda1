"""Directories of zip archives whose records lie, and names as archives hold them."""

import io
import random
import struct
import subprocess
import zipfile
import zlib

import pytest

from services.task_manager import names, zip_directory
from services.task_manager.archives import (
    ArchiveLimits,
    EntryRejected,
    EntrySkipped,
    open_archive,
    read_entry,
)
from services.task_manager.zip_directory import ArchiveRejected, ArchiveTooLarge
from shared.errors import QuorateError
from tests.service import archive_samples as samples

LIMITS = ArchiveLimits(max_entries=100, max_unpacked_bytes=1_000_000, max_entry_bytes=100_000)


def opened(data: bytes, limits: ArchiveLimits = LIMITS):
    return open_archive(io.BytesIO(data), limits)


def contents(data: bytes, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    archive = opened(data, limits)
    return {entry.name.text: read_entry(archive, entry, limits) for entry in archive.entries}


def with_zip64(data: bytes, *, entries: int | None = None, said: int | None = None, at: int | None = None) -> bytes:
    """The archive with zip64 records, which say what the end record says unless told otherwise; `said`: what the end
    record says instead."""
    end_at = data.rindex(b"PK\x05\x06")
    end = list(samples.END.unpack_from(data, end_at))
    count = end[4] if entries is None else entries
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, end[5], end[6])
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end_at if at is None else at, 1)
    if said is not None:
        end[3] = end[4] = said
    return data[:end_at] + record + locator + samples.END.pack(*end)


ONE = samples.zipped(("a.png", b"a"))
TWO = samples.zipped(("a.png", b"a"), ("b.png", b"b"))
ENTRY_AT, END_AT = ONE.index(b"PK\x01\x02"), ONE.rindex(b"PK\x05\x06")


def end_changed(data: bytes, **changes: int) -> bytes:
    fields = ("signature", "disk", "first_disk", "entries_here", "entries", "size", "at", "comment")
    end = dict(zip(fields, samples.END.unpack_from(data, len(data) - 22), strict=True)) | changes
    return data[:-22] + samples.END.pack(*end.values())


HONEST = {
    "plain": ONE,
    "deflated": samples.zipped(("a.png", b"a"), method=zipfile.ZIP_DEFLATED),
    "zip64": with_zip64(ONE),
    "zip64 with markers": with_zip64(ONE, said=0xFFFF),
    "a comment": ONE[:-2] + b"\x05\0hello",
    "a comment with the signature of an end": ONE[:-2] + b"\x0b\0PK\x05\x06 inside",
    "a comment with the signature of an entry": ONE[:-2] + b"\x0b\0PK\x01\x02 inside",
    "a comment with an end of another archive": ONE[:-2] + b"\x17\0" + ONE[END_AT:] + b"!",
    "bytes behind it": ONE + b"\n",
    "a gap before the directory": end_changed(ONE[:ENTRY_AT] + bytes(9) + ONE[ENTRY_AT:], at=ENTRY_AT + 9),
}


@pytest.mark.parametrize("data", HONEST.values(), ids=HONEST)
def test_honest_archives(data):
    assert [bytes(one) for one in contents(data).values()] == [b"a"]


DISHONEST = {
    "zip64 says more": with_zip64(ONE, entries=2),
    "zip64 says a million where the end says one": with_zip64(ONE, entries=1_000_000, said=1),
    "zip64 says less": with_zip64(TWO, entries=1),
    "zip64 says none": with_zip64(ONE, entries=0, said=0xFFFF),
    "zip64 record elsewhere": with_zip64(ONE, at=0),
    "zip64 record beyond": with_zip64(ONE, at=2**63),
    "zip64 record missing": ONE[:END_AT] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 4, 1) + ONE[END_AT:],
    "the end says more": end_changed(ONE, entries_here=2, entries=2),
    "the end says less": end_changed(TWO, entries_here=1, entries=1),
    "the counts differ": end_changed(TWO, entries_here=1),
    "another disk": end_changed(ONE, disk=1),
    "a shorter directory": end_changed(ONE, size=50),
    "a directory elsewhere": end_changed(ONE, at=0),
    "something before it": b"PK\x03\x04" + bytes(100) + ONE,
    "two archives in one": ONE + TWO,
    "two ends": ONE[:-2] + struct.pack("<H", 22) + ONE[END_AT:],
    "an end within the directory": ONE[:END_AT] + b"PK\x05\x06" + bytes(18),
    "cut": ONE[:-1],
    "markers without zip64": end_changed(ONE, at=0xFFFFFFFF),
}


@pytest.mark.parametrize("data", DISHONEST.values(), ids=DISHONEST)
def test_records_that_do_not_agree(data):
    with pytest.raises((ArchiveRejected, ArchiveTooLarge)):
        opened(data)


def test_no_more_entries_are_read_than_the_limit(monkeypatch):
    """Whatever the records say: entries are counted before one is made."""
    made = []
    monkeypatch.setattr(zip_directory, "_entry", lambda *arguments: made.append(arguments))
    local, entry = ONE[:ENTRY_AT], ONE[ENTRY_AT:END_AT]
    for entries in (1, 99, 100, 101, 60_000):
        for zip64 in (
            lambda data: data,
            lambda data: with_zip64(data, said=1),
            lambda data: with_zip64(data, said=0xFFFF),
        ):
            data = zip64(samples.ended(local, [entry] * 5_000, entries=entries))
            with pytest.raises((ArchiveRejected, ArchiveTooLarge)):
                opened(data)
    assert len(made) <= 100 * 3 * 3


def zip_named(raw: bytes, *, flags: int = 0, extra: bytes = b"") -> bytes:
    """An archive of one entry with this name."""
    local = samples.LOCAL.pack(b"PK\x03\x04", 20, flags, 0, 0, 33, zlib.crc32(b"a"), 1, 1, len(raw), 0) + raw + b"a"
    fields = (20, 20, flags, 0, 0, 33, zlib.crc32(b"a"), 1, 1, len(raw), len(extra), 0, 0, 0, 0, 0)
    return samples.ended(local, [samples.ENTRY.pack(b"PK\x01\x02", *fields) + raw + extra])


def unicode_path(name: str, raw: bytes, *, version: int = 1) -> bytes:
    content = struct.pack("<BL", version, zlib.crc32(raw)) + name.encode()
    return struct.pack("<2H", 0x7075, len(content)) + content


TIMES = struct.pack("<2HBL", 0x5455, 5, 1, 0)
LATIN = "niño.png".encode("cp437")
NAMES = {
    "ASCII": (zip_named(b"a.png"), "a.png", False),
    "UTF-8 with the flag": (zip_named("niño.png".encode(), flags=0x800), "niño.png", False),
    "UTF-8 without the flag": (zip_named("niño.png".encode()), "niño.png", False),
    "Chinese without the flag": (zip_named("测试.png".encode()), "测试.png", False),
    "decomposed, as macOS writes": (zip_named("nin\u0303o.png".encode()), "nin\u0303o.png", False),
    "the flag on other bytes": (zip_named(LATIN, flags=0x800), "niño.png", True),
    "CP437": (zip_named(LATIN), "niño.png", True),
    "the extra field": (zip_named(LATIN, extra=unicode_path("测试.png", LATIN)), "测试.png", False),
    "behind another": (zip_named(LATIN, extra=TIMES + unicode_path("测试.png", LATIN)), "测试.png", False),
    "for another name": (zip_named(LATIN, extra=unicode_path("测试.png", b"other")), "niño.png", True),
    "of another version": (zip_named(LATIN, extra=unicode_path("x.png", LATIN, version=2)), "niño.png", True),
    "cut": (zip_named(LATIN, extra=unicode_path("测试.png", LATIN)[:-1]), "niño.png", True),
    "a stub": (zip_named(LATIN, extra=struct.pack("<2H", 0x7075, 3) + b"\1ab"), "niño.png", True),
    "UTF-8 counts before it": (
        zip_named("niño.png".encode(), extra=unicode_path("other.png", "niño.png".encode())),
        "niño.png",
        False,
    ),
    "a transcription": (zip_named(b"#U6d4b.png", extra=unicode_path("测.png", b"#U6d4b.png")), "测.png", False),
}


@pytest.mark.parametrize(("data", "name", "is_guessed"), NAMES.values(), ids=NAMES)
def test_names(data, name, is_guessed):
    (entry,) = opened(data).entries
    assert entry.name == names.Name(text=name, notes=(names.CP437_NOTE,) if is_guessed else ())
    assert contents(data) == {name: b"a"}


def test_names_as_the_zip_of_this_machine_writes_them(tmp_path):
    files = {"niño.png", "测试.png", "Capture_décran.png"}
    for name in files:
        (tmp_path / name).write_bytes(b"a")
    try:
        subprocess.run(["zip", "-qr", "all.zip", *sorted(files)], cwd=tmp_path, check=True)
    except FileNotFoundError:
        pytest.skip("there is no zip here")
    assert set(contents((tmp_path / "all.zip").read_bytes())) == files


def test_sizes_in_zip64_extra_fields():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive, archive.open("a.png", "w", force_zip64=True) as file:
        file.write(b"a")
    assert contents(data.getvalue()) == {"a.png": b"a"}
    marked = bytearray(ONE)
    at = marked.index(b"PK\x01\x02")
    marked[at + 24 : at + 28] = b"\xff" * 4
    with pytest.raises(ArchiveRejected, match="how long"):
        opened(bytes(marked))


def test_an_entry_cannot_reach_into_the_next():
    """By a local header that is longer than the directory knows."""
    local = samples.LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(b"b"), 1, 1, 1, 31) + b"a"
    second = samples.LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(b"b"), 1, 1, 1, 0) + b"bb"
    fields = (20, 20, 0, 0, 0, 33, zlib.crc32(b"b"), 1, 1, 1, 0, 0, 0, 0, 0)
    directory = [
        samples.ENTRY.pack(b"PK\x01\x02", *fields, 0) + b"a",
        samples.ENTRY.pack(b"PK\x01\x02", *fields, len(local) + 1) + b"b",
    ]
    archive = opened(samples.ended(local + b"?" + second, directory))
    with pytest.raises(EntryRejected):
        read_entry(archive, archive.entries[0], LIMITS)
    assert read_entry(archive, archive.entries[1], LIMITS) == b"b"


def test_whatever_the_bytes_are_an_archive_is_read_or_refused():
    """Records and entries changed at random, with known signatures in random places: never another exception, and no
    more unpacked than the limits say."""
    randomness = random.Random(14)
    whole = with_zip64(samples.zipped(*((f"{n}.png", bytes([n]) * 50) for n in range(3)), method=zipfile.ZIP_DEFLATED))
    words = [
        b"PK\x01\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"PK\x06\x07",
        b"\xff" * 4,
        b"\xff" * 8,
        bytes(4),
    ]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(4_000):
        data = bytearray(whole)
        for _ in range(randomness.randint(1, 5)):
            at = randomness.randrange(len(data))
            if randomness.random() < 0.5:
                data[at] = randomness.randrange(256)
            else:
                word = randomness.choice(words)
                data[at : at + randomness.choice((0, len(word)))] = word
        outcomes[outcome(bytes(data))] += 1
    assert min(outcomes.values()) > 100


def outcome(data: bytes) -> str:
    unpacked = 0
    try:
        archive = opened(data)
    except QuorateError:
        return "refused"
    for entry in archive.entries:
        try:
            unpacked += len(read_entry(archive, entry, LIMITS))
        except (QuorateError, EntrySkipped):
            continue
    assert unpacked <= LIMITS.max_unpacked_bytes
    return "read"
