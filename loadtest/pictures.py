"""Pictures to send: photographs-to-be of a known size, small ones, and those of a folder with the labels they get.

`loadtest.samples` has those that a detector understands.
"""

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from loadtest import samples
from loadtest.errors import MeasurementFailed
from quorate.truths import read_truth

COUNT = 500
WIDTH, HEIGHT = 640, 480
LARGE_COUNT = 12
LARGE_WIDTH, LARGE_HEIGHT = 4000, 3000
SMALLEST, LARGEST = 60_000, 70_000
SIDE, CELL = 64, 8
TRUTH = "truth.json"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Files of a folder, and the model that looks at them.

    truth: labels by file name; None where they are unknown: then what the model says without loss counts as true.
    """

    folder: Path
    names: tuple[str, ...]
    model: str
    truth: Mapping[str, str] | None


def sampled(folder: Path, count: int) -> Pictures:
    """Sample pictures and the tiny model that sees them rightly: those of one colour, and none of the faint ones."""
    drawn = samples.draw(folder, 2 * count, seed=0)
    seen = [one for one in drawn if not one.is_faint and len({square.label for square in one.squares}) == 1][:count]
    return Pictures(
        folder=folder,
        names=tuple(one.filename for one in seen),
        model=str(samples.write_model(folder / "model").absolute()),
        truth={one.filename: one.label for one in seen},
    )


def own(folder: Path, count: int, model: str, *, side: int = 0) -> Pictures:
    """The first pictures of a folder by name, of those whose longer side has at least so many pixels; their labels from
    its `truth.json`, where there is one. Raises MeasurementFailed where there are fewer than `count`, and a size is
    asked for."""
    paths = [path for path in _paths(folder) if not side or max(_size(path)) >= side]
    if side and len(paths) < count:
        raise MeasurementFailed(f"{folder} holds {len(paths)} pictures with a side of {side:,} pixels, not {count}")
    names = tuple(path.name for path in paths[:count])
    truth = read_truth(folder / TRUTH) if (folder / TRUTH).exists() else None
    return Pictures(folder=folder, names=names, model=model, truth=truth)


def read(folder: Path) -> list[bytes]:
    """The pictures of a folder, in order of name. Raises MeasurementFailed where it has none."""
    return [path.read_bytes() for path in _paths(folder)]


def _paths(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise MeasurementFailed(f"{folder} holds no pictures")
    return paths


def _size(path: Path) -> tuple[int, int]:
    """In pixels; raises MeasurementFailed for what is no picture."""
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise MeasurementFailed(f"{path} is no picture")
    return bgr.shape[1], bgr.shape[0]


def small(rng: random.Random) -> bytes:
    """A PNG of 64 x 64 pixels in coloured squares, under 1 kB; no two are alike."""
    cells = SIDE // CELL
    colours = np.frombuffer(rng.randbytes(cells * cells * 3), np.uint8).reshape(cells, cells, 3)
    return cv2.imencode(".png", colours.repeat(CELL, axis=0).repeat(CELL, axis=1))[1].tobytes()


def large(megapixels: int) -> bytes:
    """A JPEG of so many million pixels, 4:3, with grain like a camera's; the same one every time."""
    rng = np.random.default_rng(megapixels)
    height = round((megapixels * 1_000_000 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    coarse = rng.uniform(30, 225, (7, 9, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 6, (height, width, 1)).astype(np.float32)
    bgr = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def archive(rng: random.Random, count: int) -> bytes:
    """A zip of so many small pictures."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for number in range(1, count + 1):
            file.writestr(f"picture-{number}.png", small(rng))
    return packed.getvalue()


def photographs(folder: Path) -> list[bytes]:
    """500 distinct JPEGs of 640 x 480 and about 65 kB, the same ones every time; drawn where they are not there yet."""
    return _drawn(folder, COUNT, _photograph)


def large_photographs(folder: Path) -> list[bytes]:
    """12 distinct JPEGs of 12 megapixels and about 3 MB, likewise."""
    return _drawn(folder, LARGE_COUNT, _large_photograph)


def _drawn(folder: Path, count: int, draw: Callable[[int], bytes]) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"bench-{number:03}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(draw(number))
    return [path.read_bytes() for path in paths]


def _large_photograph(number: int) -> bytes:
    rng = np.random.default_rng(number)
    coarse = rng.uniform(30, 225, (30, 40, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (LARGE_WIDTH, LARGE_HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 6, (LARGE_HEIGHT, LARGE_WIDTH, 1)).astype(np.float32)
    bgr = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _photograph(number: int) -> bytes:
    rng = np.random.default_rng(number)
    coarse = rng.uniform(30, 225, (7, 9, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 1, (HEIGHT, WIDTH, 1)).astype(np.float32)
    low, high = 1.0, 40.0
    for _ in range(12):
        strength = (low + high) / 2
        bgr = np.clip(smooth + strength * grain, 0, 255).astype(np.uint8)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        if SMALLEST <= len(data) <= LARGEST:
            return data
        low, high = (strength, high) if len(data) < SMALLEST else (low, strength)
    raise ValueError(f"picture {number} does not get to its size")
