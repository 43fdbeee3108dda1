"""What a file is, by its content and never by its name."""

import re

from shared.pictures import bmp, png
from shared.pictures.header import Format
from shared.pictures.refusals import PictureRejected, PictureTypeUnsupported, unsupported

_UNSUPPORTED_STARTS = {
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"II+\0": "a TIFF picture",
    b"MM\0+": "a TIFF picture",
    b"%PDF-": "a PDF document",
    b"\0\0\x01\0": "an icon (ICO)",
    b"\0\0\x02\0": "a cursor (CUR)",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"8BPS": "a Photoshop document (PSD)",
    b"\x1a\x45\xdf\xa3": "a video (Matroska or WebM)",
    b"OggS": "a video (Ogg)",
    b"FLV\x01": "a video (Flash)",
    b"\0\0\x01\xba": "a video (MPEG)",
    b"\0\0\x01\xb3": "a video (MPEG)",
}
_ISO_BRANDS = {
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"heim": "a HEIC picture",
    b"heis": "a HEIC picture",
    b"hevc": "a HEIC picture",
    b"hevx": "a HEIC picture",
    b"mif1": "a HEIC picture",
    b"msf1": "a HEIC picture",
}
_ROOT = re.compile(
    rb"(?P<svg><svg[\s/>]|<\w+:svg[\s/>]|<!doctype\s+svg)|(?P<html><!doctype\s+html|<(html|head|body|script|title)[\s>])",
    re.IGNORECASE,
)
_BYTE_ORDER_MARKS = b"\xef\xbb\xbf\xfe\xff"
_MARKUP_BYTES = 4096
"""How far into a text a root element is looked for: prologues and comments may be long."""


def sniff(data: bytes) -> Format:
    """The format of a picture that is taken; raises PictureRejected and PictureTypeUnsupported."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(png.SIGNATURE):
        return "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if bmp.matches(data):
        return "bmp"
    raise _refusal(data)


def _refusal(data: bytes) -> PictureRejected | PictureTypeUnsupported:
    kind = _start(data) or _container(data) or _markup(data)
    if kind is None:
        return PictureRejected("the file is not a picture: its content is none of JPEG, PNG, WebP and BMP")
    return unsupported(kind)


def _start(data: bytes) -> str | None:
    return next((kind for start, kind in _UNSUPPORTED_STARTS.items() if data.startswith(start)), None)


def _container(data: bytes) -> str | None:
    if data[4:8] == b"ftyp":
        return _ISO_BRANDS.get(data[8:12], "a video (MP4 or QuickTime)")
    if data.startswith(b"RIFF") and data[8:12] == b"AVI ":
        return "a video (AVI)"
    return None


def _markup(data: bytes) -> str | None:
    # without the zeros, UTF-16 reads like ASCII
    text = data[:_MARKUP_BYTES].replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS).lstrip()
    root = _ROOT.search(text) if text.startswith(b"<") else None
    if root is None:
        return None
    return "an SVG drawing" if root["svg"] else "an HTML page"
