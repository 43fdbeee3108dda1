"""What is found to upload, and how it is batched."""

import os
import stat
import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from quorate.names import BYTES_WRITTEN_OUT, ENCODING_UNKNOWN
from quorate.uploads import BATCH_BYTES, ENTRY_BYTES, Part, Unsent, batches, found, noted, parts


def walked(*paths: Path) -> list[tuple[str, str]]:
    """Names with `sent` or why not."""
    return [
        (item.filename, "sent" if isinstance(item, Part) else f"{item.status}: {item.reason}") for item in parts(paths)
    ]


def archive(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def test_a_folder_is_walked_in_order(tmp_path: Path):
    for name in ["b.JPG", "a/2.png", "a/1.webp", "plain", "notes.txt", ".DS_Store", ".git/x.jpg", "anim.gif"]:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    archive(tmp_path / "c.zip", ("in/one.jpg", b"1"))
    (tmp_path / "fake.zip").write_bytes(b"not a zip")
    assert walked(tmp_path) == [
        (".git/", "skipped: hidden folder"),
        (".DS_Store", "skipped: system file"),
        ("anim.gif", "sent"),
        ("b.JPG", "sent"),
        ("c.zip/in/one.jpg", "sent"),
        ("fake.zip", "sent"),
        ("notes.txt", "skipped: not named like a picture or an archive"),
        ("plain", "sent"),
        ("a/1.webp", "sent"),
        ("a/2.png", "sent"),
    ]


def test_a_named_file_is_sent_whatever_its_name(tmp_path: Path):
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert walked(tmp_path / "notes.txt") == [("notes.txt", "sent")]


def test_files_that_cannot_be_read_are_reported(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert walked(tmp_path) == [
        ("gone.jpg", "rejected: No such file or directory"),
        ("loop.png", "rejected: Too many levels of symbolic links"),
        ("pipe.jpg", "rejected: not a regular file"),
    ]


WALKED_ALREADY = "skipped: a link to a folder that is walked already"


def test_linked_folders_are_walked(tmp_path: Path):
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for file in (photos / "a.jpg", elsewhere / "deep/b.jpg"):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
    (photos / "batch").symlink_to("../elsewhere")
    assert walked(photos) == [("a.jpg", "sent"), ("batch/deep/b.jpg", "sent")]


def test_a_folder_is_walked_once_however_it_is_linked(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.jpg").write_bytes(b"x")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/across").symlink_to("../b")
    (tmp_path / "b/across").symlink_to("../a")
    (tmp_path / "A").symlink_to("a")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert sorted(walked(tmp_path)) == [
        ("A/", WALKED_ALREADY),
        ("a/a.jpg", "sent"),
        ("a/across/", WALKED_ALREADY),
        ("a/up/", WALKED_ALREADY),
        ("b/across/", WALKED_ALREADY),
        ("b/b.jpg", "sent"),
        ("loop.png", "rejected: Too many levels of symbolic links"),
    ]


def test_names_that_are_not_utf8_stay_different_and_are_said_to_be_changed(tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    for name in (b"th\xe9.jpg", b"th\xe8.jpg", b"notes\xff.txt"):
        (folder / os.fsdecode(name)).write_bytes(b"x")
    found_there = list(parts([tmp_path]))
    assert [item.filename for item in found_there] == [
        "caf\\xe9/notes\\xff.txt",
        "caf\\xe9/th\\xe8.jpg",
        "caf\\xe9/th\\xe9.jpg",
    ]
    assert [item.note for item in found_there if isinstance(item, Part)] == [BYTES_WRITTEN_OUT] * 2


def test_a_name_that_is_written_out_is_not_that_of_another_file(tmp_path: Path):
    for name in (b"th\xe9.jpg", rb"th\xe9.jpg", rb"th\\xe9.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    assert {name for name, _ in walked(tmp_path)} == {r"th\xe9.jpg", r"th\\xe9.jpg", r"th\\\\xe9.jpg"}


@pytest.mark.parametrize(
    "name", ["desktop.ini", "Desktop.ini", "Thumbs.db", "ehthumbs.db", ".DS_Store", "._a.jpg", "Icon\r", ".localized"]
)
def test_what_belongs_to_a_system_is_skipped_even_where_it_is_named(tmp_path: Path, name):
    (tmp_path / name).write_bytes(b"x")
    expected = [(name, "skipped: system file")]
    assert walked(tmp_path) == walked(tmp_path / name) == expected
    assert walked(archive(tmp_path.parent / f"{tmp_path.name}.zip", (name, b"x"), (f"in/{name}", b"x"))) == [
        *expected,
        (f"in/{name}", "skipped: system file"),
    ]


@pytest.mark.parametrize(
    "name", ["__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found", ".Trashes", ".git"]
)
def test_what_is_in_the_folder_of_a_system_is_skipped(tmp_path: Path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.jpg").write_bytes(b"x")
    why = "hidden" if name.startswith(".") else "system"
    assert walked(tmp_path) == [(f"{name}/", f"skipped: {why} folder")]
    path = archive(tmp_path.parent / f"{tmp_path.name}.zip", (f"{name}/a.jpg", b"x"), (f"b\\{name}\\a.jpg", b"x"))
    assert [why for _, why in walked(path)] == [f"skipped: {why} file"] * 2


def test_folders_of_an_archive_are_no_files_whichever_way_they_are_written(tmp_path: Path):
    assert walked(archive(tmp_path / "x.zip", ("a/", b""), ("b\\", b""), ("b\\c.jpg", b"x"))) == [("b\\c.jpg", "sent")]


class Stored(zipfile.ZipInfo):
    """An entry whose name is stored as these bytes, without the flag that says UTF-8."""

    def __init__(self, name: bytes, extra: bytes = b"") -> None:
        super().__init__(name.decode("cp437"))
        self.extra = extra
        self._stored = name

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's own
        return self._stored, self.flag_bits


def unicode_path(stated: bytes, stored: bytes, version: int = 1) -> bytes:
    field = struct.pack("<BL", version, zlib.crc32(stored)) + stated
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(field)) + field


@pytest.mark.parametrize(
    ("entry", "name", "note"),
    [
        ("größe.png", "größe.png", None),
        (Stored("niño/测试.png".encode()), "niño/测试.png", None),
        (Stored(b"gr\x94\xe1e.png"), "größe.png", ENCODING_UNKNOWN),
        (Stored(b"\x82.png", unicode_path("été.png".encode(), b"\x82.png")), "été.png", None),
        (Stored(b"\x82.png", unicode_path("été.png".encode(), b"other")), "é.png", ENCODING_UNKNOWN),
        (Stored(b"\x82.png", unicode_path("été.png".encode(), b"\x82.png", version=2)), "é.png", ENCODING_UNKNOWN),
    ],
)
def test_the_names_of_an_archive(tmp_path: Path, entry, name, note):
    [part] = parts([archive(tmp_path / "x.zip", (entry, b"x"))])
    assert isinstance(part, Part)
    assert (part.filename, part.note, part.open().read()) == (name, note, b"x")


def test_a_unicode_name_that_is_none_is_left_alone_or_the_archive_is_reported(tmp_path: Path):
    """Python's zipfile reads such an archive before 3.13, and not at all from then on."""
    path = archive(tmp_path / "x.zip", (Stored(b"\x82.png", unicode_path(b"\xff.png", b"\x82.png")), b"x"))
    [part] = parts([path])
    if isinstance(part, Part):
        assert (part.filename, part.note) == ("é.png", ENCODING_UNKNOWN)
    else:
        assert (part.filename, part.status) == ("x.zip", "rejected")
        assert part.reason.startswith("not a readable archive")


def test_an_archive_whose_names_are_not_what_it_says_is_reported(tmp_path: Path):
    path = archive(tmp_path / "x.zip", ("größe.png", b"x"))
    path.write_bytes(path.read_bytes().replace("ö".encode(), b"\xff\xff"))
    [(name, why)] = walked(path)
    assert name == "x.zip"
    assert why.startswith("rejected: not a readable archive")


def test_notes_are_in_the_report():
    images = [{"filename": "a", "notes": []}, {"filename": "b", "notes": ["turned"]}, {"filename": "c", "notes": []}]
    sent = [Part("a", 1, BytesIO, "odd"), Part("b", 1, BytesIO, "odd"), Part("c", 1, BytesIO)]
    seen = noted({"images": images, "accepted": 3}, sent)
    assert [image["notes"] for image in seen["images"]] == [["odd"], ["odd", "turned"], []]


def test_an_archive_is_walked_entry_by_entry(tmp_path: Path):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = archive(
        tmp_path / "batch.zip",
        ("a.jpg", b"a"),
        ("folder/", b""),
        ("folder/b.jpg", b"b"),
        ("__MACOSX/folder/b.jpg", b"x"),
        ("folder/.hidden.jpg", b"x"),
        ("readme.md", b"x"),
        ("inner.zip", b"x"),
        ("../../evil.jpg", b"x"),
        (link, b"a.jpg"),
        ("bomb.jpg", bytes(ENTRY_BYTES + 1)),
    )
    assert walked(path) == [
        ("a.jpg", "sent"),
        ("folder/b.jpg", "sent"),
        ("__MACOSX/folder/b.jpg", "skipped: system file"),
        ("folder/.hidden.jpg", "skipped: hidden file"),
        ("readme.md", "skipped: not named like a picture"),
        ("inner.zip", "rejected: an archive inside an archive"),
        ("../../evil.jpg", "sent"),
        ("link.jpg", "rejected: a symbolic link"),
        ("bomb.jpg", "rejected: unpacks to more than 32 MB"),
    ]


def test_damaged_entries_do_not_spoil_the_others(tmp_path: Path):
    path = tmp_path / "batch.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
            file.writestr(name, f"bytes of {name}")
    data = bytearray(path.read_bytes())
    data[data.index(b"bytes of b")] ^= 1
    central = data.index(b"PK\x01\x02")
    third = data.index(b"c.jpg", central) - 46
    struct.pack_into("<H", data, third + 8, 1)  # the flag of encryption
    fourth = data.index(b"d.jpg", central) - 46
    struct.pack_into("<H", data, fourth + 10, 99)  # a way of packing that nobody knows
    path.write_bytes(data)
    a, b, c, d = walked(path)
    assert a == ("a.jpg", "sent")
    assert b[1].startswith("rejected: cannot be unpacked: Bad CRC-32")
    assert c == ("c.jpg", "rejected: encrypted")
    assert d[1].startswith("rejected: cannot be unpacked")


def test_a_damaged_archive_is_reported(tmp_path: Path):
    path = archive(tmp_path / "batch.zip", ("a.jpg", b"a"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02")] ^= 1
    path.write_bytes(data)
    [(name, why)] = walked(path)
    assert name == "batch.zip"
    assert why.startswith("rejected: not a readable archive")


def test_an_entry_can_be_opened_again(tmp_path: Path):
    [part] = parts([archive(tmp_path / "batch.zip", ("a.jpg", b"a"))])
    assert isinstance(part, Part)
    assert [part.open().read(), part.open().read()] == [b"a", b"a"]


def sized(*sizes: int) -> list[Part | Unsent]:
    return [Part(str(number), size, BytesIO) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1] * 25, [25]),
        ([1] * 26, [25, 1]),
        ([BATCH_BYTES // 2] * 2, [2]),
        ([BATCH_BYTES // 2 + 1] * 2, [1, 1]),
        ([1, BATCH_BYTES * 9, 1], [1, 1, 1]),
        ([0] * 60, [25, 25, 10]),
    ],
)
def test_batches_are_bounded(sizes, expected):
    assert [len(batch) for batch in batches(sized(*sizes)) if isinstance(batch, list)] == expected


def test_what_is_not_sent_passes_through():
    unsent = Unsent("x", "skipped", "why")
    first, second = sized(1, 1)
    assert list(batches([first, unsent, second])) == [unsent, [first, second]]


def test_memory_is_that_of_a_batch(tmp_path: Path):
    size = 4 * 1024 * 1024
    path = archive(tmp_path / "batch.zip", *[(f"{n}.jpg", bytes(size)) for n in range(40)])
    tracemalloc.start()
    try:
        assert sum(len(batch) for batch in batches(parts([path])) if isinstance(batch, list)) == 40
        assert tracemalloc.get_traced_memory()[1] < 3 * BATCH_BYTES
    finally:
        tracemalloc.stop()


def test_counting_reads_nothing(tmp_path: Path):
    path = archive(tmp_path / "batch.zip", ("a.jpg", b"a"))
    data = bytearray(path.read_bytes())
    data[0:4] = b"spoi"
    path.write_bytes(data)
    assert len(list(found([path]))) == 1
