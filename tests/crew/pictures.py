"""Small pictures, each with bytes of its own, and archives of them."""

import hashlib
import io
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from quorate.uploads import Part

FORMATS = (".png", ".jpg", ".bmp", ".webp")


@dataclass(frozen=True)
class Drawn:
    filename: str
    data: bytes
    sha256: str

    @property
    def part(self) -> Part:
        return Part(self.filename, len(self.data), partial(io.BytesIO, self.data))


def draw(chance: random.Random, name: str) -> Drawn:
    """A picture of random colour with noise on it: no two have the same bytes."""
    side = chance.randrange(16, 49)
    noise = np.frombuffer(chance.randbytes(side * side * 3), np.uint8).reshape(side, side, 3) // 4
    picture = noise + np.array([chance.randrange(190) for _ in range(3)], np.uint8)
    extension = chance.choice(FORMATS)
    data = cv2.imencode(extension, picture)[1].tobytes()
    return Drawn(f"{name}{extension}", data, hashlib.sha256(data).hexdigest())


def archive(drawn: Sequence[Drawn], name: str) -> Part:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for one in drawn:
            file.writestr(f"some folder/{one.filename}", one.data)
    return Part(name, out.tell(), partial(io.BytesIO, out.getvalue()))
