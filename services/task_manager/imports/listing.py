"""What an S3 server answers to ListObjectsV2, read with care: it is a stranger's. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus
from xml.parsers import expat

from shared.errors import QuorateError


class NoListing(QuorateError):
    """The answer is not a listing of a bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An object of a bucket: its key, and its size in bytes as the listing says it."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Objects in the order of their keys. is_last: there are none behind them."""

    objects: Sequence[Listed]
    is_last: bool


class _Reader:
    """Gathers the texts of a listing by their places in it."""

    def __init__(self) -> None:
        self.objects: list[dict[str, str]] = []
        self.told: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []

    def begin(self, name: str, _attributes: object) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._text = []
        if self._path == ["ListBucketResult", "Contents"]:
            self.objects.append({})

    def text(self, piece: str) -> None:
        self._text.append(piece)

    def end(self, _name: str) -> None:
        match self._path:
            case ["ListBucketResult", "Contents", field]:
                self.objects[-1][field] = "".join(self._text)
            case ["ListBucketResult", field]:
                self.told[field] = "".join(self._text)
            case _:
                pass
        self._path.pop()
        self._text = []


def read_listing(body: bytes) -> Listing:
    """The objects of an answer. Entities are refused, so that no short answer grows long. Raises NoListing."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, _refuse_doctype
    try:
        parser.Parse(body, True)
        if "IsTruncated" not in reader.told:
            raise NoListing("the server does not answer as an S3 server does")
        is_encoded = reader.told.get("EncodingType", "") == "url"
        objects = [_listed(one, is_encoded=is_encoded) for one in reader.objects]
    except (expat.ExpatError, LookupError, ValueError):  # LookupError: also of an encoding that nobody knows
        raise NoListing("the server does not answer as an S3 server does") from None
    return Listing(objects=objects, is_last=reader.told["IsTruncated"].strip().lower() != "true")


def _listed(fields: dict[str, str], *, is_encoded: bool) -> Listed:
    key = unquote_plus(fields["Key"], errors="strict") if is_encoded else fields["Key"]
    if not key:
        raise ValueError("a key is never empty")
    return Listed(key=key, size_bytes=int(fields["Size"]))


def _refuse_doctype(*_: object) -> None:
    raise NoListing("the server does not answer as an S3 server does")
