"""Zips that lie, hide, overlap or grow."""

import io
import struct
import tarfile
import zipfile
import zlib
from functools import cache
from random import Random

from tests.hostile.forms import ended, file, picture, upload
from tests.hostile.shots import CUT, Maker, Prey, Shot, one
from tests.service import archive_samples as samples

REFUSED = (413, 415, 422)
REPORTED = (200, *REFUSED)
NAMES = (
    "../../a.png",
    "/etc/passwd.png",
    "C:\\a.png",
    "a/" * 200 + "a.png",
    "\u202egnp.png",
    "__MACOSX/._a.png",
    "a\0b",
)


def sent(kind: str, prey: Prey, data: bytes, *right: int) -> Shot:
    return one(kind, upload(prey, ended(file(data, b"a.zip"))), *right)


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An honest archive, without the time of day in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


@cache
def _million() -> bytes:
    """Two hundred thousand entries, of which the end record admits one."""
    count, image = 200_000, b"x"
    local = samples.LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(image), 1, 1, 1, 0) + b"a" + image
    fields = (20, 20, 0, 0, 0, 0, zlib.crc32(image), 1, 1, 1, 0, 0, 0, 0, 0, 0)
    directory = (samples.ENTRY.pack(b"PK\1\2", *fields) + b"a") * count
    at = len(local)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), at)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at + len(directory), 1)
    end = samples.END.pack(b"PK\5\6", 0, 0, 1, 1, samples.ENTRY.size + 1, at, 0)
    return local + directory + end64 + locator + end


@cache
def _bomb(method: int) -> bytes:
    zeros = bytes(20_000_000)
    if method == zipfile.ZIP_DEFLATED:
        return zipped(("zeros.bmp", zeros))
    return samples.bomb_by_method(method, len(zeros))


def _two_directories(_: Random, prey: Prey) -> Shot:
    return sent("two directories", prey, _million(), *REFUSED, CUT)


def _grows(_: Random, prey: Prey) -> Shot:
    return sent("grows", prey, _bomb(zipfile.ZIP_DEFLATED), *REFUSED)


def _grows_at_once(chance: Random, prey: Prey) -> Shot:
    method = chance.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return sent("grows at once", prey, _bomb(method), *REFUSED)


def _too_many(chance: Random, prey: Prey) -> Shot:
    local = samples.LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    entry = samples.ENTRY.pack(b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = chance.randrange(10_001, 60_000)
    return sent("too many entries", prey, samples.ended(local, [entry] * count), 413, CUT)


def _lies(chance: Random, prey: Prey) -> Shot:
    make = chance.choice((samples.lying_short, samples.lying_long, samples.encrypted, samples.overlapping))
    return sent("lies", prey, make(picture(chance)), *REFUSED)


def _far(chance: Random, prey: Prey) -> Shot:
    return sent("an end beyond all files", prey, samples.with_far_zip64_end(picture(chance)), *REFUSED)


def _link(_: Random, prey: Prey) -> Shot:
    return sent("a link", prey, samples.with_symlink("a.png", "/etc/passwd"), *REFUSED)


def _nested(chance: Random, prey: Prey) -> Shot:
    inner = zipped(("a.png", picture(chance)))
    for _ in range(chance.randrange(1, 20)):
        inner = zipped(("a.zip", inner))
    return sent("zips in zips", prey, inner, *REFUSED)


def _names(chance: Random, prey: Prey) -> Shot:
    return sent("odd names", prey, zipped((chance.choice(NAMES), picture(chance))), *REPORTED)


def _method(chance: Random, prey: Prey) -> Shot:
    data = samples.raw(b"a.png", b"x" * 50, size=50, crc=1, method=chance.randrange(1, 100))
    return sent("an unknown method", prey, data, *REFUSED)


def _mutated(chance: Random, prey: Prey) -> Shot:
    entries = [(f"{number}.png", picture(chance)) for number in range(chance.randrange(1, 30))]
    data = bytearray(zipped(*entries))
    for _ in range(chance.randrange(1, 10)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return sent("bytes changed", prey, bytes(data), *REPORTED)


def _cut(chance: Random, prey: Prey) -> Shot:
    data = zipped(("a.png", picture(chance)), ("b.png", picture(chance)))
    return sent("cut", prey, data[: chance.randrange(1, len(data))], *REFUSED)


def _other(chance: Random, prey: Prey) -> Shot:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=chance.choice(("w", "w:bz2", "w:xz"))) as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    magic = chance.choice((out.getvalue(), b"Rar!\x1a\x07\x01\0" + bytes(99), b"7z\xbc\xaf\x27\x1c" + bytes(99)))
    return sent("another archive", prey, magic, 415)


def _left(chance: Random, prey: Prey) -> Shot:
    """What a zip needs on the disk has to go again."""
    entries = [(f"{number}.bmp", chance.randbytes(100_000)) for number in range(20)]
    data = upload(prey, ended(file(zipped(*entries), b"a.zip")))
    return Shot(kind="left under way", pieces=(data[: chance.randrange(1_500_000, len(data))],), is_left=True)


MAKERS: tuple[Maker, ...] = (
    _two_directories,
    _grows,
    _grows_at_once,
    _too_many,
    _lies,
    _far,
    _link,
    _nested,
    _names,
    _method,
    _mutated,
    _cut,
    _other,
    _left,
)
