"""What a form's headers may say, and what they cost."""

import contextlib
import random
import re

import pytest

from shared.errors import Malformed
from shared.http import form_headers
from shared.http.form_headers import LATIN_1_NOTE, Disposition, boundary_of, disposition_of

NAMES = {
    "plain": (b'filename="a.png"', "a.png"),
    "bare": (b"filename=a.png", "a.png"),
    "bare with a blank": (b"filename=my cat.png", "my cat.png"),
    "upper case": (b'FileName="a.png"', "a.png"),
    "UTF-8": ('filename="niño 测试.png"'.encode(), "niño 测试.png"),
    "semicolons": (b'filename="a;b;c=d.png"', "a;b;c=d.png"),
    "escaped quote": (rb'filename="24\" monitor.png"', '24" monitor.png'),
    "escaped backslash": (rb'filename="a\\b.png"', r"a\b.png"),
    "a path of Windows": (rb'filename="C:\new\a.png"', r"C:\new\a.png"),
    "a browser's quote": (b'filename="24%22 monitor.png"', '24" monitor.png'),
    "a browser's line break": (b'filename="a%0D%0ab.png"', "a\r\nb.png"),
    "another percent sign": (b'filename="100%25 %20.png"', "100%25 %20.png"),
    "blanks at the ends": (b'filename=" a .png "', " a .png "),
    "extended": (b"filename*=UTF-8''ni%C3%B1o.png", "niño.png"),
    "extended with a language": (b"filename*=utf-8'es'ni%C3%B1o.png", "niño.png"),
    "extended Latin-1": (b"filename*=ISO-8859-1''%A3.png", "£.png"),
    "extended wins": (b"filename=\"a.png\"; filename*=UTF-8''%E2%82%AC.png", "€.png"),
    "extended wins from before": (b"filename*=UTF-8''%E2%82%AC.png; filename=\"a.png\"", "€.png"),
    "empty": (b'filename=""', ""),
    "none": (b"", ""),
    "a last semicolon": (b'filename="a.png"; ', "a.png"),
    "empty parameters": (b';; filename="a.png"', "a.png"),
}


@pytest.mark.parametrize(("parameter", "filename"), NAMES.values(), ids=NAMES)
def test_names_as_clients_write_them(parameter, filename):
    found = disposition_of([b'form-data; name="images"; ' + parameter])
    assert (found.field, found.filename, found.notes) == ("images", filename, ())


def test_bytes_that_are_no_utf8_stay_apart_and_are_told():
    first, second = (
        disposition_of([b'form-data; name="images"; filename="caf' + one + b'"']) for one in (b"\xe9", b"\xe8")
    )
    assert (first.filename, second.filename) == ("café", "cafè")
    assert first.notes == second.notes == (LATIN_1_NOTE,)


REFUSED = {
    "pieces beside the whole": b"filename*=utf-8''a; filename*0=b",
    "pieces": b'filename*0="a"; filename*1="b"',
    "extended pieces": b"filename*0*=utf-8''a",
    "a number without end": b"filename*" + b"9" * 1_500 + b"*=a",
    "a codec of Python's": rb"filename*=unicode_escape''%5Cud800",
    "UTF-7": b"filename*=utf-7''%2B2AA-",
    "no codec": b"filename*=''a.png",
    "a codec with a NUL": b"filename*=a\0b''a.png",
    "idna": b"filename*=idna''xn--%ff",
    "broken UTF-8": b"filename*=UTF-8''%ff",
    "surrogates": b"filename*=UTF-8''%ED%A0%80",
    "broken percent": b"filename*=UTF-8''100%",
    "bytes in the extended form": "filename*=UTF-8''niño".encode(),
    "no quotes in the extended form": b"filename*=a.png",
    "a quote that stays open": b'filename="a.png',
    "text behind the quotes": b'filename="a.png"b',
    "no value": b"filename",
    "twice": b'filename="a.png"; filename="b.png"',
    "too long": b'filename="' + b"a" * 2_048 + b'"',
    "semicolons in quotes": b'filename="' + b";" * 16_000 + b'"',
}


@pytest.mark.parametrize("parameter", REFUSED.values(), ids=REFUSED)
def test_names_that_cannot_be_read(parameter):
    with pytest.raises(Malformed):
        disposition_of([b'form-data; name="images"; ' + parameter])


def test_a_part_has_one_disposition_or_none():
    assert disposition_of([]) == Disposition()
    with pytest.raises(Malformed):
        disposition_of([b'form-data; name="images"'] * 2)


BOUNDARIES = {
    "none": "multipart/form-data",
    "empty": 'multipart/form-data; boundary=""',
    "too long": "multipart/form-data; boundary=" + "b" * 201,
    "extended": "multipart/form-data; boundary*=utf-8''b",
    "extended beside pieces": "multipart/form-data; boundary*=x; boundary*0=y",
    "extended beside plain": "multipart/form-data; boundary=b; boundary*=x",
    "a number without end": "multipart/form-data; boundary*" + "9" * 5_000 + "=x",
    "twice": "multipart/form-data; boundary=a; boundary=b",
    "an open quote": 'multipart/form-data; boundary="a',
}


@pytest.mark.parametrize("content_type", BOUNDARIES.values(), ids=BOUNDARIES)
def test_boundaries_that_are_refused(content_type):
    with pytest.raises(Malformed):
        boundary_of(content_type)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=b", 'multipart/form-data; charset="utf-8"; Boundary="b"; x=y']
)
def test_boundaries(content_type):
    assert boundary_of(content_type) == b"b"


class CountingPattern:
    """A pattern that counts the bytes that it was tried on."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern = pattern
        self.bytes_read = 0

    def match(self, text: bytes, at: int) -> re.Match[bytes] | None:
        found = self.pattern.match(text, at)
        self.bytes_read += (found.end() if found else len(text)) - at
        return found


@pytest.mark.parametrize("unit", [b";", b'";', b";a=b", b'\\";', b';a="b"', b" ;", b"\\", b'="'])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_every_byte_of_a_header_is_read_at_most_twice(monkeypatch, unit, quote):
    """Quotes that stay open are looked at once and given up, not once for each semicolon."""
    counting = CountingPattern(form_headers._PARAMETER)
    monkeypatch.setattr(form_headers, "_PARAMETER", counting)
    header = b"form-data; filename=" + quote + unit * (2_000 // len(unit))
    with contextlib.suppress(Malformed):
        disposition_of([header])
    assert 0 < counting.bytes_read <= 2 * len(header)


def test_whatever_a_header_holds_it_is_read_or_refused():
    randomness = random.Random(14)
    pieces = [
        b"filename",
        b"name",
        b"*",
        b"0",
        b"=",
        b";",
        b'"',
        b"\\",
        b"utf-8''",
        b"%",
        b"22",
        b"\xff",
        b"a",
        b" ",
        b"\n",
        b"\0",
    ]
    for _ in range(5_000):
        header = b"".join(randomness.choices(pieces, k=randomness.randint(0, 40)))
        try:
            found = disposition_of([b"form-data" + header])
        except Malformed:
            continue
        (found.field + found.filename).encode()
