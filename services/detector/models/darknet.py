"""Finds a Darknet model on disk and checks that its files belong together, before anything is loaded."""

import hashlib
import struct
from pathlib import Path

from services.detector.models.cfg import count_classes, count_weights, read_sections
from services.detector.models.model import Model, ModelFiles, ModelUnusable
from services.detector.models.names import read_classes


def find_model(cfg: Path) -> ModelFiles:
    """Find the Darknet model whose layers `cfg` describes: its `.weights` lies beside it under the same stem.

    Class names come from a `.names` file beside it, one per line; without one, a model of 80 classes gets COCO's names.
    Raises ModelUnusable for a file that is missing, unreadable, cut short, or of another model.
    """
    if cfg.suffix != ".cfg":
        raise ModelUnusable(
            f"{cfg} is not a .cfg file: name the .cfg of a Darknet model that has its .weights beside it"
        )
    network, *layers = read_sections(cfg)
    weights = cfg.with_suffix(".weights")
    try:
        model = Model(
            name=cfg.stem,
            sha256=_checked_sha256(weights, cfg=cfg, values=count_weights(network, layers)),
            classes=read_classes(cfg.with_suffix(".names"), model=cfg, count=count_classes(layers)),
            input_width=network.integer("width"),
            input_height=network.integer("height"),
        )
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ModelUnusable(f"{cfg} is no Darknet model that can be read ({error}): fetch it again") from error
    return ModelFiles(model=model, cfg=cfg, weights=weights)


def _checked_sha256(weights: Path, *, cfg: Path, values: int) -> str:
    """The hash of a weights file that is exactly as long as `cfg` asks for: OpenCV loads a shorter one as garbage."""
    try:
        with weights.open("rb") as file:
            actual = weights.stat().st_size
            expected = header_bytes(file.read(8)) + 4 * values
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnusable(
            f"{weights} cannot be read ({error.strerror}): put the model's weights beside {cfg.name}"
        ) from error
    if actual != expected:
        raise ModelUnusable(
            f"{weights} has {actual} bytes where {cfg.name} asks for {expected}: "
            "it was cut short or belongs to another cfg, fetch both again"
        )
    return digest


def header_bytes(start: bytes) -> int:
    """Three 32-bit integers (major, minor, revision) and the count of images seen: 64 bits wide from version 0.2 on."""
    if len(start) < struct.calcsize("<2i"):
        return 20
    return 20 if struct.unpack("<2i", start) >= (0, 2) else 16
