"""The two headers that a form is read by: the body's Content-Type and each part's Content-Disposition.

Both are read in one pass, so that a header costs as many steps as it has bytes. A name arrives as UTF-8 or Latin-1, or
not at all: a client does not choose the codec.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from shared.errors import Malformed

MAX_DISPOSITION_BYTES = 2_048
MAX_BOUNDARY_BYTES = 200
"""RFC 2046 allows 70."""
LATIN_1_NOTE = "the file name is not UTF-8: it was read as Latin-1"

_PARAMETER = re.compile(
    rb"""[ \t\n]*+;[ \t\n]*+
    (?:(?P<name>[^\s"=;]++)[ \t]*+=[ \t]*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>[^";]*+)))?+""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(rb'\\(["\\])')
_WHATWG_ESCAPED = re.compile(rb"%(?:22|0[aA]|0[dD])")
"""What browsers write for a quote and line breaks; they leave every other percent sign alone."""
_EXTENDED = re.compile(rb"([A-Za-z0-9-]+)'[A-Za-z0-9-]*'((?:[^%\x80-\xff]|%[0-9A-Fa-f]{2})*+)")
_EXTENDED_CODECS = {b"utf-8": "utf-8", b"iso-8859-1": "latin-1"}
"""Those of RFC 5987."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """The form field that a part belongs to, and its file name with notes on how that was read."""

    field: str = ""
    filename: str = ""
    notes: tuple[str, ...] = ()


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises Malformed where it names none, or names it oddly."""
    parameters = _parameters(content_type.encode("latin-1", "replace"))
    boundary = parameters.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES or any(name.startswith(b"boundary*") for name in parameters):
        raise Malformed("the Content-Type names no boundary")
    return boundary


def disposition_of(headers: Sequence[bytes]) -> Disposition:
    """What a part's Content-Disposition says; `filename*` (RFC 5987) counts before `filename`. Raises Malformed, also
    where a part has several."""
    if len(headers) > 1:
        raise Malformed("a part has two Content-Dispositions")
    header = b"".join(headers)
    if len(header) > MAX_DISPOSITION_BYTES:
        raise Malformed(f"the Content-Disposition is over {MAX_DISPOSITION_BYTES:,} bytes")
    parameters = _parameters(header)
    if any(name.startswith(b"filename*") and name != b"filename*" for name in parameters):
        raise Malformed("the file name comes in pieces (RFC 2231): send it in one")
    field, _ = _decoded(parameters.get(b"name", b""))
    if (extended := parameters.get(b"filename*")) is not None:
        return Disposition(field=field, filename=_decoded_extended(extended))
    filename, notes = _decoded(parameters.get(b"filename", b""))
    return Disposition(field=field, filename=filename, notes=notes)


def _parameters(header: bytes) -> dict[bytes, bytes]:
    """The parameters behind a header's value. Raises Malformed where they cannot be told apart."""
    parameters: dict[bytes, bytes] = {}
    at = header.find(b";") if b";" in header else len(header)
    while at < len(header):
        found = _PARAMETER.match(header, at)
        if found is None:
            if header[at:].strip():
                raise Malformed("the parameters of a header cannot be read")
            break
        at = found.end()
        if (name := found["name"]) is None:
            continue
        if (name := name.lower()) in parameters:
            raise Malformed("a header has a parameter twice")
        quoted = found["quoted"]
        parameters[name] = found["bare"].strip() if quoted is None else _ESCAPED.sub(rb"\1", quoted)
    return parameters


def _decoded(value: bytes) -> tuple[str, tuple[str, ...]]:
    value = _WHATWG_ESCAPED.sub(lambda escaped: unquote_to_bytes(escaped[0]), value)
    try:
        return value.decode(), ()
    except UnicodeDecodeError:
        return value.decode("latin-1"), (LATIN_1_NOTE,)


def _decoded_extended(value: bytes) -> str:
    found = _EXTENDED.fullmatch(value)
    codec = _EXTENDED_CODECS.get(found[1].lower()) if found else None
    if found is None or codec is None:
        raise Malformed("the file name cannot be read: filename* takes UTF-8 and ISO-8859-1, percent-encoded")
    try:
        return unquote_to_bytes(found[2]).decode(codec)
    except UnicodeDecodeError as error:
        raise Malformed("the file name cannot be read: it is not the UTF-8 that it says") from error
