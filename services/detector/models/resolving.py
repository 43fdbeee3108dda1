"""From a model's name or path to its files, without the network."""

from dataclasses import replace
from pathlib import Path

from services.detector.models.coco import COCO_CLASSES
from services.detector.models.darknet import find_model
from services.detector.models.digest import sha256_of
from services.detector.models.model import Model, ModelFiles, ModelUnusable
from services.detector.models.names import read_lines
from services.detector.models.onnx_model import find_onnx_model
from services.detector.models.registry import KnownModel, Registry, read_registry


def resolve(name_or_path: str, *, cache: Path, registry: Registry | None = None) -> ModelFiles:
    """Find a model by its name in the registry, pulled into `cache`, or by the path of its `.cfg` or `.onnx`.

    Every file of a model that is named is checked against its hash. A model that is named by path and whose weights
    have a hash of the registry is recognised wherever it lies: the registry says what it is called and how it is fed.
    Raises ModelUnusable for a model that is unknown, not pulled, or unusable as it lies there.
    """
    registry = registry or read_registry()
    if name_or_path in registry.models:
        known = registry.models[name_or_path]
        for name, fault in faults(known, cache=cache).items():
            raise ModelUnusable(f"{cache / known.name / name} {fault}: run `quorate models pull {known.name}`")
        return _find(cache / known.name / known.entrance, registry)
    path = Path(name_or_path)
    if path.suffix not in {".cfg", ".onnx"}:
        raise ModelUnusable(
            f"{name_or_path} is neither a model that is known ({', '.join(registry.models)}) "
            "nor the path of a .cfg or an .onnx file"
        )
    return _find(path, registry)


def faults(known: KnownModel, *, cache: Path) -> dict[str, str]:
    """The faults of a model's files in `cache`, by file name; empty if there are none."""
    found: dict[str, str] = {}
    for file in known.files:
        try:
            if sha256_of(cache / known.name / file.name) != file.sha256:
                found[file.name] = "is not the file that the registry knows"
        except FileNotFoundError:
            found[file.name] = "is not there"
        except OSError as error:
            found[file.name] = f"cannot be read ({error.strerror})"
    return found


def _find(path: Path, registry: Registry) -> ModelFiles:
    if path.suffix == ".cfg":
        files = find_model(path)
        known = registry.recognise(files.model.sha256)
        return replace(files, model=replace(files.model, name=known.name)) if known else files
    try:
        known = registry.recognise(sha256_of(path))
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): name an .onnx file") from error
    return _known_onnx(path, known) if known else find_onnx_model(path)


def _known_onnx(path: Path, known: KnownModel) -> ModelFiles:
    return ModelFiles(
        model=Model(
            name=known.name,
            sha256=known.weights.sha256,
            classes=_known_classes(path, known),
            input_width=known.input_width,
            input_height=known.input_height,
            family=known.family,
        ),
        weights=path,
        pixels=known.pixels,
        resize=known.resize,
    )


def _known_classes(path: Path, known: KnownModel) -> tuple[str, ...]:
    if known.classes == "coco":
        return COCO_CLASSES
    names = path.with_name(known.classes)
    fix = f"put the {known.classes} of {known.name} beside {path.name}"
    lines = read_lines(names, fix=fix)
    if sha256_of(names) != next(file.sha256 for file in known.files if file.name == known.classes):
        raise ModelUnusable(f"{names} is not the file that the registry knows: {fix}")
    return tuple(lines)
