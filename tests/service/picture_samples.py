"""Pictures as they are uploaded, good and bad."""

import zlib

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
    return png_of(width, height, b"")


def png_of(width: int, height: int, packed: bytes) -> bytes:
    """A PNG of 8 bits and three colours from its packed rows."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def unpacks_to(count: int) -> bytes:
    """A PNG of 4 x 4 pixels whose data unpack to so many bytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)) + packer.flush()
    return png_of(4, 4, packed)


def says_5000_x_5000() -> bytes:
    """A JPEG of 48 x 32 pixels whose header says that it has 25 megapixels."""
    data = encoded(scene(), "jpg")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + (5000).to_bytes(2, "big") * 2 + data[at + 4 :]


def animated_png() -> bytes:
    return png_with(png(1), png_chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4)))


def deep_png(largest: int = 65535) -> bytes:
    pixels = np.linspace(0, largest, 12, dtype=np.uint16).reshape(3, 4)
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
    "more data than pixels": ("bomb.png", unpacks_to(50_000_000), 422, "unpack to more"),
    "half a picture with an end": ("half.jpg", encoded(scene(), "jpg")[:-100] + b"\xff\xd9", 422, "truncated"),
    "a header larger than the data": ("lie.jpg", says_5000_x_5000(), 422, "truncated"),
    "zero width": ("thin.png", claims(0, 10), 422, "empty"),
    "animated": ("moving.png", animated_png(), 422, "animated"),
    "SVG": ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    "HTML": ("page.jpg", b"<!doctype html><script>alert(1)</script>", 415, "HTML"),
    "HEIC": ("IMG_0001.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", 415, "HEIC picture"),
    "TIFF": ("cells.tif", b"II*\0\x08\0\0\0", 415, "save it as PNG"),
    "GIF": ("picture.png", b"GIF89a\1\0\1\0", 415, "GIF"),
    "too many bytes": ("heavy.png", png(1) + bytes(20_000_000), 413, "over the limit"),
}
"""Files that are not taken: name, content, and the status and reason of the refusal."""
