"""Multipart forms as their parser tells them, piece by piece."""

from collections.abc import Iterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from shared.errors import Invalid, Malformed
from shared.http.form_headers import Disposition, disposition_of

MAX_HEADERS = 32
MAX_HEADER_BYTES = 16_384
FEED_BYTES = 65_536
"""So much of a form is parsed before its parts are counted."""
Told = Disposition | Malformed | bytes | None


def feed(parser: MultipartParser, piece: bytes) -> None:
    """Parse a piece of a body. Raises Malformed."""
    try:
        parser.write(piece)
    except FormParserError as error:
        raise Malformed("the multipart body is broken") from error


class Heard:
    """What the parser of a form has told since it was last asked: what the headers of a part say (or why they cannot be
    read) as it begins, content of it, or (None) its end.

    The parser refers to this and not the other way round: a circle would keep the last part in memory until the
    collector of circles comes by.
    """

    def __init__(self) -> None:
        self.is_ended = False
        self._queue: list[Told] = []
        self._field, self._value = bytearray(), bytearray()
        self._dispositions: list[bytes] = []

    def parser(self, boundary: bytes) -> MultipartParser:
        """A parser that tells this."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )

    def taken(self) -> list[Told]:
        queue, self._queue = self._queue, []
        return queue

    def _begin(self) -> None:
        self._dispositions = []

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            self._dispositions.append(bytes(self._value))
        self._field, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        try:
            self._queue.append(disposition_of(self._dispositions))
        except Malformed as error:
            self._queue.append(error.with_traceback(None))  # its frames would hold what was being parsed

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._queue.append(data[start:end])

    def _end_part(self) -> None:
        self._queue.append(None)

    def _end(self) -> None:
        self.is_ended = True


def parts(body: bytes, boundary: bytes, *, at_most: int) -> Iterator[tuple[str, bytes]]:
    """The field and the content of each part of a whole body. Raises Malformed, and Invalid for more than `at_most`."""
    heard = Heard()
    parser = heard.parser(boundary)
    field, count = "", 0
    pieces: list[bytes] = []
    for at in range(0, len(body), FEED_BYTES):
        feed(parser, body[at : at + FEED_BYTES])
        for one in heard.taken():
            match one:
                case Disposition():
                    field, pieces, count = one.field, [], count + 1
                case Malformed():
                    raise one
                case bytes():
                    pieces.append(one)
                case None:
                    yield field, b"".join(pieces)
        if count > at_most:
            raise Invalid(f"the form has more than {at_most} parts: send one picture")
    if not heard.is_ended:
        raise Malformed("the multipart body ends before its final boundary")
