"""A multipart form whose file names arrive as they are.

httpx writes `"` as `%22` and leaves `%22` alone, as browsers do, so that two names become one.
"""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import IO
from urllib.parse import quote

CHUNK_BYTES = 64 * 1024
FIELD = "images"
EXACT = re.compile(r'(?!\s)[^"%\\\x00-\x1f\x7f]+(?<!\s)')
"""What every reader of `filename="..."` takes for the same: no quotes, escapes, controls, nor blanks at the ends."""
ATTRIBUTE_CHARS = "!#$&+^`|~"
"""RFC 5987's attr-char, beside what is never quoted."""


class Form:
    """Files in one field of a form, to be read once."""

    def __init__(self, files: Sequence[tuple[str, IO[bytes]]]) -> None:
        boundary = secrets.token_hex(16)
        self._files = [(_head(boundary, filename), file) for filename, file in files]
        self._end = f"--{boundary}--\r\n".encode()
        size_bytes = sum(len(head) + _size_bytes(file) + 2 for head, file in self._files) + len(self._end)
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(size_bytes),
        }

    def __iter__(self) -> Iterator[bytes]:
        for head, file in self._files:
            yield head
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
            yield b"\r\n"
        yield self._end


def disposition(filename: str) -> str:
    """Content-Disposition; a name that readers take differently in its plain form is sent in that of RFC 5987."""
    if EXACT.fullmatch(filename):
        return f'form-data; name="{FIELD}"; filename="{filename}"'
    return f"form-data; name=\"{FIELD}\"; filename*=UTF-8''{quote(filename, safe=ATTRIBUTE_CHARS)}"


def _head(boundary: str, filename: str) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Disposition: {disposition(filename)}",
        "Content-Type: application/octet-stream",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _size_bytes(file: IO[bytes]) -> int:
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size_bytes
