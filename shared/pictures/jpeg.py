"""JPEG files as a row of segments: the header, and what is left without metadata."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures import exif
from shared.pictures.header import UPRIGHT, Bare, Header, left_out
from shared.pictures.refusals import PictureRejected, PictureTypeUnsupported, corrupt, truncated

_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
"""The next marker that starts a segment; passes over entropy-coded data, where FF is followed by 00 or a restart."""

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_HEIGHT, _COMMENT = 0xDC, 0xFE  # a height that follows the first scan counts only where the frame has none
_UNSEEN = frozenset({_HEIGHT, _COMMENT})
_END_MARKER = b"\xff\xd9"
_EXIF, _PROFILE = 0xE1, 0xE2
_APPLICATION = range(0xE0, 0xF0)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_SHOWN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive: what every browser decodes
_KEPT_APPLICATION = {0xE0: b"JFIF\0", _PROFILE: b"ICC_PROFILE\0", 0xEE: b"Adobe"}  # they say what the samples mean

_LENGTH_BYTES = 2  # a length counts itself
_SCAN_BYTES = 6  # number of components, one of them and its tables, first and last coefficient, bits
_FRAME_BYTES = 6  # bits per sample, height, width, number of components
_SAMPLE_BITS = 8
_COEFFICIENTS = range(64)
_COEFFICIENT_BYTES = 2  # of each sample, where the decoder needs all scans before it has any pixel

_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100
_MAX_SCANNED_PIXELS = 1_000_000_000  # every scan walks the whole picture, however few bytes it has
_DECODING_BYTES = 12  # coefficients and pixels; or pixels decoded, turned, encoded, and the encoded copied

END_ADDED = "the end marker was missing and was added"


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker and what belongs to it: `data[start:end]`; the entropy-coded data after a scan's header is not in it.

    Nothing belongs to the end of a picture that lacks its marker.
    """

    marker: int
    start: int
    end: int

    def payload(self, data: bytes) -> bytes:
        return data[self.start + 4 : self.end]


def read(data: bytes) -> Header:
    """The header of a JPEG; raises PictureRejected and PictureTypeUnsupported."""
    frame: _Segment | None = None
    scan = b""
    orientation: int | None = None
    for segment in _segments(data):
        if segment.marker in (_SCAN, _END):
            scan = segment.payload(data)
            break
        if segment.marker in _FRAMES and frame is None:
            frame = segment
        elif segment.marker == _EXIF and orientation is None and segment.payload(data).startswith(exif.PREFIX):
            orientation = exif.read_orientation(segment.payload(data))
    if frame is None:
        raise corrupt("JPEG")
    return _header(frame.marker, frame.payload(data), scan, orientation or UPRIGHT)


def strip(data: bytes) -> Bare:
    """The same JPEG without metadata and without what follows its end, which is added where it lacks its marker.

    Raises PictureRejected.
    """
    kept = [data[:2]]
    notes: tuple[str, ...] = ()
    frame: _Segment | None = None
    scan_start: int | None = None
    scans: list[bytes] = []
    for segment in _segments(data):
        if scan_start is not None:
            kept.append(data[scan_start : segment.start])
            scan_start = None
        if segment.marker == _SCAN:
            scan_start = segment.start
            scans.append(segment.payload(data))
        elif segment.marker == _END:
            kept.append(_END_MARKER)
            notes = left_out(len(data) - segment.end) if segment.end > segment.start else (END_ADDED,)
        elif _is_kept(segment, data):
            kept.append(data[segment.start : segment.end])
            frame = segment if segment.marker in _FRAMES else frame
    if frame is not None:
        _check_scans(scans, frame.payload(data), is_progressive=frame.marker == _PROGRESSIVE)
    return Bare(data=b"".join(kept), notes=notes)


def colour_profile(data: bytes) -> bytes | None:
    """The ICC profile, which may be spread over several segments; None where there is none."""
    parts: dict[int, bytes] = {}
    for segment in _segments(data):
        if segment.marker == _SCAN:
            break
        payload = segment.payload(data)
        if segment.marker == _PROFILE and payload.startswith(_KEPT_APPLICATION[_PROFILE]):
            number_at = len(_KEPT_APPLICATION[_PROFILE])
            parts[payload[number_at] if len(payload) > number_at else 0] = payload[number_at + 2 :]
    return b"".join(parts[number] for number in sorted(parts)) or None


def _check_scans(scans: list[bytes], frame: bytes, *, is_progressive: bool) -> None:
    """Raises PictureRejected where there are too many scans, or some are missing.

    A decoder takes what there is for the whole: gray where colours are missing, a blur where details are.
    """
    pixels = int.from_bytes(frame[1:3], "big") * int.from_bytes(frame[3:5], "big")
    if len(scans) > (most := min(_MAX_SCANS, _MAX_SCANNED_PIXELS // max(1, pixels))):
        raise PictureRejected(f"the JPEG has more than {most} scans")
    missing = {component: set(_COEFFICIENTS) for component in frame[_FRAME_BYTES::3]}
    for scan in scans:
        if len(scan) < _SCAN_BYTES:
            raise corrupt("JPEG")
        components = scan[1 : 1 + 2 * scan[0] : 2]
        first, last, bits = scan[-3:] if is_progressive else (0, 63, 0)
        if bits & 0x0F == 0:  # to the last bit
            for component in components:
                missing.get(component, set[int]()).difference_update(range(first, last + 1))
    if any(missing.values()):
        raise truncated("JPEG")


def _header(marker: int, frame: bytes, scan: bytes, orientation: int) -> Header:
    if len(frame) < _FRAME_BYTES:
        raise corrupt("JPEG")
    bits, components = frame[0], frame[5]
    if bits != _SAMPLE_BITS:
        raise PictureTypeUnsupported(f"the JPEG has {bits} bits per sample; only {_SAMPLE_BITS} are taken")
    needs_all_scans = marker == _PROGRESSIVE or scan[:1] != bytes([components])
    held = components * _COEFFICIENT_BYTES if needs_all_scans else 0
    return Header(
        format="jpeg",
        width=int.from_bytes(frame[3:5], "big"),
        height=int.from_bytes(frame[1:3], "big"),
        orientation=orientation,
        is_showable=marker in _SHOWN_FRAMES and components in (1, 3),
        components=components,
        is_dct=marker in _SHOWN_FRAMES,
        checking_bytes=held,
        decoding_bytes=_DECODING_BYTES,
    )


def _segments(data: bytes) -> Iterator[_Segment]:
    """Every segment from the first to the end of the picture, passing over stray bytes between them as decoders do.

    A file that ends within a scan may lack no more than the end's marker: its decoder tells.
    """
    end = 2
    is_scanning = False
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, end)
        if found is None and is_scanning:
            end = len(data) - data.endswith(b"\xff")  # half a marker
            yield _Segment(_END, end, end)
            return
        if found is None:
            raise truncated("JPEG")
        start, marker = found.start(), data[found.end() - 1]
        if marker == _END:
            yield _Segment(marker, start, start + 2)
            return
        if marker == _START:
            raise corrupt("JPEG")
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        end = start + 2 + length
        if start + 4 > len(data) or end > len(data):
            raise truncated("JPEG")
        if length < _LENGTH_BYTES:
            raise corrupt("JPEG")
        is_scanning = marker == _SCAN
        yield _Segment(marker, start, end)
    raise PictureRejected(f"the JPEG has more than {_MAX_SEGMENTS:,} segments")


def _is_kept(segment: _Segment, data: bytes) -> bool:
    if segment.marker in _APPLICATION:
        signature = _KEPT_APPLICATION.get(segment.marker)
        return signature is not None and data.startswith(signature, segment.start + 4, segment.end)
    return segment.marker not in _UNSEEN
