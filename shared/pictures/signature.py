"""What a file is, by its content and never by its name."""

import re

from shared.pictures import bmp, png
from shared.pictures.header import Format
from shared.pictures.refusals import PictureRejected, PictureTypeUnsupported, Unsupported

_GIF = Unsupported("a GIF picture", "save the frame to be labeled as PNG")
_TIFF = Unsupported("a TIFF picture", "save it as PNG (`magick picture.tif picture.png`), a camera's raw file as JPEG")
_HEIC = Unsupported(
    "a HEIC picture",
    "save it as JPEG (`heif-convert picture.heic picture.jpg`), and have the phone save JPEG from now on (iPhone:"
    " Settings, Camera, Formats, Most Compatible)",
)
_AVIF = Unsupported("an AVIF picture", "save it as JPEG (`avifdec picture.avif picture.jpg`)")
_SVG = Unsupported("an SVG drawing", "save it as PNG (`rsvg-convert drawing.svg -o drawing.png`)")
_HTML = Unsupported("an HTML page", "send the picture itself, not the page that shows it")


def _drawn(kind: str) -> Unsupported:
    return Unsupported(kind, "save it as PNG or JPEG")


def _film(kind: str) -> Unsupported:
    return Unsupported(
        kind, "save the frames to be labeled as pictures (`ffmpeg -i film -vf fps=1 frame-%05d.jpg`: one a second)"
    )


_UNSUPPORTED_STARTS = {
    b"GIF8": _GIF,
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"II+\0": _TIFF,
    b"MM\0+": _TIFF,
    b"%PDF-": _drawn("a PDF document"),
    b"\0\0\x01\0": _drawn("an icon (ICO)"),
    b"\0\0\x02\0": _drawn("a cursor (CUR)"),
    b"\0\0\0\x0cjP  ": _drawn("a JPEG 2000 picture"),
    b"\xff\x4f\xff\x51": _drawn("a JPEG 2000 picture"),
    b"\0\0\0\x0cJXL ": _drawn("a JPEG XL picture"),
    b"\xff\x0a": _drawn("a JPEG XL picture"),
    b"8BPS": _drawn("a Photoshop document (PSD)"),
    b"\x1a\x45\xdf\xa3": _film("a video (Matroska or WebM)"),
    b"OggS": _film("a video (Ogg)"),
    b"FLV\x01": _film("a video (Flash)"),
    b"\0\0\x01\xba": _film("a video (MPEG)"),
    b"\0\0\x01\xb3": _film("a video (MPEG)"),
}
_ISO_BRANDS = {
    b"avif": _AVIF,
    b"avis": _AVIF,
    b"heic": _HEIC,
    b"heix": _HEIC,
    b"heim": _HEIC,
    b"heis": _HEIC,
    b"hevc": _HEIC,
    b"hevx": _HEIC,
    b"mif1": _HEIC,
    b"msf1": _HEIC,
}
_MOST_BRANDS = 20
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
    return kind.refusal()


def _start(data: bytes) -> Unsupported | None:
    return next((kind for start, kind in _UNSUPPORTED_STARTS.items() if data.startswith(start)), None)


def _container(data: bytes) -> Unsupported | None:
    if data[4:8] == b"ftyp":
        brands = [data[8:12], *(data[at : at + 4] for at in range(16, 16 + 4 * _MOST_BRANDS, 4))]
        known = sorted((_ISO_BRANDS[brand] for brand in brands if brand in _ISO_BRANDS), key=lambda kind: kind is _HEIC)
        return known[0] if known else _film("a video (MP4 or QuickTime)")
    if data.startswith(b"RIFF") and data[8:12] == b"AVI ":
        return _film("a video (AVI)")
    return None


def _markup(data: bytes) -> Unsupported | None:
    # without the zeros, UTF-16 reads like ASCII
    text = data[:_MARKUP_BYTES].replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS).lstrip()
    root = _ROOT.search(text) if text.startswith(b"<") else None
    if root is None:
        return None
    return _SVG if root["svg"] else _HTML
