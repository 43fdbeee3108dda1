"""Telling an .onnx file's family, size and classes from the file, however spoiled."""

import hashlib
import json
import random

import pytest

from services.detector.models import COCO_CLASSES, FAMILY_PIXELS, ModelFiles, ModelUnusable
from services.detector.models.onnx_header import Tensor, read_onnx_header
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.onnx_samples import write_constant_model, yolox_heads


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.onnx"


def test_reads_shapes_and_metadata(path):
    write_constant_model(path, [[1, 2, 3]], entering=(1, 3, 8, 16), metadata={"key": "vålue", "empty": ""})
    header = read_onnx_header(path)
    assert header.inputs == (Tensor(name="picture", kind="tensor(float)", shape=(1, 3, 8, 16)),)
    assert header.outputs == (Tensor(name="output", kind="tensor(float)", shape=(1, 3)),)
    assert header.metadata == {"key": "vålue", "empty": ""}


def test_finds_a_yolox(path):
    write_constant_model(path, yolox_heads(classes=80))
    files = find_onnx_model(path)
    model = files.model
    assert files == ModelFiles(model=model, weights=path, pixels=FAMILY_PIXELS["yolox"], resize="corner")
    assert (model.name, model.family, model.classes) == ("some", "yolox", COCO_CLASSES)
    assert (model.input_width, model.input_height) == (64, 64)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("entering", [(1, 3, 8, 16), (1, 8, 16, 3), ("batch", 3, 8, 16)])
def test_finds_a_classifier(path, entering):
    write_constant_model(path, [[1, 2]], entering=entering)
    path.with_suffix(".names").write_text("cat\ndog\n")
    model = find_onnx_model(path).model
    assert (model.family, model.classes, model.input_width, model.input_height) == ("classifier", ("cat", "dog"), 16, 8)


def test_a_converted_model_brings_its_classes(path):
    write_constant_model(path, [[1]], metadata={"quorate.darknet": json.dumps({"classes": ["red", "blå"]})})
    path.with_suffix(".names").write_text("other\n")
    model = find_onnx_model(path).model
    assert (model.family, model.classes) == ("darknet", ("red", "blå"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": [[[1, 2, 3, 4, 5, 6, 7]]]}, "of no family that is known"),
        ({"output": [1]}, "of no family that is known"),
        ({"output": [[1]], "entering": (1, 3, "height", "width")}, "no pictures of one fixed size"),
        ({"output": [[1]], "entering": (1, 4, 8, 8)}, "no pictures of one fixed size"),
        ({"output": [[1]], "entering": (8, 8)}, "no pictures of one fixed size"),
        ({"output": [[1, 2]]}, r"some\.names cannot be read .*write the 2 class names of some\.onnx"),
        ({"output": [[1]], "metadata": {"quorate.darknet": "{"}}, "converted by another version"),
        ({"output": [[1]], "metadata": {"quorate.darknet": "[]"}}, "converted by another version"),
        ({"output": [[1]], "metadata": {"quorate.darknet": "{}"}}, "converted by another version"),
    ],
)
def test_models_that_are_not_known(path, options, message):
    write_constant_model(path, **options)
    with pytest.raises(ModelUnusable, match=message):
        find_onnx_model(path)


@pytest.mark.parametrize("content", [b"", b"\0", b"<html>", b"\x80" * 20, b"\x3a\xff\xff\xff\xff\x0f", b"\x3a\0"])
def test_files_that_are_no_models(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelUnusable, match=r"some\.onnx is no ONNX model"):
        find_onnx_model(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ModelUnusable, match=r"gone\.onnx cannot be read \(No such file"):
        find_onnx_model(tmp_path / "gone.onnx")
    with pytest.raises(ModelUnusable, match="cannot be read"):
        find_onnx_model(tmp_path)


def test_spoiled_files_are_refused_or_read_but_never_fail_otherwise(path):
    write_constant_model(path, yolox_heads(classes=80), metadata={"key": "value"})
    whole = path.read_bytes()
    dice = random.Random(3)
    for _ in range(300):
        spoiled = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(4)):
            if spoiled:
                spoiled[dice.randrange(min(len(spoiled), 400))] = dice.randrange(256)
        path.write_bytes(spoiled)
        try:
            find_onnx_model(path)
        except ModelUnusable:
            continue
