"""Sample pictures with known labels, and a tiny detector that finds what they show.

The pictures show solid squares in red, green or blue on dark ground. A picture's label is the colour of most of its
squares. Some show two colours; some show faint squares, which people see and the detector misses.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("red square", "green square", "blue square")
"""The labels of a task over these pictures, which are the model's classes."""

_INPUT = 192  # pixels: the side of the model's input
_CELL = 32  # pixels of it to a cell of the detection grid; a cell holds at most one square
_SQUARE = 24  # pixels of it to the side of a square
_GRID = _INPUT // _CELL
_MAX_LEADERS = 6  # squares of the colour that gives a picture its label
_BRIGHT, _FAINT = 255, 90  # a colour channel at half its range is where the model begins to see

_CFG = f"""\
[net]
width={_INPUT}
height={_INPUT}
channels=3

# How much redder, greener, bluer than everything else a pixel is.
[convolutional]
batch_normalize=1
filters=3
size=1
stride=1
activation=leaky

# The most of each that a cell holds.
[maxpool]
size={_CELL}
stride={_CELL}
padding=0

# One box per cell, in its middle and of its anchor's size; the evidence makes objectness and classes.
[convolutional]
filters={5 + len(CLASSES)}
size=1
stride=1
activation=linear

[yolo]
mask=0
num=1
anchors={_SQUARE},{_SQUARE}
classes={len(CLASSES)}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """One square: its class, and where it lies in pixels of its picture."""

    label: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a picture shows. `label` is the class of most of its squares; the model finds none of them if `is_faint`."""

    filename: str
    label: str
    is_faint: bool
    squares: tuple[Square, ...]


def write_model(folder: Path) -> Path:
    """Write `tiny.cfg`, `tiny.weights` and `tiny.names`, a Darknet detector made by hand; returns the path of the cfg.

    It takes 192 x 192 pixels in RGB from 0 to 1 and finds at most one square in each cell of 32 x 32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cfg = folder / "tiny.cfg"
    cfg.write_text(_CFG, encoding="utf-8")
    cfg.with_suffix(".names").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")

    colours = len(CLASSES)
    normalization = [np.zeros(colours), np.ones(colours), np.zeros(colours), np.ones(colours)]  # changes nothing
    evidence = 2 * np.eye(colours) - 1  # a colour minus the two others
    # Box offsets stay 0. Objectness sums the evidence, a class takes its own: certain at 1, even at a half.
    heads = 20 * np.vstack([np.zeros((4, colours)), np.ones(colours), np.eye(colours)])
    bias = np.repeat([0.0, -10.0], [4, 1 + colours])
    numbers = np.concatenate([part.ravel() for part in (*normalization, evidence, bias, heads)])
    header = np.array([0, 2, 0, 0, 0], "<i4")  # version 0.2.0, then a 64-bit count of images seen
    cfg.with_suffix(".weights").write_bytes(header.tobytes() + numbers.astype("<f4").tobytes())
    return cfg


def draw(folder: Path, count: int, seed: int) -> list[Truth]:
    """Draw `count` pictures, no two alike, and `truth.json`, each file with its label. A seed always draws the same.

    Every third picture is a JPEG, the others are PNG; every fourth is 384 pixels wide and high, the others 192. Every
    fifth shows a second colour, and every eighth is faint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    digits = max(3, len(str(count)))
    drawn: set[bytes] = set()
    truths: list[Truth] = []
    for number in range(1, count + 1):
        filename = f"sample-{number:0{digits}}{'.jpg' if number % 3 == 0 else '.png'}"
        truth, data = _picture(rng, number, filename)
        while data in drawn:
            truth, data = _picture(rng, number, filename)
        drawn.add(data)
        (folder / filename).write_bytes(data)
        truths.append(truth)
    (folder / "truth.json").write_text(
        json.dumps({truth.filename: truth.label for truth in truths}, indent=1), encoding="utf-8"
    )
    return truths


def _picture(rng: np.random.Generator, number: int, filename: str) -> tuple[Truth, bytes]:
    scale = 2 if number % 4 == 0 else 1
    is_faint = number % 8 == 0
    leader, other = rng.permutation(len(CLASSES))[:2]
    is_mixed = number % 5 == 0
    leaders = int(rng.integers(2 if is_mixed else 1, _MAX_LEADERS + 1))
    others = int(rng.integers(1, leaders)) if is_mixed else 0
    cells = rng.choice(_GRID * _GRID, leaders + others, replace=False)

    bgr = np.full((_INPUT * scale, _INPUT * scale, 3), rng.integers(10, 40), np.uint8)
    squares = tuple(
        _square(bgr, colour=int(leader if index < leaders else other), cell=int(cell), scale=scale, is_faint=is_faint)
        for index, cell in enumerate(cells)
    )
    truth = Truth(filename=filename, label=CLASSES[leader], is_faint=is_faint, squares=squares)
    _, data = cv2.imencode(Path(filename).suffix, bgr)
    return truth, data.tobytes()


def _square(bgr: NDArray[np.uint8], *, colour: int, cell: int, scale: int, is_faint: bool) -> Square:
    """Draw a square into the middle of a cell."""
    row, column = divmod(cell, _GRID)
    margin = (_CELL - _SQUARE) // 2
    top, left = ((index * _CELL + margin) * scale for index in (row, column))
    side = _SQUARE * scale
    bgr[top : top + side, left : left + side] = 0
    bgr[top : top + side, left : left + side, 2 - colour] = _FAINT if is_faint else _BRIGHT
    return Square(label=CLASSES[colour], left=left, top=top, width=side, height=side)
