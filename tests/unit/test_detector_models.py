import hashlib
import subprocess
import sys

import pytest

from loadtest.samples import CLASSES, write_model
from services.detector.engine.opencv_dnn import OpenCvEngine
from services.detector.models import COCO_CLASSES, Model, ModelUnusable, find_model


@pytest.fixture
def cfg(tmp_path):
    return write_model(tmp_path)


def write_weights(cfg, values: int, *, header: bytes = b"\0\0\0\0\2\0\0\0" + b"\0" * 12) -> None:
    cfg.with_suffix(".weights").write_bytes(header + b"\0" * 4 * values)


def test_finds_a_model_from_its_cfg(cfg):
    files = find_model(cfg)
    sha256 = hashlib.sha256(cfg.with_suffix(".weights").read_bytes()).hexdigest()
    assert files.model == Model(name="tiny", sha256=sha256, classes=CLASSES, input_width=192, input_height=192)
    assert files.model.voter == f"detector:tiny@{sha256[:12]}"
    assert (files.cfg, files.weights) == (cfg, cfg.with_suffix(".weights"))


@pytest.mark.parametrize("length", [0, 1, 4, 10, 19, 20, 100, 231, 233, 4096])
def test_weights_of_another_length(cfg, length):
    weights = cfg.with_suffix(".weights")
    weights.write_bytes(weights.read_bytes()[:length].ljust(length, b"\0"))
    with pytest.raises(ModelUnusable, match=r"tiny\.weights has \d+ bytes where tiny\.cfg asks for 232.*fetch"):
        find_model(cfg)


def remove(suffix):
    return lambda cfg: cfg.with_suffix(suffix).unlink()


def write(suffix, content: bytes):
    return lambda cfg: cfg.with_suffix(suffix).write_bytes(content)


def make_folder(cfg):
    cfg.with_suffix(".weights").unlink()
    cfg.with_suffix(".weights").mkdir()


def replace(old: str, new: str):
    return lambda cfg: cfg.write_text(cfg.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove(".cfg"), r"tiny\.cfg cannot be read \(No such file.*name the \.cfg"),
        (remove(".weights"), r"tiny\.weights cannot be read \(No such file.*put the model's weights beside tiny\.cfg"),
        (make_folder, r"tiny\.weights cannot be read"),
        (remove(".names"), r"tiny\.names cannot be read .*write the 3 class names"),
        (write(".names", b"one\ntwo\n"), r"tiny\.names has 2 class names where tiny\.cfg has 3"),
        (write(".names", b"\xff\xfe"), r"tiny\.names is not UTF-8"),
        (write(".cfg", b"\xff\xfe"), r"tiny\.cfg is not UTF-8"),
        (write(".cfg", b""), r"begins with \[net\]"),
        (write(".cfg", b"<html>"), r"begins with \[net\]"),
        (replace("filters=3", "filters=three"), r"tiny\.cfg is no Darknet model that can be read"),
        (replace("width=192", ""), r"\[net\] has no width"),
        (replace("[maxpool]", "[crnn]"), r"\[crnn\] layer, which is not supported"),
        (replace("[maxpool]", "[route]\nlayers=7\n[maxpool]"), r"points at layer 7"),
        (replace("[maxpool]", "[route]\n[maxpool]"), r"\[route\] has no layers"),
        (replace("[yolo]", "[softmax]"), r"a detector has \[yolo\]"),
        (replace("filters=3", "filters=3\ngroups=0"), r"no Darknet model that can be read"),
    ],
)
def test_files_that_cannot_be_used(cfg, spoil, message):
    spoil(cfg)
    with pytest.raises(ModelUnusable, match=message):
        find_model(cfg)


def test_only_a_cfg_names_a_model(cfg):
    with pytest.raises(ModelUnusable, match=r"not a \.cfg file"):
        find_model(cfg.with_suffix(".weights"))


def test_opencv_refusing_a_model(cfg):
    files = find_model(cfg)
    cfg.write_text(cfg.read_text().replace("size=32", "size=0"))
    with pytest.raises(ModelUnusable, match=r"OpenCV cannot run .*tiny\.cfg"):
        OpenCvEngine(files)


def test_a_model_of_80_classes_without_names_has_cocos(cfg):
    cfg.write_text(cfg.read_text().replace("classes=3", "classes=80").replace("filters=8", "filters=85"))
    write_weights(cfg, 12 + 9 + 85 + 85 * 3)
    cfg.with_suffix(".names").unlink()
    assert find_model(cfg).model.classes == COCO_CLASSES
    cfg.with_suffix(".names").write_text("\n".join(map(str, range(80))))
    assert find_model(cfg).model.classes == tuple(map(str, range(80)))


@pytest.mark.parametrize(
    ("layers", "values"),
    [
        ("[convolutional]\nfilters=8\nsize=3\n", 8 + 8 * 3 * 9),
        ("[convolutional]\nfilters=8\nsize=3\nbatch_normalize=1\n", 8 * 4 + 8 * 3 * 9),
        ("[convolutional]\nfilters=6\ngroups=3\nsize=5 # five\n", 6 + 6 * 25),
        ("[maxpool]\n[upsample]\n[dropout]\n[convolutional]\nfilters=2\n", 2 + 2 * 3),
        ("[reorg]\nstride=2\n[convolutional]\nfilters=2\n", 2 + 2 * 12),
        ("[convolutional]\nfilters=4\n[route]\nlayers = -1, 0\n[convolutional]\nfilters=2\n", 16 + 2 + 2 * 8),
        ("[convolutional]\nfilters=4\n[route]\nlayers=-1\ngroups=2\n[convolutional]\nfilters=2\n", 16 + 2 + 2 * 2),
        ("[convolutional]\nfilters=4\n[shortcut]\nfrom=-1\n[convolutional]\nfilters=2\n", 16 + 2 + 2 * 4),
        ("[convolutional]\nfilters=4\n[avgpool]\n[scale_channels]\nfrom=-2\n[convolutional]\n", 16 + 1 + 4),
    ],
)
@pytest.mark.parametrize("header", [b"\0\0\0\0\2\0\0\0" + b"\0" * 12, b"\0\0\0\0\1\0\0\0" + b"\0" * 8])
def test_counts_the_weights_of_every_layer(tmp_path, layers, values, header):
    cfg = tmp_path / "some.cfg"
    cfg.write_text(f"[net]\nwidth=32\nheight=64\nchannels=3\n{layers}[yolo]\nclasses=80\n")
    write_weights(cfg, values, header=header)
    assert (find_model(cfg).model.input_width, find_model(cfg).model.input_height) == (32, 64)
    write_weights(cfg, values - 1, header=header)
    with pytest.raises(ModelUnusable):
        find_model(cfg)


def test_finding_a_model_loads_no_inference_library():
    code = "import sys, services.detector.models; sys.exit('cv2' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
