"""Pictures as they are uploaded, good and bad."""

import cv2
import numpy as np

from tests.unit.test_pictures_samples import (
    ADOBE_CMYK,
    cmyk_jpeg,
    encoded,
    jpeg_exif,
    jpeg_with,
    png_chunk,
    png_with,
    scene,
)

SIDE = 8


def png(number: int) -> bytes:
    """A small picture; no two numbers give the same."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[0, 0] = list(number.to_bytes(3, "big"))
    return cv2.imencode(".png", pixels)[1].tobytes()


def turned_jpeg() -> bytes:
    """A photograph of 17 x 9 pixels that its EXIF orientation turns, with the place where it was taken."""
    return jpeg_with(encoded(scene(9, 17), "jpg"), jpeg_exif(6))


def claims(width: int, height: int) -> bytes:
    """A PNG whose header says that it is so large."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")


def animated_png() -> bytes:
    return png_with(png(1), png_chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4)))


def deep_png() -> bytes:
    pixels = np.linspace(0, 65535, 12, dtype=np.uint16).reshape(3, 4)
    return cv2.imencode(".png", pixels)[1].tobytes()


GOOD = {
    "1 x 1": encoded(scene(1, 1), "png"),
    "CMYK": cmyk_jpeg(scene(channels=4), ADOBE_CMYK),
    "16 bits": deep_png(),
    "gray": encoded(scene(channels=1), "jpg"),
    "alpha": encoded(scene(channels=4), "png"),
    "WebP": encoded(scene(), "webp"),
    "BMP": encoded(scene(), "bmp"),
    "progressive": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "turned": turned_jpeg(),
}
BAD = {
    "zero bytes": ("empty.jpg", b"", 422, "the file is empty"),
    "text": ("holiday.jpg", b"not a picture at all", 422, "not a picture"),
    "truncated": ("cut.jpg", encoded(scene(), "jpg")[:-100], 422, "truncated"),
    "65,535 x 65,535": ("huge.png", claims(65_535, 65_535), 422, "over the limit"),
    "zero width": ("thin.png", claims(0, 10), 422, "empty"),
    "animated": ("moving.png", animated_png(), 422, "animated"),
    "SVG": ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    "HTML": ("page.jpg", b"<!doctype html><script>alert(1)</script>", 415, "HTML"),
    "GIF": ("picture.png", b"GIF89a\1\0\1\0", 415, "GIF"),
    "too many bytes": ("heavy.png", png(1) + bytes(20_000_000), 413, "over the limit"),
}
"""Files that are not taken: name, content, and the status and reason of the refusal."""
