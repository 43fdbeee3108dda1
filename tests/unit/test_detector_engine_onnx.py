"""The engines on ONNX Runtime: decoding by hand-made outputs, feeding by models that give back what they are fed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detector.engine.classifier import ClassifierEngine
from services.detector.engine.converting import convert_checked
from services.detector.engine.loading import load
from services.detector.engine.pictures import Placement, prepare
from services.detector.models import FAMILY_PIXELS, ModelUnusable, Pixels, resolve
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.onnx_samples import write_constant_model, write_mean_model, yolox_heads

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
ASSETS = SHARED / "assets"
MODELS = ASSETS / "models"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")


def blank(height, width):
    return np.zeros((height, width, 3), np.uint8)


def found_by(engine, bgr, **thresholds):
    thresholds = {"min_confidence": 0.25, "nms_iou": 0.45} | thresholds
    return [
        (d.label, round(d.confidence, 3), (d.rectangle.left, d.rectangle.top, d.rectangle.width, d.rectangle.height))
        for d in engine.detect(bgr, **thresholds)
    ]


def yolox(tmp_path, *cells, **options):
    path = write_constant_model(tmp_path / "some.onnx", yolox_heads(*cells, **options))
    path.with_suffix(".names").write_text("cat\ndog\n")
    return load(find_onnx_model(path))


EIGHT = np.log(2)  # twice a cell's side
CELLS = [
    pytest.param((9, 0.5, 0.5, EIGHT, 0, 0.9, 0.1, 0.8), ("dog", 0.72, (4, 8, 16, 8)), id="stride 8: cell 1, 1"),
    pytest.param((64 + 5, 0, 0, 0, 0, 1, 0.5, 0), ("cat", 0.5, (8, 8, 16, 16)), id="stride 16: cell 1, 1"),
    pytest.param((64 + 16 + 3, 0, 0, 0, 0, 1, 0.5, 0), ("cat", 0.5, (16, 16, 32, 32)), id="stride 32: cell 1, 1"),
]


@pytest.mark.parametrize(("cell", "expected"), CELLS)
def test_yolox_decodes_each_grid(tmp_path, cell, expected):
    assert found_by(yolox(tmp_path, cell), blank(64, 64)) == [expected]


def test_yolox_gives_boxes_in_pixels_of_the_picture(tmp_path):
    engine = yolox(tmp_path, (9, 0.5, 0.5, EIGHT, 0, 1, 0, 0.5))
    assert found_by(engine, blank(128, 256)) == [("dog", 0.5, (16, 32, 64, 32))]
    assert found_by(engine, blank(64, 16)) == [("dog", 0.5, (4, 8, 12, 8))]  # clipped


def test_yolox_counts_a_cell_for_every_class_and_suppresses_within_one(tmp_path):
    engine = yolox(tmp_path, (9, 0, 0, 0, 0, 1, 0.6, 0.5), (10, -0.9, 0, 0, 0, 1, 0.7, 0))
    assert [label for label, _, _ in found_by(engine, blank(64, 64))] == ["cat", "dog"]


def test_yolox_without_the_last_sigmoid(tmp_path):
    logit = np.log(0.8 / 0.2)
    engine = yolox(tmp_path, (9, 0.5, 0.5, EIGHT, 0, 50, -50, logit), empty=-50)
    assert found_by(engine, blank(64, 64)) == [("dog", 0.8, (4, 8, 16, 8))]


def test_yolox_that_is_decoded_already_is_refused(tmp_path):
    with pytest.raises(ModelUnusable, match="decoded already"):
        yolox(tmp_path, (9, 60, 60, 8, 8, 1, 1, 0))


def test_yolox_survives_shapes_that_overflow(tmp_path):
    assert found_by(yolox(tmp_path, (9, 0, 0, 1000, 0, 1, 1, 0)), blank(64, 64)) == []


def test_fitting_keeps_proportions_and_pads_with_gray():
    bgr = np.full((50, 100, 3), (10, 20, 30), np.uint8)
    blob, placement = prepare(bgr, width=64, height=64, pixels=FAMILY_PIXELS["yolox"], resize="corner")
    assert (blob.shape, placement) == ((1, 3, 64, 64), Placement(scale_x=0.64, scale_y=0.64))
    assert blob[0, :, 0, 0].tolist() == blob[0, :, 31, 63].tolist() == [10, 20, 30]
    assert (blob[0, :, 32:] == 114).all()


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1)])
def test_any_size_of_picture(tmp_path, size):
    assert found_by(yolox(tmp_path), blank(*size)) == []


@pytest.mark.parametrize("entering", [(1, 3, 8, 8), (1, 8, 8, 3)])
@pytest.mark.parametrize(("order", "expected"), [("rgb", "c"), ("bgr", "a")])
def test_a_classifier_is_fed_in_its_layout_and_order(tmp_path, entering, order, expected):
    path = write_mean_model(tmp_path / "mean.onnx", entering=entering)
    path.with_suffix(".names").write_text("a\nb\nc\n")
    files = replace(find_onnx_model(path), pixels=Pixels(order=order, offset=0, divisor=255))
    blue = blank(20, 30)
    blue[:, :, 0] = 255
    engine = load(files)
    e = np.e
    assert found_by(engine, blue, min_confidence=0.5) == [(expected, round(e / (e + 2), 3), (0, 0, 30, 20))]


def classifier(tmp_path, outputs, names):
    path = write_constant_model(tmp_path / "some.onnx", [outputs])
    path.with_suffix(".names").write_text("\n".join(names))
    return load(find_onnx_model(path))


def test_a_classifier_answers_the_five_surest_but_not_the_background(tmp_path):
    names = ["background", *"abcdefg"]
    engine = classifier(tmp_path, [0.3, 0.01, 0.02, 0.05, 0.1, 0.12, 0.15, 0.25], names)
    assert [label for label, _, _ in found_by(engine, blank(4, 6), min_confidence=0)] == list("gfedc")
    assert [label for label, _, _ in found_by(engine, blank(4, 6), min_confidence=0.12)] == list("gfe")


def test_equally_sure_classes_come_in_the_models_order(tmp_path):
    engine = classifier(tmp_path, [0.25] * 4, "abcd")
    assert [label for label, _, _ in found_by(engine, blank(4, 6), min_confidence=0)] == list("abcd")


def test_a_model_that_the_library_refuses(tmp_path):
    path = write_constant_model(tmp_path / "some.onnx", [[0.5, 0.5]])
    path.with_suffix(".names").write_text("a\nb\n")
    files = find_onnx_model(path)
    path.write_bytes(path.read_bytes().replace(b"ReduceMin", b"ReduceMad"))
    with pytest.raises(ModelUnusable, match=r"ONNX Runtime cannot run .*some\.onnx"):
        load(files)


@pytest.mark.parametrize("heads", [None, "x", [], [{}], [{"anchors": [[1]], "scale_x_y": 1, "new_coords": False}]])
def test_metadata_of_another_version(tmp_path, heads):
    metadata = {"quorate.darknet": json.dumps({"classes": ["a"], "heads": heads})}
    path = write_constant_model(tmp_path / "some.onnx", np.zeros((1, 6, 2, 2)), metadata=metadata)
    with pytest.raises(ModelUnusable, match="convert it again"):
        load(find_onnx_model(path))


def test_metadata_with_too_few_names(tmp_path):
    heads = [{"anchors": [[1, 1]], "scale_x_y": 1, "new_coords": False}]
    metadata = {"quorate.darknet": json.dumps({"classes": ["a"], "heads": heads})}
    path = write_constant_model(tmp_path / "some.onnx", np.zeros((1, 7, 2, 2)), metadata=metadata)
    with pytest.raises(ModelUnusable, match="another number of classes"):
        load(find_onnx_model(path))


def test_another_number_of_classes_than_outputs(tmp_path):
    path = write_constant_model(tmp_path / "some.onnx", [[0.5, 0.5]])
    path.with_suffix(".names").write_text("a\nb\n")
    files = find_onnx_model(path)
    with pytest.raises(ModelUnusable, match="where it has 3 classes"):
        ClassifierEngine(replace(files, model=replace(files.model, classes=("a", "b", "c"))))


def test_loading_imports_one_library_only():
    code = (
        "import sys, services.detector.engine.loading;sys.exit(bool({'cv2', 'onnxruntime', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def photo(name):
    return cv2.imread(str(ASSETS / "images" / "photos" / name))


def engine_of(tmp_path, name):
    return load(resolve(str(MODELS / name), cache=tmp_path))


@needs_assets
def test_mobilenet_knows_the_animals(tmp_path):
    engine = engine_of(tmp_path, "mobilenet/mobilenet_v2_1.0_224.onnx")
    (surest, *others) = engine.detect(photo("eagle.jpg"), min_confidence=0.05, nms_iou=0.45)
    assert surest.label.startswith("bald eagle")
    assert len(others) <= 4
    dogs = engine.detect(photo("dog.jpg"), min_confidence=0.05, nms_iou=0.45)
    assert {d.label.split(",")[0] for d in dogs} >= {"malamute", "Eskimo dog", "German shepherd"}


@needs_assets
def test_yolox_sees_bicycle_car_and_dog(tmp_path):
    engine = engine_of(tmp_path, "yolox/yolox_nano.onnx")
    found = engine.detect(photo("dog.jpg"), min_confidence=0.5, nms_iou=0.45)
    assert {d.label for d in found} >= {"dog", "bicycle"}


@needs_assets
@pytest.mark.parametrize(
    ("name", "nms_iou", "least"),
    [
        ("yolo-fastest/yolo-fastest-1.1-xl.cfg", 0.45, 0.385),
        ("yolo-fastest/yolo-fastest-1.1.cfg", 0.45, 0.30),
        ("yolox/yolox_nano.onnx", 0.65, 0.495),
    ],
)
def test_accuracy_on_coco(tmp_path, name, nms_iou, least):
    assert ap50(engine_of(tmp_path, name), tmp_path, nms_iou=nms_iou) >= least


@needs_assets
def test_accuracy_of_a_converted_model(tmp_path):
    darknet = resolve(str(MODELS / "yolo-fastest" / "yolo-fastest-1.1-xl.cfg"), cache=tmp_path)
    convert_checked(darknet, tmp_path / "converted.onnx")
    engine = load(resolve(str(tmp_path / "converted.onnx"), cache=tmp_path))
    assert ap50(engine, tmp_path, nms_iou=0.45) >= 0.385


def ap50(engine, tmp_path, *, nms_iou):
    answers = {
        picture.name: [
            {
                "label": d.label,
                "accuracy": d.confidence,
                "rectangle": {side: getattr(d.rectangle, side) for side in ("left", "top", "width", "height")},
            }
            for d in engine.detect(cv2.imread(str(picture)), min_confidence=0.005, nms_iou=nms_iou)
        ]
        for picture in sorted((ASSETS / "images" / "coco_val128").glob("*.jpg"))
    }
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    command = [sys.executable, SHARED / "tools" / "coco_map.py", tmp_path / "answers.json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(said.split("AP50")[1].split()[0])
