"""Which part of a file is asked for, and that exactly its bytes are given."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.task_manager.exports.ranges import Progress, Span, part_of, span_asked
from shared.errors import NotSatisfiable

TAG = '"abc"'


async def _pieces(of: list[bytes]) -> AsyncIterator[bytes]:
    for piece in of:
        yield piece


@given(st.lists(st.binary(max_size=9)), st.integers(0, 40), st.integers(0, 40))
async def test_a_part_has_the_bytes_of_its_span(pieces, first, more):
    whole = b"".join(pieces)
    progress = Progress(first)
    parts = [piece async for piece in part_of(progress.counted(_pieces(pieces)), Span(first, first + more))]
    assert b"".join(parts) == whole[first : first + more + 1]
    assert all(parts)
    assert progress.made <= len(whole)


@pytest.mark.parametrize(
    ("span", "if_range", "asked"),
    [
        ("bytes=5-", None, 5),
        ("bytes=5-", TAG, 5),
        ("BYTES=5-9", TAG, 5),
        ("bytes=0-0", TAG, 0),
        (None, TAG, None),
        ("bytes=5-", '"other"', None),
        ("bytes=5-", f"W/{TAG}", None),
        ("bytes=5-", "Sun, 29 Nov 2026 00:00:00 GMT", None),
        ("bytes=5-4", TAG, None),
        ("bytes=5-6,8-9", TAG, None),
        ("bytes=-5", TAG, None),
        ("bytes=1" + "0" * 30 + "-", TAG, None),
    ],
)
def test_what_is_asked_of_a_file(span, if_range, asked):
    found = span_asked(span, if_range, TAG)
    assert (found and found.first) == asked
    assert span_asked(span, if_range, None) is None


def test_a_span_within_a_file():
    assert Span(5, 10**18).within(8) == Span(5, 7)
    assert Span(5, 6).within(8) == Span(5, 6)
    assert Span(7, 7).within(8).size_bytes == 1
    for size_bytes in (0, 5):
        with pytest.raises(NotSatisfiable) as caught:
            Span(5, 6).within(size_bytes)
        assert caught.value.size_bytes == size_bytes
