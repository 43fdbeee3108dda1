"""What is found to upload, and how it is batched."""

import os
import stat
import struct
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from quorate.uploads import BATCH_BYTES, ENTRY_BYTES, Part, Unsent, batches, found, parts


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
        (".DS_Store", "skipped: hidden file"),
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


def test_a_folder_that_links_to_itself_ends(tmp_path: Path):
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert walked(tmp_path) == [("a.jpg", "sent")]


def test_a_name_that_is_not_unicode_can_be_sent(tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).write_bytes(b"x")
    assert walked(tmp_path) == [("?.jpg", "sent")]


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
        ("__MACOSX/folder/b.jpg", "skipped: hidden file"),
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
