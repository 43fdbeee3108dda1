"""JPEG files as a row of segments: the header, and what is left without metadata."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures import exif
from shared.pictures.header import UPRIGHT, Header
from shared.pictures.refusals import PictureRejected, PictureTypeUnsupported, corrupt, truncated

_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
"""The next marker that starts a segment; passes over entropy-coded data, where FF is followed by 00 or a restart."""

_START, _END, _SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_EXIF = 0xE1
_APPLICATION = range(0xE0, 0xF0)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SHOWN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive: what every browser decodes
_KEPT_APPLICATION = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}  # they say what the samples mean

_LENGTH_BYTES = 2  # a length counts itself
_FRAME_BYTES = 6  # bits per sample, height, width, number of components
_SAMPLE_BITS = 8

_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100  # every scan of a progressive JPEG walks the whole picture, however few bytes it has


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker and what belongs to it: `data[start:end]`; the entropy-coded data after a scan's header is not in it."""

    marker: int
    start: int
    end: int

    def payload(self, data: bytes) -> bytes:
        return data[self.start + 4 : self.end]


def read(data: bytes) -> Header:
    """The header of a JPEG; raises PictureRejected and PictureTypeUnsupported."""
    frame: _Segment | None = None
    orientation: int | None = None
    for segment in _segments(data):
        if segment.marker in (_SCAN, _END):
            break
        if segment.marker in _FRAMES and frame is None:
            frame = segment
        elif segment.marker == _EXIF and orientation is None and segment.payload(data).startswith(exif.PREFIX):
            orientation = exif.read_orientation(segment.payload(data))
    if frame is None:
        raise corrupt("JPEG")
    return _header(frame.marker, frame.payload(data), orientation or UPRIGHT)


def strip(data: bytes) -> bytes:
    """The same JPEG without metadata and without what follows its end; raises PictureRejected."""
    kept = [data[:2]]
    scan_start: int | None = None
    scans = 0
    for segment in _segments(data):
        if scan_start is not None:
            kept.append(data[scan_start : segment.start])
            scan_start = None
        if segment.marker == _SCAN:
            scan_start = segment.start
            scans += 1
        elif _is_kept(segment, data):
            kept.append(data[segment.start : segment.end])
    if scans > _MAX_SCANS:
        raise PictureRejected(f"the JPEG has more than {_MAX_SCANS} scans")
    return b"".join(kept)


def _header(marker: int, frame: bytes, orientation: int) -> Header:
    if len(frame) < _FRAME_BYTES:
        raise corrupt("JPEG")
    bits, components = frame[0], frame[5]
    if bits != _SAMPLE_BITS:
        raise PictureTypeUnsupported(f"the JPEG has {bits} bits per sample; only {_SAMPLE_BITS} are taken")
    return Header(
        format="jpeg",
        width=int.from_bytes(frame[3:5], "big"),
        height=int.from_bytes(frame[1:3], "big"),
        orientation=orientation,
        is_showable=marker in _SHOWN_FRAMES and components in (1, 3),
    )


def _segments(data: bytes) -> Iterator[_Segment]:
    """Every segment from the first to the end of the picture, passing over stray bytes between them as decoders do."""
    end = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, end)
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
        yield _Segment(marker, start, end)
    raise PictureRejected(f"the JPEG has more than {_MAX_SEGMENTS:,} segments")


def _is_kept(segment: _Segment, data: bytes) -> bool:
    if segment.marker in _APPLICATION:
        signature = _KEPT_APPLICATION.get(segment.marker)
        return signature is not None and data.startswith(signature, segment.start + 4, segment.end)
    return segment.marker != _COMMENT
