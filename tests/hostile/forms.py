"""Multipart bodies with odd headers, names, boundaries and ends."""

from functools import partial
from random import Random

from tests.hostile.shots import CUT, Maker, Prey, Shot, one, request
from tests.service.picture_samples import png

BOUNDARY = "hostile"
CODECS = ("unicode_escape", "utf-7", "utf-16", "punycode", "idna", "zlib", "rot13", "cp037", "raw_unicode_escape", "x")
NAMES = (
    b"../../../etc/passwd",
    b"a\0.png",
    b"n" * 5_000,
    "\u202egnp.exe".encode(),
    b"CON",
    b"a\\b\\c.png",
    b"%00%2e%2e%2f",
    b"\xff\xfe\xfd.png",
    b"",
    b"=cmd()",
)
BOUNDARIES = (
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary*=x; boundary*0=y",
    f"multipart/form-data; boundary*{'9' * 5_000}=x",
    "multipart/form-data; boundary*=utf-7''%2B2AA-",
    f"multipart/form-data; boundary={'b' * 5_000}",
    'multipart/form-data; boundary="hostile',
    "multipart/form-data;;;; boundary",
    "multipart/form-data; boundary=\xff",
    "multipart/form-data; charset=utf-16; boundary=other",
)
TAKEN_OR_NOT = (200, 400, 413, 415, 422)


def picture(chance: Random) -> bytes:
    return png(chance.randrange(2**24))


def part(data: bytes, disposition: bytes, more: bytes = b"") -> bytes:
    return b"--hostile\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + data + b"\r\n"


def file(data: bytes, name: bytes = b"a.png") -> bytes:
    return part(data, b'form-data; name="images"; filename="' + name + b'"')


def upload(prey: Prey, body: bytes, *, kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> bytes:
    return request("POST", f"/api/tasks/{prey.task_id}/images", body=body, kind=kind)


def ended(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--hostile--\r\n"


def _semicolons(chance: Random, prey: Prey) -> Shot:
    name = b";" * chance.randrange(1_900, 60_000)
    parts = [file(b"x", name)] * chance.randrange(1, 21)
    return one("semicolons in quotes", upload(prey, ended(*parts)), 400, 422)


def _continued_names(chance: Random, prey: Prey) -> Shot:
    odd = b"form-data; name=images; filename*=utf-8''a; filename*0=b; filename*1*=utf-8''c"
    return one("a name in pieces", upload(prey, ended(part(picture(chance), odd))), *TAKEN_OR_NOT)


def _codecs(chance: Random, prey: Prey) -> Shot:
    codec = chance.choice(CODECS)
    text = chance.choice(("%5Cud800", "%2B2AA-", "%FF%FE", "%00", "a"))
    bad = part(picture(chance), f"form-data; name=images; filename*={codec}''{text}".encode())
    good = file(picture(chance), b"good.png")
    return one("a codec of the caller's", upload(prey, ended(good, bad)), 200, 400)


def _boundaries(chance: Random, prey: Prey) -> Shot:
    body = ended(file(picture(chance)))
    return one("an odd boundary", upload(prey, body, kind=chance.choice(BOUNDARIES)), 200, 400, 422)


def _names(chance: Random, prey: Prey) -> Shot:
    return one("an odd name", upload(prey, ended(file(picture(chance), chance.choice(NAMES)))), 200, 400, 422)


def _no_end(chance: Random, prey: Prey) -> Shot:
    return one("no last boundary", upload(prey, file(picture(chance))), 400)


def _cut_anywhere(chance: Random, prey: Prey) -> Shot:
    body = ended(file(picture(chance)), file(picture(chance)))
    return one("cut anywhere", upload(prey, body[: chance.randrange(1, len(body) - 4)]), 400, 422)


def _many_parts(chance: Random, prey: Prey) -> Shot:
    parts = [part(b"", b"form-data; name=f")] * chance.randrange(1_000, 20_000)
    return one("many empty fields", upload(prey, ended(*parts)), 400, 413, 422, CUT)


def _many_empty_files(chance: Random, prey: Prey) -> Shot:
    return one("many empty files", upload(prey, ended(*[file(b"")] * chance.randrange(500, 2_000))), 422)


def _long_part_header(chance: Random, prey: Prey) -> Shot:
    more = b"X: " + b"x" * chance.randrange(10_000, 1_000_000) + b"\r\n"
    return one(
        "a long header of a part", upload(prey, ended(part(b"x", b"form-data; name=images", more))), 400, 413, CUT
    )


def _many_part_headers(chance: Random, prey: Prey) -> Shot:
    more = b"X: y\r\n" * chance.randrange(100, 5_000)
    body = ended(part(picture(chance), b'form-data; name="images"; filename="a.png"', more))
    return one("many headers of a part", upload(prey, body), *TAKEN_OR_NOT)


def _mutated(chance: Random, prey: Prey) -> Shot:
    body = bytearray(ended(file(picture(chance)), file(picture(chance), b"b.png")))
    for _ in range(chance.randrange(1, 20)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return one("bytes changed", upload(prey, bytes(body)), *TAKEN_OR_NOT)


def _nested(chance: Random, prey: Prey) -> Shot:
    inner = b"Content-Type: multipart/mixed; boundary=hostile\r\nContent-Transfer-Encoding: base64\r\n"
    body = ended(part(file(picture(chance)), b"form-data; name=images", inner))
    return one("a form in a form", upload(prey, body), *TAKEN_OR_NOT)


def _left_under_way(chance: Random, prey: Prey) -> Shot:
    data = upload(prey, ended(file(bytes(chance.randrange(1_000, 3_000_000)))))
    cut = data[: chance.randrange(len(data) // 2, len(data) - 10)]
    return Shot(kind="left under way", pieces=(cut,), is_left=True, left_s=chance.choice((0.0, 0.2)))


def _staged(chance: Random, prey: Prey, *, action: str) -> Shot:
    path = f"/api/tasks/{prey.task_id}/uploads/{chance.randbytes(8).hex()}"
    return one("an upload that nobody began", request("POST", f"{path}/{action}", body=b"{}"), 404, 405)


MAKERS: tuple[Maker, ...] = (
    _semicolons,
    _continued_names,
    _codecs,
    _boundaries,
    _names,
    _no_end,
    _cut_anywhere,
    _many_parts,
    _many_empty_files,
    _long_part_header,
    _many_part_headers,
    _mutated,
    _nested,
    _left_under_way,
    partial(_staged, action="commit"),
)
