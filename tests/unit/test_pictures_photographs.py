from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.pictures import check, decode_bgr, read_header
from tests.unit.test_pictures_samples import LIMITS, decoded

ASSETS = Path(__file__).parents[3] / "shared" / "assets" / "images"
PHOTOGRAPHS = sorted(ASSETS.rglob("*.jpg"))


@pytest.mark.skipif(not PHOTOGRAPHS, reason="the photographs are not beside the repository (../shared/assets/images)")
def test_real_photographs_keep_their_pixels_and_lose_their_metadata():
    for photograph in PHOTOGRAPHS:
        data = photograph.read_bytes()
        picture = check(data, LIMITS)
        bgr = decode_bgr(data, LIMITS)
        assert np.array_equal(bgr, decoded(data, cv2.IMREAD_COLOR)), photograph.name
        assert bgr.shape == (picture.height, picture.width, 3)
        assert b"Exif\0\0" not in picture.data
        if not read_header(data, LIMITS).needs_reencoding:
            assert np.array_equal(decode_bgr(picture.data, LIMITS), bgr), photograph.name
