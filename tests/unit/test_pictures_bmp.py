import struct

import numpy as np
import pytest

from shared.pictures import PictureRejected, PictureTypeUnsupported, check, decode_bgr, read_header
from tests.unit.test_pictures_samples import LIMITS, bmp, encoded, scene

PLAIN = encoded(scene(), "bmp")
PALETTE = b"\1\2\3\0\4\5\6\0"
MASKS = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
OS2 = b"BM" + struct.pack("<IHHI", 30, 0, 0, 26) + struct.pack("<IHHHH", 12, 1, 1, 1, 24) + b"\1\2\3\0"
RLE8 = bmp(2, 1, 8, b"\2\1\0\1", compression=1, extra=PALETTE)

# name: the file, and its pixels as BGR on white
MODES = {
    "24 bits": (PLAIN, scene()),
    "24 bits, bottom up": (bmp(1, 2, 24, b"\1\2\3\0\4\5\6\0"), [[[4, 5, 6]], [[1, 2, 3]]]),
    "24 bits, top down": (bmp(1, -2, 24, b"\1\2\3\0\4\5\6\0"), [[[1, 2, 3]], [[4, 5, 6]]]),
    "32 bits": (bmp(2, 1, 32, b"\1\2\3\0\4\5\6\0"), [[[1, 2, 3], [4, 5, 6]]]),
    "32 bits, masked, without alpha": (
        bmp(1, 1, 32, b"\1\2\3\0", compression=3, header=40, extra=MASKS[:12]),
        [[[1, 2, 3]]],
    ),
    "32 bits, with alpha": (
        bmp(2, -1, 32, b"\1\2\3\0\4\5\6\xff", compression=3, header=108, extra=MASKS),
        [[[255, 255, 255], [4, 5, 6]]],
    ),
    "8 bits": (bmp(2, 1, 8, b"\0\1\0\0", extra=PALETTE), [[[1, 2, 3], [4, 5, 6]]]),
    "8 bits, top down": (bmp(1, -2, 8, b"\0\0\0\0\1\0\0\0", extra=PALETTE), [[[1, 2, 3]], [[4, 5, 6]]]),
    "4 bits": (bmp(2, 1, 4, b"\1\0\0\0", extra=PALETTE), [[[1, 2, 3], [4, 5, 6]]]),
    "1 bit": (bmp(2, 1, 1, b"\x40\0\0\0", extra=PALETTE), [[[1, 2, 3], [4, 5, 6]]]),
    "run lengths": (RLE8, [[[4, 5, 6], [4, 5, 6]]]),
    "OS/2": (OS2, [[[1, 2, 3]]]),
}


@pytest.mark.parametrize(("data", "bgr"), MODES.values(), ids=MODES)
def test_pixels_and_bytes_stay(data, bgr):
    picture = check(data, LIMITS)
    assert picture.data == data
    assert np.array_equal(decode_bgr(data, LIMITS), bgr)
    assert (picture.height, picture.width) == np.shape(bgr)[:2]
    assert (picture.media_type, picture.extension) == ("image/bmp", "bmp")
    assert not read_header(data, LIMITS).needs_reencoding


def test_what_follows_the_end_goes():
    picture = check(PLAIN + b"trailing", LIMITS)
    assert picture.data == PLAIN
    assert picture.notes == ("8 bytes after the picture's end were left out",)


@pytest.mark.parametrize("declared", [0, len(PLAIN) - 1, len(PLAIN) + 8, 2**32 - 1])
def test_the_size_that_a_file_declares_keeps_nothing_and_costs_nothing(declared):
    data = PLAIN[:2] + declared.to_bytes(4, "little") + PLAIN[6:]
    assert check(data + b"trailing", LIMITS).data == PLAIN
    assert check(data, LIMITS).notes == ()


def test_truncation_is_told_at_every_length():
    for data in (PLAIN, MODES["32 bits, with alpha"][0], OS2, RLE8):
        for length in range(18, len(data)):
            with pytest.raises(PictureRejected, match="the BMP data is truncated"):
                check(data[:length], LIMITS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bmp(0, 1, 24, b""), "the picture is empty: it has 0 x 1 pixels"),
        (bmp(1, 0, 24, b""), "the picture is empty: it has 1 x 0 pixels"),
        (bmp(-1, 1, 24, bytes(4)), "the BMP data is corrupt"),
        (bmp(1, 1, 7, bytes(4)), "the BMP data is corrupt"),
        (bmp(2, 1, 8, b"\2", compression=1, extra=PALETTE), "the BMP data is corrupt"),
        (bmp(1, -(2**31), 24, b""), "1 x 2,147,483,648 pixels are over the limit of 25,000,000 pixels"),
    ],
)
def test_rejected(data, reason):
    with pytest.raises(PictureRejected) as refusal:
        check(data, LIMITS)
    assert refusal.value.detail == reason


def test_a_jpeg_inside_is_not_taken():
    with pytest.raises(PictureTypeUnsupported, match="compressed in a way"):
        check(bmp(1, 1, 0, b"\xff\xd8", compression=4), LIMITS)
