"""500 distinct photographs-to-be: 640x480 JPEGs of about 65 kB, the same ones every time."""

from pathlib import Path

import cv2
import numpy as np

COUNT = 500
WIDTH, HEIGHT = 640, 480
SMALLEST, LARGEST = 60_000, 70_000


def pictures(folder: Path) -> list[bytes]:
    """The pictures; drawn into `folder` where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"bench-{number:03}.jpg" for number in range(COUNT)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(_draw(number))
    return [path.read_bytes() for path in paths]


def _draw(number: int) -> bytes:
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
