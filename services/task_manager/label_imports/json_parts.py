"""The lists in the one object of a large JSON document, element by element: it is never held whole. Pure.

Only what stands between elements is looked at here; each element is parsed by itself, by who wants it.
"""

import re
from collections.abc import Iterator
from mmap import mmap

from shared.errors import Invalid

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
"""A text, whole, or a bracket; a quotation mark by itself begins a text that never ends."""
_BLANK = re.compile(rb"[ \t\r\n]*")
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_MARKED = re.compile(rb"(\xef\xbb\xbf)?[ \t\r\n]*")
_OPENED_BY = {b"}": b"{", b"]": b"["}
_IN_DOCUMENT, _IN_LIST = 1, 2
"""How many brackets are open there."""
MAX_DEPTH = 100


def elements(document: bytes | mmap, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """The elements of these lists, each with the name of its list, in their order. Raises Invalid where the document is
    no object or its brackets do not match, and where such a list is there twice or holds anything but objects."""
    lists = _Lists(document, wanted)
    for token in _TOKEN.finditer(document):
        text = token[0]
        if text[:1] == b'"':
            lists.text(text)
        elif text not in _OPENED_BY:
            lists.opened(text, token.start(), token.end())
        elif (element := lists.closed(text, token.start(), token.end())) is not None:
            yield element
    if not lists.is_whole:
        raise Invalid("the document is not JSON: it does not end")


class _Lists:
    """A walk over a document's texts and brackets.

    It knows which brackets are open, the text before the next one, which stands there as a list's name, in which of the
    wanted lists it is, and up to where the elements of that have been looked at.
    """

    def __init__(self, document: bytes | mmap, wanted: frozenset[str]) -> None:
        self.is_whole = False
        self._document = document
        self._wanted = wanted
        self._brackets: list[bytes] = []
        self._met: set[str] = set()
        self._name = self._inside = ""
        self._begins_at = self._reached = 0
        self._between = _BLANK

    def text(self, text: bytes) -> None:
        if len(text) == 1:
            raise Invalid("the document is not JSON: a text does not end")
        if len(self._brackets) == _IN_DOCUMENT:
            self._name = text[1:-1].decode("utf-8", "replace")

    def opened(self, bracket: bytes, at: int, end: int) -> None:
        depth = len(self._brackets)
        if depth == 0 and (self.is_whole or bracket != b"{" or not _MARKED.fullmatch(self._document, 0, at)):
            raise Invalid("the document is no object of JSON")
        if depth == _IN_DOCUMENT and self._name in self._wanted:
            self._begin_list(bracket, end)
        elif depth == _IN_LIST and self._inside:
            self._refuse_other(self._between, at if bracket == b"{" else end)
            self._begins_at = at
        elif depth > MAX_DEPTH:
            raise Invalid("the document is nested too deep")
        self._brackets.append(bracket)

    def closed(self, bracket: bytes, at: int, end: int) -> tuple[str, bytes] | None:
        """The element that ends there, with the name of its list."""
        if not self._brackets or self._brackets.pop() != _OPENED_BY[bracket]:
            raise Invalid("the document is not JSON: its brackets do not match")
        depth = len(self._brackets)
        if depth == _IN_LIST and self._inside:
            self._reached, self._between = end, _COMMA
            return self._inside, self._document[self._begins_at : end]
        if depth == _IN_DOCUMENT and self._inside:
            self._refuse_other(_BLANK, at)
            self._inside = ""
        if depth == 0:
            self.is_whole = True
            if not _BLANK.fullmatch(self._document, end):
                raise Invalid("the document is not JSON: there is more behind its end")
        return None

    def _begin_list(self, bracket: bytes, end: int) -> None:
        if bracket != b"[" or self._name in self._met:
            raise Invalid(f"{self._name!r} is no list, or is there twice")
        self._met.add(self._name)
        self._inside, self._reached, self._between = self._name, end, _BLANK

    def _refuse_other(self, between: re.Pattern[bytes], end: int) -> None:
        if not between.fullmatch(self._document, self._reached, end):
            raise Invalid(f"{self._inside!r} is to hold objects, with commas between them")
