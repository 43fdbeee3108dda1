"""What operations can be asked for."""

import pytest

from shared.errors import Invalid
from shared.pipelines import Operation
from shared.pipelines.arguments import (
    Blur,
    Crop,
    Fit,
    Grayscale,
    Hide,
    Resize,
    Rotate,
    Split,
    Tile,
    argument_of,
)


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("resize", "640x480", Resize(width=640, height=480)),
        ("fit", "10000x1", Fit(width=10_000, height=1)),
        ("split", True, Split()),
        ("tile", "64x48", Tile(width=64, height=48)),
        ("tile", {"size": "64x48", "overlap": 23}, Tile(width=64, height=48, overlap=23)),
        (
            "crop",
            {"left": 1, "top": 2, "width": 3, "height": 4},
            Crop(left=1, top=2, width=3, height=4, in_shares=False),
        ),
        (
            "crop",
            {"left": 0, "top": 0, "width": 0.5, "height": 1},
            Crop(left=0, top=0, width=0.5, height=1, in_shares=True),
        ),
        ("rotate", 270, Rotate(degrees=270)),
        ("grayscale", True, Grayscale()),
        ("blur", "bilateral", Blur(kind="bilateral")),
        ("hide", {"labels": ["person"]}, Hide(labels=("person",))),
        (
            "hide",
            {"labels": ("person", "dog"), "with": "fill", "confidence": 1, "grow": 0},
            Hide(labels=("person", "dog"), cover="fill", confidence=1.0, grow=0.0),
        ),
    ],
)
def test_arguments_are_read(name, given, read):
    assert argument_of(Operation(name=name, argument=given)) == read


@pytest.mark.parametrize(
    ("name", "given", "pointer"),
    [
        *(("resize", given, "") for given in ("0x1", "1x0", "10001x1", "1X1", " 1x1", "1x1\n", "640", 640, None, True)),
        *(("split", given, "") for given in (False, 1, "true", None)),
        ("grayscale", 1, ""),
        *(("rotate", given, "") for given in (0, 45, 90.0, "90", True, -90)),
        *(("blur", given, "") for given in ("box", "", True, ["gaussian"])),
        ("tile", 64, ""),
        ("tile", {"overlap": 1}, ""),
        ("tile", {"size": "64x48", "stride": 1}, ""),
        ("tile", {"size": "64"}, "/size"),
        *(("tile", {"size": "64x48", "overlap": given}, "/overlap") for given in (24, -1, 1.0, "1", True)),
        ("crop", {"left": 0, "top": 0, "width": 1}, ""),
        ("crop", {"left": 0, "top": 0, "width": 1, "height": 1, "unit": "px"}, ""),
        ("crop", {"left": 0, "top": 0, "width": 0, "height": 1}, "/width"),
        ("crop", {"left": -1, "top": 0, "width": 1, "height": 1}, "/left"),
        ("crop", {"left": 0.5, "top": 0, "width": 2, "height": 1}, "/width"),
        ("crop", {"left": 0.5, "top": 0, "width": 1, "height": 0}, "/height"),
        *(
            ("crop", {"left": 0, "top": given, "width": 1, "height": 1}, "/top")
            for given in (float("nan"), float("inf"), 1e300, "0", True, None)
        ),
        ("hide", "person", ""),
        ("hide", {}, ""),
        ("hide", {"labels": []}, "/labels"),
        ("hide", {"labels": "person"}, "/labels"),
        ("hide", {"labels": ["person", ""]}, "/labels/1"),
        ("hide", {"labels": ["person", 1]}, "/labels/1"),
        ("hide", {"labels": ["person"], "with": "ink"}, "/with"),
        ("hide", {"labels": ["person"], "confidence": 1.1}, "/confidence"),
        ("hide", {"labels": ["person"], "grow": "1"}, "/grow"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_where_it_stands(name, given, pointer):
    with pytest.raises(Invalid) as refused:
        argument_of(Operation(name=name, argument=given))
    assert refused.value.pointer == pointer
