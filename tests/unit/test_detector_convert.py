"""Darknet models converted to ONNX give the boxes that OpenCV gives, or are not written."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from loadtest.samples import CLASSES, draw, write_model
from services.detector import manage
from services.detector.engine import agreement as agreements
from services.detector.engine.agreement import Agreement, compare, sample_pictures
from services.detector.engine.converting import convert_checked
from services.detector.engine.loading import load
from services.detector.engine.opencv_dnn import OpenCvEngine
from services.detector.models import ModelUnusable, find_model, resolve
from services.detector.models.cfg import Layer, place_layers, read_sections
from services.detector.models.conversion import convert

SHARED = Path(__file__).parents[3] / "shared"
ASSETS = SHARED / "assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")

CONV = "[convolutional]\nfilters={}\nsize={}\nstride={}\npad=1\nactivation={}\n"
NORMALIZED = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\nstride={}\npad=1\nactivation={}\n"
HEAD = "[convolutional]\nfilters=21\nsize=1\nstride=1\npad=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=1,2,3\nanchors=10,14, 23,27, 37,58, 81,82\nclasses=2\nnum=4\n"
NEW_HEAD = HEAD.replace("linear", "logistic")

NETWORKS = {
    "leaky and relu": NORMALIZED.format(8, 3, 2, "leaky") + CONV.format(8, 3, 1, "relu"),
    "mish, swish and logistic": NORMALIZED.format(8, 3, 2, "mish")
    + NORMALIZED.format(8, 3, 1, "swish")
    + CONV.format(8, 3, 1, "logistic"),
    "depthwise and grouped": CONV.format(8, 3, 2, "leaky")
    + "[convolutional]\nbatch_normalize=1\ngroups=8\nfilters=8\nsize=5\nstride=1\npad=1\nactivation=leaky\n"
    + "[convolutional]\ngroups=2\nfilters=12\nsize=3\nstride=2\npadding=1\nactivation=linear\n",
    "no padding": "[convolutional]\nfilters=8\nsize=3\nstride=2\npad=0\nactivation=leaky\n",
    "pooling of every kind": CONV.format(8, 3, 1, "leaky")
    + "[maxpool]\nsize=2\nstride=2\n[maxpool]\nsize=2\nstride=1\n[maxpool]\nsize=3\nstride=2\n",
    "spatial pyramid": CONV.format(8, 3, 4, "leaky")
    + "[maxpool]\nstride=1\nsize=5\n[route]\nlayers=-2\n[maxpool]\nstride=1\nsize=9\n[route]\nlayers=-1,-3,0\n",
    "v4-tiny's groups": NORMALIZED.format(16, 3, 2, "leaky")
    + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
    + NORMALIZED.format(8, 3, 1, "leaky")
    + NORMALIZED.format(8, 3, 1, "leaky")
    + "[route]\nlayers=-1,-2\n"
    + NORMALIZED.format(16, 1, 1, "leaky")
    + "[route]\nlayers=-6,-1\n[maxpool]\nsize=2\nstride=2\n",
    "shortcuts and dropout": CONV.format(8, 3, 2, "leaky")
    + NORMALIZED.format(8, 1, 1, "linear")
    + "[dropout]\nprobability=.1\n[shortcut]\nfrom=-3\nactivation=leaky\n"
    + "[shortcut]\nfrom=0\nactivation=linear\n",
    "two scales": NORMALIZED.format(8, 3, 4, "leaky")
    + NORMALIZED.format(8, 3, 2, "leaky")
    + HEAD
    + YOLO
    + "[route]\nlayers=-3\n[upsample]\nstride=2\n[route]\nlayers=-1,0\n",
    "a rectangle": NORMALIZED.format(8, 3, 4, "leaky"),
}


def write_network(folder: Path, layers: str) -> Path:
    """A model with random weights of such sizes that signals neither grow nor fade from layer to layer."""
    cfg = folder / "some.cfg"
    cfg.write_text(f"[net]\nwidth=96\nheight=64\nchannels=3\n\n{layers}")
    cfg.with_suffix(".names").write_text("cat\ndog\n")
    random = np.random.default_rng(0)
    network, *sections = read_sections(cfg)
    numbers = [layer_weights(random, layer) for layer in place_layers(network, sections)]
    header = b"\0\0\0\0\2\0\0\0" + b"\0" * 12
    cfg.with_suffix(".weights").write_bytes(header + np.concatenate(numbers).astype("<f4").tobytes())
    return cfg


def layer_weights(random: np.random.Generator, layer: Layer) -> np.ndarray:
    if layer.section.kind != "convolutional":
        return np.zeros(0)
    is_normalized = layer.section.integer("batch_normalize", 0)
    fan_in = layer.values // layer.channels - (4 if is_normalized else 1)
    bias = random.normal(0, 0.3, layer.channels)
    scale, mean, variance = random.uniform([[0.5], [-0.3], [0.3]], [[1.5], [0.3], [2]], (3, layer.channels))
    kernel = random.normal(0, np.sqrt(2 / fan_in), layer.channels * fan_in)
    return np.concatenate([bias, *([scale, mean, variance] if is_normalized else []), kernel])


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_every_kind_of_layer(tmp_path, layers):
    files = find_model(write_network(tmp_path, layers + HEAD + YOLO))
    agreement = convert_checked(files, tmp_path / "some.onnx")
    assert agreement.holds
    assert agreement.boxes > 100
    rows = OpenCvEngine(files, floor=0).rows(next(iter(sample_pictures(96, 64))))
    assert np.std(rows[:, 4:]) > 0.05  # not saturated, where a wrong layer would not show
    converted = resolve(str(tmp_path / "some.onnx"), cache=tmp_path)
    assert (converted.model.classes, converted.model.family) == (("cat", "dog"), "darknet")
    assert (converted.model.input_width, converted.model.input_height) == (96, 64)


@pytest.mark.parametrize(
    "yolo",
    [
        HEAD + YOLO + "scale_x_y=1.2\n",
        NEW_HEAD + YOLO + "new_coords=1\nscale_x_y=2.0\n",
        HEAD.replace("21", "28") + YOLO.replace("mask=1,2,3\n", "mask=0,1,2,3\n"),
    ],
)
def test_every_kind_of_yolo_layer(tmp_path, yolo):
    files = find_model(write_network(tmp_path, CONV.format(8, 3, 8, "leaky") + yolo))
    assert convert_checked(files, tmp_path / "some.onnx").holds


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[avgpool]\n", r"\[avgpool\] layers are not converted"),
        ("[reorg]\nstride=2\n", r"\[reorg\] layers are not converted"),
        (CONV.format(8, 3, 1, "gelu"), "the activation gelu is not converted"),
        (CONV.format(8, 3, 1, "leaky") + "dilation=2\n", "dilation=2"),
        (CONV.format(8, 3, 1, "leaky") + "[upsample]\nstride=2\nscale=2\n", "scale=2"),
        (CONV.format(8, 3, 1, "leaky") + CONV.format(4, 3, 1, "leaky") + "[shortcut]\nfrom=-2\n", "different channels"),
    ],
)
def test_layers_that_are_not_converted(tmp_path, layers, message):
    files = find_model(write_network(tmp_path, layers + HEAD + YOLO))
    with pytest.raises(ModelUnusable, match=f"cannot be converted: .*{message}"):
        convert(files)


def test_the_same_model_gives_the_same_file(tmp_path):
    files = find_model(write_model(tmp_path))
    assert convert(files) == convert(files)


def test_only_darknet_models_are_converted(tmp_path):
    convert_checked(find_model(write_model(tmp_path)), tmp_path / "tiny.onnx")
    with pytest.raises(ModelUnusable, match="is no Darknet model"):
        convert(resolve(str(tmp_path / "tiny.onnx"), cache=tmp_path))
    with pytest.raises(ModelUnusable, match="not the name of an"):
        convert_checked(find_model(tmp_path / "tiny.cfg"), tmp_path / "tiny.cfg")


def test_the_converted_model_finds_every_square(tmp_path):
    """The same answers as Darknet's, through suppression and rounding."""
    cfg = write_model(tmp_path)
    convert_checked(find_model(cfg), cfg.with_suffix(".onnx"))
    darknet, converted = (load(resolve(str(cfg.with_suffix(s)), cache=tmp_path)) for s in (".cfg", ".onnx"))
    assert converted.model.classes == CLASSES
    for truth in draw(tmp_path, 30, seed=7):
        bgr = cv2.imread(str(tmp_path / truth.filename))
        ours, theirs = (engine.detect(bgr, min_confidence=0.01, nms_iou=0.45) for engine in (converted, darknet))
        assert [(d.label, d.rectangle) for d in ours] == [(d.label, d.rectangle) for d in theirs]
        assert [d.confidence for d in ours] == pytest.approx([d.confidence for d in theirs], abs=1e-3)


def test_a_conversion_that_does_not_agree_is_not_written(tmp_path, monkeypatch):
    files = find_model(write_network(tmp_path, CONV.format(8, 3, 8, "leaky") + HEAD + YOLO))
    (tmp_path / "some.onnx").write_bytes(b"before")

    def spoilt(files):
        model = onnx.load_from_string(convert(files))
        leaky = next(node for node in model.graph.node if node.op_type == "LeakyRelu")
        leaky.attribute[0].f = -0.5
        bias = model.graph.initializer[1]
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) - 1, bias.name))
        return model.SerializeToString()

    monkeypatch.setattr("services.detector.engine.converting.convert", spoilt)
    with pytest.raises(ModelUnusable, match="was not written: the converted model sees something else"):
        convert_checked(files, tmp_path / "some.onnx")
    assert (tmp_path / "some.onnx").read_bytes() == b"before"
    assert not list(tmp_path.glob(".converting-*"))


@pytest.mark.parametrize(
    ("agreement", "holds"),
    [
        (Agreement(score=1e-3, pixels=1, boxes=1), True),
        (Agreement(score=1.1e-3, pixels=1, boxes=1), False),
        (Agreement(score=1e-3, pixels=1.1, boxes=1), False),
        (Agreement(score=0, pixels=0, boxes=0), False),
        (Agreement(score=float("nan"), pixels=0, boxes=1), False),
        (Agreement(score=0, pixels=float("nan"), boxes=1), False),
    ],
)
def test_what_agreement_means(agreement, holds):
    assert agreement.holds is holds
    even = Agreement(score=0, pixels=0, boxes=1)
    assert agreements._worse(agreement, even).holds is (holds or agreement.boxes == 0)
    assert agreements._worse(even, agreement).holds is (holds or agreement.boxes == 0)


def test_sample_pictures_are_the_same_each_time_and_of_the_models_size():
    first, second = list(sample_pictures(50, 30)), list(sample_pictures(50, 30))
    assert {picture.shape for picture in first} == {(30, 50, 3)}
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_by_command(tmp_path, capsys):
    cfg = write_model(tmp_path / "model")
    draw(tmp_path / "pictures", 5, seed=1)
    (tmp_path / "pictures" / "truth.json").unlink(missing_ok=True)
    for path in (tmp_path / "pictures").iterdir():
        if path.suffix not in {".png", ".jpg"}:
            path.unlink()
    assert manage.main(["convert", str(cfg)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{cfg.with_suffix('.onnx')}\n"
    assert "boxes compared: confidences differ by" in said.err
    output = tmp_path / "other.onnx"
    assert manage.main(["convert", str(cfg), "-o", str(output), "--pictures", str(tmp_path / "pictures")]) == 0
    assert output.read_bytes() == cfg.with_suffix(".onnx").read_bytes()
    capsys.readouterr()
    assert manage.main(["convert", str(cfg), "--pictures", str(tmp_path / "model")]) == 1
    assert "is not a picture that can be read" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert manage.main(["convert", str(cfg), "--pictures", str(tmp_path / "empty")]) == 1
    assert "0 boxes compared" in capsys.readouterr().err


def test_without_the_package_onnx(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert manage.main(["convert", str(write_model(tmp_path))]) == 1
    assert "pip install 'quorate[convert]'" in capsys.readouterr().err


@needs_assets
@pytest.mark.parametrize("name", ["yolo-fastest-1.1-xl", "yolo-fastest-1.1"])
def test_yolo_fastest_on_photographs(tmp_path, name):
    files = find_model(ASSETS / "models" / "yolo-fastest" / f"{name}.cfg")
    (tmp_path / "some.onnx").write_bytes(convert(files))
    photographs = (cv2.imread(str(path)) for path in sorted((ASSETS / "images" / "coco_val128").glob("*.jpg")))
    agreement = compare(files, tmp_path / "some.onnx", photographs)
    assert agreement.holds
    assert agreement.boxes > 10_000


@needs_assets
def test_yolov3_tiny_with_random_weights(tmp_path):
    cfg = tmp_path / "yolov3-tiny.cfg"
    cfg.write_bytes((ASSETS / "models" / "yolov3-tiny" / "yolov3-tiny.cfg").read_bytes())
    tool = SHARED / "tools" / "random_darknet_weights.py"
    subprocess.run([sys.executable, tool, cfg, cfg.with_suffix(".weights")], check=True)
    agreement = convert_checked(find_model(cfg), tmp_path / "yolov3-tiny.onnx")
    assert agreement.holds
    assert agreement.boxes == 8 * 2535


def test_opencv_runs_only_darknet(tmp_path):
    convert_checked(find_model(write_model(tmp_path)), tmp_path / "tiny.onnx")
    with pytest.raises(ModelUnusable, match=r"has no \.cfg"):
        OpenCvEngine(resolve(str(tmp_path / "tiny.onnx"), cache=tmp_path))
