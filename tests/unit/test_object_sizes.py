"""Sizes of objects beside what stores take in one request."""

from shared.objects.s3 import PART_BYTES
from shared.pipelines.expansion import MAX_PIXELS
from shared.pipelines.pictures import _CHANNELS, _HEADER


def test_the_largest_raw_picture_goes_to_s3_in_one_request():
    """In parts it would have no checksum, and what an aborted upload leaves is listed nowhere."""
    assert _CHANNELS * MAX_PIXELS + _HEADER.size < PART_BYTES
