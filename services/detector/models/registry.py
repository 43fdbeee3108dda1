"""The public models that are known by name: their sources, and the hashes of their files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from services.detector.models.model import FAMILY_PIXELS, FAMILY_RESIZE, Family, ModelUnusable, Pixels, Resize

SUFFIXES = frozenset({".cfg", ".weights", ".onnx", ".names", ".txt"})
"""The kinds of files that a model may have. None of them can hold code, as a pickle can."""

_SHA256_BYTES = 32

_ANY_PLACE: tuple[Resize, ...] = ("letterbox", "stretch", "corner")
_RESIZES: Mapping[Family, tuple[Resize, ...]] = {
    "darknet": ("stretch",),
    "yolox": ("corner",),
    "yolov5": _ANY_PLACE,
    "yolov8": _ANY_PLACE,
    "end-to-end": _ANY_PLACE,
    "rt-detr": _ANY_PLACE,
    "classifier": ("stretch", "crop"),
}
"""What a model of each family can be fed with: a detector has to see all of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """One file of a model.

    url: where to download it; None where only its hash is known and it cannot be downloaded.
    sha256: in hex. size: in bytes.
    """

    name: str
    url: str | None
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One entry of the registry.

    classes: "coco", or the name of the file among `files` that lists them, one per line.
    pixels, resize: how pictures are made ready for it.
    """

    name: str
    family: Family
    licence: str
    source: str
    input_width: int
    input_height: int
    classes: str
    pixels: Pixels
    resize: Resize
    files: tuple[KnownFile, ...]

    @property
    def weights(self) -> KnownFile:
        """The file that the model is known by."""
        return next(file for file in self.files if Path(file.name).suffix in {".weights", ".onnx"})

    @property
    def entrance(self) -> str:
        """The name of the file that names the model: its `.cfg` or `.onnx`."""
        return next(file.name for file in self.files if Path(file.name).suffix in {".cfg", ".onnx"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The known models by name, in the order in which they are listed."""

    models: Mapping[str, KnownModel]

    def named(self, name: str) -> KnownModel:
        if name not in self.models:
            raise ModelUnusable(f"there is no model called {name}: known are {', '.join(self.models)}")
        return self.models[name]

    def recognise(self, sha256: str) -> KnownModel | None:
        """The model whose weights have this hash."""
        return next((model for model in self.models.values() if model.weights.sha256 == sha256), None)


def read_registry(path: Path | None = None) -> Registry:
    """Read a registry file, without a path the one that comes with Quorate. Raises ModelUnusable where it is wrong."""
    source = path or files("services.detector.models").joinpath("registry.toml")
    try:
        entries = tomllib.loads(source.read_text(encoding="utf-8"))["model"]
        known = [_model(entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise ModelUnusable(f"{source} is no registry of models: {error!r}") from error
    return Registry(models={model.name: model for model in known})


def _model(entry: Mapping[str, Any]) -> KnownModel:
    family = cast("Family", entry["family"])
    width, height = entry["input"]
    model = KnownModel(
        name=entry["name"],
        family=family,
        licence=entry["licence"],
        source=entry["source"],
        input_width=width,
        input_height=height,
        classes=entry["classes"],
        pixels=_pixels(entry["pixels"]) if "pixels" in entry else FAMILY_PIXELS[family],
        resize=entry.get("resize", FAMILY_RESIZE[family]),
        files=tuple(_file(file) for file in entry["files"]),
    )
    if model.classes != "coco" and model.classes not in {file.name for file in model.files}:
        raise ValueError(f"{model.name} has no file {model.classes}")
    if not model.weights.name or not model.entrance:
        raise ValueError(f"{model.name} has no weights")
    if model.resize not in _RESIZES[family]:
        raise ValueError(f"{model.name} has resize {model.resize}: {family} takes {', '.join(_RESIZES[family])}")
    return model


def _pixels(entry: Mapping[str, Any]) -> Pixels:
    """An offset or divisor is one number, or a list of one for each channel."""
    offset, divisor = (tuple(one) if isinstance(one, list) else one for one in (entry["offset"], entry["divisor"]))
    if any(isinstance(one, tuple) and len(one) != 3 for one in (offset, divisor)):  # noqa: PLR2004 - channels
        raise ValueError(f"pixels {entry} have three channels")
    return Pixels(order=entry["order"], offset=offset, divisor=divisor)


def _file(entry: Mapping[str, Any]) -> KnownFile:
    file = KnownFile(name=entry["name"], url=entry.get("url"), sha256=entry["sha256"].lower(), size=entry["size"])
    if Path(file.name).name != file.name or Path(file.name).suffix not in SUFFIXES:
        raise ValueError(f"{file.name} is not a file of a kind that is taken: {', '.join(sorted(SUFFIXES))}")
    if len(bytes.fromhex(file.sha256)) != _SHA256_BYTES or file.size <= 0:
        raise ValueError(f"{file.name} has no hash or no size")
    return file
