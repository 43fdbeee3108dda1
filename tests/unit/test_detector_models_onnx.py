"""Telling an .onnx file's family, size and classes from the file, however spoiled."""

import hashlib
import json
import random

import numpy as np
import pytest
from onnx import TensorProto, helper

from services.detector.models import COCO_CLASSES, FAMILY_PIXELS, ModelFiles, ModelUnusable
from services.detector.models.external_data import files_of
from services.detector.models.onnx_header import Tensor, read_onnx_header
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.onnx_samples import write_constant_model, write_weights_beside, yolox_heads


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
        ({"output": [[1]], "metadata": {"quorate.darknet": "[" * 100_000}}, "converted by another version"),
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


def beside(path, location):
    write_weights_beside(path, location)
    path.with_suffix(".names").write_text("a\nb\nc\n")
    return find_onnx_model(path).model


def test_weights_beside_a_model_are_part_of_what_it_is_known_by(path):
    weights = path.with_name("weights.bin")
    weights.write_bytes(np.float32([0.2, 0.3, 0.5]).tobytes())
    model = beside(path, "weights.bin")
    assert beside(path, "weights.bin").sha256 == model.sha256
    weights.write_bytes(np.float32([0.5, 0.3, 0.2]).tobytes())
    assert beside(path, "weights.bin").sha256 != model.sha256


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../outside.bin", r"keeps weights in '\.\./outside\.bin', outside its own folder: refused; export it as one"),
        ("/etc/hostname", "outside its own folder"),
        ("link.bin", "outside its own folder"),
        ("gone.bin", r"keeps weights in 'gone\.bin', which is not there: put it beside the model"),
        ("", "which is not there"),
        ("a\0b", "which is not there"),
        ("a" * 5_000, "cannot be read|which is not there"),
    ],
)
def test_weights_elsewhere_are_refused_with_what_to_do(tmp_path, location, message):
    (tmp_path / "outside.bin").write_bytes(bytes(12))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(ModelUnusable, match=message):
        beside(folder / "some.onnx", location)


def test_weights_of_a_constant_within_a_branch_are_found(path):
    """Tensors lie in attributes and in graphs within attributes, too."""
    inner = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    inner.external_data.add(key="location", value="../inner.bin")
    branch = helper.make_graph([helper.make_node("Constant", [], ["x"], value=inner)], "branch", [], [])
    model = helper.make_model(
        helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)], "g", [], [])
    )
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelUnusable, match=r"keeps weights in '\.\./inner\.bin', outside"):
        files_of(path)
