"""Pictures made in code for the other tests of `shared.pictures`, and what they are made to be."""

import struct
import zlib

import cv2
import numpy as np

from shared.pictures import PictureLimits

LIMITS = PictureLimits()
HEIGHT, WIDTH = 32, 48
ADOBE_CMYK, ADOBE_YCCK = 0, 2

GPS_IFD = struct.pack(">HHHI4sI", 1, 0x0001, 2, 2, b"N\0\0\0", 0) + b"gps 51.4779 N"
"""A GPS directory with a latitude reference, and bytes behind it that are found again wherever they go."""


def scene(height: int = HEIGHT, width: int = WIDTH, channels: int = 3) -> np.ndarray:
    """Smooth, and different in every corner, so that every turn and mirror image of it is told apart."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 255 // height, columns * 255 // width, (rows + columns) * 255 // (height + width)]
    planes.append(255 - planes[1])
    return np.dstack(planes[:channels]).astype(np.uint8) if channels > 1 else planes[1].astype(np.uint8)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What is to be seen, said in numpy alone."""
    swapped = pixels.swapaxes(0, 1)
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: swapped,
        6: swapped[:, ::-1],
        7: swapped[::-1, ::-1],
        8: swapped[::-1],
    }[orientation]


def decoded(data: bytes, flags: int = cv2.IMREAD_UNCHANGED) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert pixels is not None
    return pixels


def encoded(pixels: np.ndarray, kind: str, *parameters: int) -> bytes:
    is_encoded, data = cv2.imencode(f".{kind}", pixels, list(parameters))
    assert is_encoded
    return data.tobytes()


def tiff(orientation: int, order: str = ">") -> bytes:
    """EXIF data as in PNG and WebP: an orientation, and a place in the world."""
    entries = struct.pack(f"{order}HHIH2x", 0x0112, 3, 1, orientation) + struct.pack(f"{order}HHII", 0x8825, 4, 1, 38)
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}H", 2) + entries + struct.pack(f"{order}I", 0) + GPS_IFD


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_with(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def jpeg_exif(orientation: int, order: str = ">") -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff(orientation, order))


def cmyk_jpeg(planes: np.ndarray, adobe_transform: int | None) -> bytes:
    """A baseline JPEG of four components, each in a scan of its own: four gray JPEGs in one frame."""
    grays = [encoded(np.ascontiguousarray(planes[..., i]), "jpg", cv2.IMWRITE_JPEG_QUALITY, 95) for i in range(4)]
    height, width = planes.shape[:2]
    frame = struct.pack(">BHHB", 8, height, width, 4) + b"".join(bytes([i + 1, 0x11, 0]) for i in range(4))
    scans = []
    for i, gray in enumerate(grays):
        scan_start = gray.index(b"\xff\xda")
        scans.append(segment(0xDA, bytes([1, i + 1, 0, 0, 63, 0])) + gray[scan_start + 10 : -2])
    frame_start, scan_start = grays[0].index(b"\xff\xc0"), grays[0].index(b"\xff\xda")
    tables = grays[0][2:frame_start], grays[0][frame_start + 13 : scan_start]
    adobe = b"" if adobe_transform is None else segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe_transform]))
    return b"\xff\xd8" + adobe + tables[0][18:] + segment(0xC0, frame) + tables[1] + b"".join(scans) + b"\xff\xd9"


def png_chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def png(
    width: int,
    height: int,
    bits: int,
    colour: int,
    filtered: bytes,
    *before: bytes,
    after: bytes = b"",
    interlace: int = 0,
) -> bytes:
    """A PNG from its filtered rows; `before` and `after` are chunks around the pixels."""
    ihdr = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace))
    idat = png_chunk(b"IDAT", zlib.compress(filtered))
    return b"\x89PNG\r\n\x1a\n" + ihdr + b"".join(before) + idat + after + png_chunk(b"IEND", b"")


def png_with(data: bytes, *chunks: bytes) -> bytes:
    """The chunks right after IHDR."""
    return data[:33] + b"".join(chunks) + data[33:]


def webp_chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def webp_with(data: bytes, flags: int, *chunks: bytes, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A simple or extended WebP as an extended one, with more flags and the chunks behind its pixels."""
    body = data[12:]
    if body.startswith(b"VP8X"):
        flags, body = flags | body[8], body[18:]
    canvas = bytes([flags, 0, 0, 0]) + (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
    body = b"WEBP" + webp_chunk(b"VP8X", canvas) + body + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp(
    width: int, height: int, bits: int, pixels: bytes, *, compression: int = 0, header: int = 40, extra: bytes = b""
) -> bytes:
    """A BMP; `extra` is what follows the first 40 bytes of its header: masks, or a palette."""
    colours = len(extra) // 4 if bits <= 8 else 0
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    info = info + extra if header == 40 else (info + extra).ljust(header, b"\0")
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + pixels


def test_the_cmyk_sample_has_four_components_and_decodes():
    data = cmyk_jpeg(scene(channels=4), ADOBE_CMYK)
    frame_start = data.index(b"\xff\xc0")
    assert data[frame_start + 9] == 4
    assert data.count(b"\xff\xda") == 4
    assert decoded(data, cv2.IMREAD_COLOR).shape == (HEIGHT, WIDTH, 3)


def test_opencv_turns_the_jpeg_sample_as_numpy_does():
    data = encoded(scene(), "jpg")
    for orientation in range(1, 9):
        seen = decoded(jpeg_with(data, jpeg_exif(orientation)), cv2.IMREAD_COLOR)
        assert np.array_equal(seen, turned(decoded(data), orientation))
