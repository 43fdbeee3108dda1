"""Detectors and classifiers as others export them: told by their files alone, decoded as their authors decode them."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from onnx import helper

from services.detector import manage
from services.detector.engine import Asked
from services.detector.engine.loading import load
from services.detector.engine.pictures import prepare
from services.detector.models import FAMILY_PIXELS, ModelUnusable, resolve
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.onnx_samples import write_constant_model, write_labelled_model, write_mean_model, write_random_head

ASSETS = Path(__file__).parents[3] / "shared" / "assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
NAMES = {0: "cat", 1: "dog", 2: "cow"}
YOLOV5 = {"stride": 32, "names": NAMES}
ULTRALYTICS = {
    "description": "Ultralytics YOLO11n model trained on coco.yaml",
    "task": "detect",
    "stride": 32,
    "batch": 1,
    "imgsz": [SIDE, SIDE],
    "names": NAMES,
    "args": {"batch": 1, "nms": False},
}
RT_DETR = ULTRALYTICS | {"description": "Ultralytics rtdetr-l model "}
RT_DETR_2026 = ULTRALYTICS | {"head": "RTDETRDecoder", "end2end": False}


def texts(metadata):
    return {key: str(value) for key, value in metadata.items()}


def constant(tmp_path, output, metadata, **options):
    return write_constant_model(tmp_path / "some.onnx", output, metadata=texts(metadata), **options)


def filled(shape, *places):
    """Zeros of a shape, but for some rows of it (or columns, given as a slice)."""
    output = np.zeros(shape, np.float32)
    for place, numbers in places:
        output[(0, *place)] = numbers
    return output


def found_by(path, bgr, **thresholds):
    thresholds = {"min_confidence": 0.25, "nms_iou": 0.45} | thresholds
    return [
        (d.label, round(d.confidence, 3), (d.rectangle.left, d.rectangle.top, d.rectangle.width, d.rectangle.height))
        for d in load(find_onnx_model(path)).detect(bgr, **thresholds)
    ]


def blank(height, width):
    return np.zeros((height, width, 3), np.uint8)


EVERY = slice(None)
WIDE = (64, 128)
"""Half as large in the input: letterboxed it has 16 gray rows above and below."""
LETTERBOXED = (48, 24, 32, 16)
"""What is at 24 to 40 and 28 to 36 in the input."""
STRETCHED = (48, 28, 32, 8)

BY_HAND = [
    pytest.param(
        filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 0.1, 0.8, 0.2))),
        ULTRALYTICS,
        "yolov8",
        0.8,
        LETTERBOXED,
        id="YOLOv8 to 12",
    ),
    pytest.param(
        filled((1, 3 * CELLS, 8), ((5, EVERY), (32, 32, 16, 8, 0.9, 0.1, 0.8, 0.2))),
        YOLOV5,
        "yolov5",
        0.72,
        LETTERBOXED,
        id="YOLOv5",
    ),
    pytest.param(
        filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 1))),
        ULTRALYTICS,
        "end-to-end",
        0.8,
        LETTERBOXED,
        id="YOLOv10, 26, nms=True",
    ),
    pytest.param(
        filled((1, 300, 7), ((9, EVERY), (0.5, 0.5, 0.25, 0.125, 0.1, 0.8, 0.2))),
        RT_DETR,
        "rt-detr",
        0.8,
        STRETCHED,
        id="RT-DETR until 2026",
    ),
    pytest.param(
        filled((1, 300, 6), ((9, EVERY), (0.5, 0.5, 0.25, 0.125, 0.8, 1))),
        RT_DETR_2026,
        "rt-detr",
        0.8,
        STRETCHED,
        id="RT-DETR since 2026",
    ),
]


@pytest.mark.parametrize(("output", "metadata", "family", "confidence", "rectangle"), BY_HAND)
def test_each_head_is_told_and_decoded(tmp_path, output, metadata, family, confidence, rectangle):
    path = constant(tmp_path, output, metadata)
    model = find_onnx_model(path).model
    assert (model.family, model.classes) == (family, ("cat", "dog", "cow"))
    assert (model.input_width, model.input_height) == (SIDE, SIDE)
    assert found_by(path, blank(*WIDE)) == [("dog", round(confidence, 3), rectangle)]


def test_an_rt_detr_of_its_authors(tmp_path):
    path = write_labelled_model(
        tmp_path / "some.onnx", labels=[1, 0], boxes=[[0.375, 0.4375, 0.625, 0.5625], [0, 0, 1, 1]], scores=[0.8, 0.1]
    )
    path.with_suffix(".names").write_text("cat\ndog\ncow\n")
    assert find_onnx_model(path).model.family == "rt-detr"
    assert found_by(path, blank(*WIDE)) == [("dog", 0.8, STRETCHED)]


@pytest.mark.parametrize("is_ranked", [True, False])
def test_an_rt_detr_of_two_classes_answers_six_numbers_in_either_case(tmp_path, is_ranked):
    numbers = (0.8, 1) if is_ranked else (0.1, 0.8)
    rows = np.full((1, 300, 6), 0 if is_ranked else 0.01, np.float32)
    rows[0, 9] = (0.5, 0.5, 0.25, 0.125, *numbers)
    path = constant(tmp_path, rows, RT_DETR | {"names": {0: "cat", 1: "dog"}})
    assert found_by(path, blank(*WIDE)) == [("dog", 0.8, STRETCHED)]


@pytest.mark.parametrize(
    ("output", "metadata", "kept"),
    [
        (
            filled((1, 7, CELLS), *[((EVERY, i), (32 + i, 32, 16, 16, 0.8 - i / 10, 0, 0)) for i in range(2)]),
            ULTRALYTICS,
            1,
        ),
        (filled((1, 300, 6), *[((i, EVERY), (24 + i, 24, 40 + i, 40, 0.8, 0)) for i in range(2)]), ULTRALYTICS, 2),
        (filled((1, 300, 7), *[((i, EVERY), (0.5, 0.5, 0.2, 0.2, 0.8, 0, 0)) for i in range(2)]), RT_DETR, 2),
    ],
    ids=["outside", "inside", "none needed"],
)
def test_boxes_are_suppressed_where_the_graph_has_not_done_it(tmp_path, output, metadata, kept):
    assert len(found_by(constant(tmp_path, output, metadata), blank(64, 64))) == kept


def test_a_box_counts_for_its_surest_class_alone(tmp_path):
    path = constant(tmp_path, filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 0.7, 0.8, 0.6))), ULTRALYTICS)
    assert [label for label, _, _ in found_by(path, blank(64, 64))] == ["dog"]


def test_the_letterbox_puts_an_odd_line_at_the_end():
    """As Ultralytics rounds it: 64 x 31 pixels in 64 x 64 have 16 gray lines above and 17 below."""
    blob, placement = prepare(
        np.full((31, 64, 3), (10, 20, 30), np.uint8),
        width=64,
        height=64,
        pixels=FAMILY_PIXELS["yolov8"],
        resize="letterbox",
    )
    assert (placement.left, placement.top, placement.scale_x) == (0, 16, 1)
    gray = np.float32(114) * np.float32(1 / 255)
    assert np.allclose(blob[0, :, [15, 47]], gray)
    assert np.allclose(blob[0, :, 16:47].transpose(1, 2, 0), np.float32([30, 20, 10]) / 255)


CLASSIFY = {"task": "classify", "imgsz": [8, 8], "names": NAMES}


@pytest.mark.parametrize("size", [(20, 60), (60, 20)])
def test_a_classifier_of_ultralytics_sees_the_middle(tmp_path, size):
    path = write_mean_model(tmp_path / "mean.onnx", entering=(1, 3, 8, 8), metadata=texts(CLASSIFY))
    bgr = np.full((*size, 3), (0, 0, 255), np.uint8)  # red, with a blue middle
    bgr[(size[0] - 20) // 2 : (size[0] + 20) // 2, (size[1] - 20) // 2 : (size[1] + 20) // 2] = (255, 0, 0)
    files = find_onnx_model(path)
    assert (files.model.family, files.resize, files.pixels) == ("classifier", "crop", FAMILY_PIXELS["yolov8"])
    means, _ = prepare(bgr, width=8, height=8, pixels=files.pixels, resize=files.resize)
    assert means.mean(axis=(0, 2, 3)).tolist() == [0, 0, 1]
    e = np.e
    assert found_by(path, bgr)[0] == ("cow", round(e / (e + 2), 3), (0, 0, size[1], size[0]))


def test_a_classifier_of_yolov5_is_fed_as_imagenet_is(tmp_path):
    path = write_mean_model(tmp_path / "mean.onnx", entering=(1, 3, 8, 8), metadata=texts(YOLOV5))
    files = find_onnx_model(path)
    bgr = np.full((8, 8, 3), (103, 116, 123), np.uint8)
    blob, _ = prepare(bgr, width=8, height=8, pixels=files.pixels, resize=files.resize)
    expected = (np.float32([123, 116, 103]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.allclose(blob[0, :, 3, 3], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("resize", ["stretch", "corner", "letterbox", "crop"])
def test_any_size_of_picture_is_made_ready(size, resize):
    blob, placement = prepare(blank(*size), width=64, height=32, pixels=FAMILY_PIXELS["yolov8"], resize=resize)
    assert blob.shape == (1, 3, 32, 64)
    assert placement.scale_x > 0 < placement.scale_y


def test_names_of_a_file_beside_count_where_the_model_has_none(tmp_path):
    path = constant(tmp_path, filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 1))), {})
    path.with_suffix(".names").write_text("red\ngreen\nblue\n")
    assert [label for label, _, _ in found_by(path, blank(64, 64))] == ["green"]


@pytest.mark.parametrize(
    ("output", "metadata", "options", "message"),
    [
        (
            (1, 4 + 3 + 32, CELLS),
            ULTRALYTICS | {"task": "segment"},
            {},
            r"answers output 1x39x84 for the task segment and names 3 classes",
        ),
        ((1, 300, 7), ULTRALYTICS | {"task": "obb"}, {}, "for the task obb"),
        ((1, 9, 9), ULTRALYTICS, {}, r"of no family that is known here\. It answers output 1x9x9"),
        ((1, 9, 9), {}, {}, "Name a detector or classifier that Ultralytics exported"),
        ((1, 7), ULTRALYTICS, {}, "of no family"),
        ((1, 4), CLASSIFY, {}, "names 3 classes and has 4"),
        (
            (1, 7, CELLS),
            ULTRALYTICS,
            {"entering": (16, 3, 64, 64)},
            "takes 16 pictures at a time: export it with batch=1",
        ),
        ((1, 7, CELLS), ULTRALYTICS, {"entering": (1, 1, 64, 64)}, "no pictures of one fixed size .*1x1x64x64"),
        (
            (1, 7, CELLS),
            ULTRALYTICS | {"imgsz": [9000, 9000]},
            {"entering": (1, 3, "h", "w")},
            "no pictures of one fixed size",
        ),
        ((1, 7, CELLS), ULTRALYTICS | {"imgsz": "[64, 64"}, {}, "a `imgsz` in its metadata that no exporter writes"),
        ((1, 7, CELLS), ULTRALYTICS | {"imgsz": "open('x')"}, {}, "a `imgsz` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": {0: "cat", 2: "dog"}}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "{0: '" + "x" * 1_000_000 + "'}"}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "(" * 5_000 + ")" * 5_000}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": [1, 2]}, {}, "a `names` in its metadata"),
    ],
)
def test_what_is_not_known_is_refused_with_what_was_seen(tmp_path, output, metadata, options, message):
    path = constant(tmp_path, np.zeros(output), metadata, **options)
    with pytest.raises(ModelUnusable, match=message):
        find_onnx_model(path)


@pytest.mark.parametrize(
    ("output", "metadata", "message"),
    [
        (filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 7))), ULTRALYTICS, "answers with class 7, but names 3"),
        (
            filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 5, -3, 1))),
            ULTRALYTICS,
            "scores from 0 to 5, not from 0 to 1",
        ),
        (filled((1, 300, 6), ((0, EVERY), (0.5, 0.5, 0.2, 0.2, 0.8, 1))), ULTRALYTICS, "boxes relative to its input"),
    ],
)
def test_what_answers_otherwise_than_its_family_is_not_loaded(tmp_path, output, metadata, message):
    with pytest.raises(ModelUnusable, match=message):
        load(find_onnx_model(constant(tmp_path, output, metadata)))


def test_inspect_says_what_a_file_is(tmp_path, capsys):
    path = constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS | {"names": {0: "c\x1bat", 1: "dog", 2: "cow"}})
    assert manage.main(["inspect", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "family   yolov8: YOLOv8, v9, 11 or 12, boxes without objectness",
        "input    64 x 64: the picture keeps its proportions, in the middle, with gray around it",
        "pixels   RGB, (byte - 0) / 255",
        "classes  3: 'c\\x1bat'; dog; cow",
        "answers  a class, a confidence and a rectangle for each object, overlapping ones suppressed here by `nms`",
    ]


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.98])
def test_inspect_says_why_a_file_cannot_be_used(tmp_path, capsys, cut):
    path = constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut if cut >= 1 else len(whole) * cut)])
    assert manage.main(["inspect", str(path)]) == 1
    said = capsys.readouterr()
    assert (said.out, "some.onnx is no ONNX model" in said.err, "fetch it again" in said.err) == ("", True, True)


def test_a_provider_that_is_not_installed_is_refused_with_those_that_are(tmp_path):
    files = find_onnx_model(constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS))
    with pytest.raises(ModelUnusable, match=r"names npu, but the ONNX Runtime that is installed has .*cpu"):
        load(files, providers=["npu"])
    assert load(files, providers=["CPU"]).model == files.model


# A plain decoder, one box at a time, as the authors' own predictors do it: ultralytics/models/yolo/detect/predict.py,
# ultralytics/models/rtdetr/predict.py, yolov5/detect.py.


def plain(outputs, family, bgr, names, *, confidence, iou):
    height, width = bgr.shape[:2]
    scale = min(SIDE / width, SIDE / height)
    left, top = round((SIDE - round(width * scale)) / 2 - 0.1), round((SIDE - round(height * scale)) / 2 - 0.1)

    def unboxed(x, y):
        return (x - left) / scale, (y - top) / scale

    found = []
    for row in (outputs.T if family == "yolov8" else outputs).tolist():
        x, y, w, h = row[:4]
        scores = [score * row[4] for score in row[5:]] if family == "yolov5" else row[4:]
        score = max(scores)
        label = scores.index(score)
        if family in ("end-to-end", "ranked"):
            label, score = int(row[5]), row[4]
        if family == "end-to-end":
            start, end = unboxed(x, y), unboxed(w, h)
        elif family in ("rt-detr", "ranked"):
            start, end = ((x - w / 2) * width, (y - h / 2) * height), ((x + w / 2) * width, (y + h / 2) * height)
        else:
            start, end = unboxed(x - w / 2, y - h / 2), unboxed(x + w / 2, y + h / 2)
        if score >= confidence:
            found.append((score, names[label], (*start, *end)))
    found.sort(key=lambda one: -one[0])
    if family in ("yolov5", "yolov8"):
        kept = []
        for one in found:
            if not any(one[1] == other[1] and overlap(one[2], other[2]) > iou for other in kept):
                kept.append(one)
        found = kept
    return [
        (score, name, [min(max(v, 0), (width, height)[i % 2]) for i, v in enumerate(box)]) for score, name, box in found
    ]


def overlap(a, b):
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0
    both = across * down
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def plainly_fed(bgr, family):
    if family in ("rt-detr", "ranked"):
        resized = cv2.resize(bgr, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    else:
        height, width = bgr.shape[:2]
        scale = min(SIDE / width, SIDE / height)
        across, down = round(width * scale), round(height * scale)
        dw, dh = (SIDE - across) / 2, (SIDE - down) / 2
        resized = cv2.copyMakeBorder(
            cv2.resize(bgr, (across, down), interpolation=cv2.INTER_LINEAR),
            round(dh - 0.1),
            round(dh + 0.1),
            round(dw - 0.1),
            round(dw + 0.1),
            cv2.BORDER_CONSTANT,
            value=(114, 114, 114),
        )
    return np.ascontiguousarray(resized[:, :, ::-1].transpose(2, 0, 1), np.float32)[None] / 255


def joined(*names, axis=2, output="output"):
    return helper.make_node("Concat", list(names), [output], axis=axis)


IN_PIXELS = [helper.make_node("Mul", ["boxes", "side"], ["scaled"])]
TO_OUTPUT = [helper.make_node("Identity", ["output"], ["output0"])]
RANKING = [
    helper.make_node("ReduceMax", ["scores"], ["score"], axes=[2], keepdims=1),
    helper.make_node("ArgMax", ["scores"], ["label"], axis=2, keepdims=1),
    helper.make_node("Cast", ["label"], ["class"], to=1),
]
EDGES = [
    *IN_PIXELS,
    helper.make_node("Slice", ["scaled", "zero", "two", "axis"], ["start"]),
    helper.make_node("Slice", ["scaled", "two", "four", "axis"], ["size"]),
    helper.make_node("Add", ["start", "size"], ["end"]),
]
HEADS = {
    "yolov8": (
        CELLS,
        3,
        [
            *IN_PIXELS,
            joined("scaled", "scores"),
            helper.make_node("Transpose", ["output"], ["output0"], perm=[0, 2, 1]),
        ],
        ["batch", 7, CELLS],
        ULTRALYTICS,
    ),
    "yolov5": (3 * CELLS, 4, [*IN_PIXELS, joined("scaled", "scores"), *TO_OUTPUT], ["batch", 3 * CELLS, 8], YOLOV5),
    "end-to-end": (
        300,
        3,
        [*RANKING, *EDGES, joined("start", "end", "score", "class"), *TO_OUTPUT],
        ["batch", 300, 6],
        ULTRALYTICS,
    ),
    "rt-detr": (300, 3, [joined("boxes", "scores"), *TO_OUTPUT], ["batch", 300, 7], RT_DETR),
    "ranked": (300, 3, [*RANKING, joined("boxes", "score", "class"), *TO_OUTPUT], ["batch", 300, 6], RT_DETR_2026),
}


def random_head(path, family, **options):
    boxes, classes, nodes, leaving, metadata = HEADS[family]
    constants = {"side": np.float32(SIDE), "zero": [0], "two": [2], "four": [4], "axis": [2]}
    return write_random_head(path, (boxes, classes, nodes, constants, leaving), metadata=metadata, **options)


def assert_agrees(path, family, pictures, *, confidence=0.25, iou=0.45):
    engine = load(resolve(str(path), cache=path.parent))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    compared = 0
    for bgr in pictures:
        [outputs] = session.run(None, {"images": plainly_fed(bgr, family)})
        expected = plain(outputs[0], family, bgr, list(NAMES.values()), confidence=confidence, iou=iou)
        found = engine.detect(bgr, min_confidence=confidence, nms_iou=iou)
        assert len(found) == len(expected)
        left = list(expected)
        for one in found:
            place = one.rectangle
            edges = (place.left, place.top, place.left + place.width, place.top + place.height)
            match = next(
                (
                    other
                    for other in left
                    if other[1] == one.label
                    and abs(other[0] - one.confidence) <= 1e-3
                    and max(abs(a - b) for a, b in zip(other[2], edges, strict=True)) <= 1
                ),
                None,
            )
            assert match is not None, (one, expected)
            left.remove(match)
        compared += len(found)
    return compared


def noise(*, count=6):
    dice = np.random.default_rng(7)
    for number in range(count):
        coarse = dice.integers(0, 256, (dice.integers(2, 12), dice.integers(2, 12), 3), np.uint8)
        yield coarse.repeat(9 + number, axis=0).repeat(11, axis=1)


@pytest.mark.parametrize("family", HEADS)
def test_it_agrees_with_a_plain_decoder_on_noise(tmp_path, family):
    assert assert_agrees(random_head(tmp_path / "head.onnx", family), family, noise()) > 20


@pytest.mark.parametrize("family", HEADS)
def test_a_model_that_takes_any_size_is_taken_at_the_one_it_was_exported_for(tmp_path, family):
    """`dynamic=True` leaves open even sizes that never change; YOLOv5 does not even say for which size it exported."""
    path = random_head(tmp_path / "head.onnx", family, is_open=True)
    if family == "yolov5":
        with pytest.raises(ModelUnusable, match="no pictures of one fixed size"):
            find_onnx_model(path)
    else:
        assert assert_agrees(path, family, noise(count=2)) > 5


@pytest.mark.parametrize("family", HEADS)
def test_pictures_together_get_the_answers_of_each_alone(tmp_path, family):
    engine = load(find_onnx_model(random_head(tmp_path / "head.onnx", family)))
    assert engine.batch == 1  # on the processor
    asked = [
        Asked(bgr=bgr, min_confidence=0.1 + number / 10, nms_iou=0.45) for number, bgr in enumerate(noise(count=4))
    ]
    alone = [engine.detect(one.bgr, min_confidence=one.min_confidence, nms_iou=0.45) for one in asked]
    together = engine.detect_together(asked)
    assert [len(found) for found in together] == [len(found) for found in alone]
    for a, b in zip(together, alone, strict=True):
        assert [one.label for one in a] == [one.label for one in b]
        assert np.allclose([one.confidence for one in a], [one.confidence for one in b], atol=1e-5)


@needs_assets
@pytest.mark.parametrize("family", HEADS)
def test_it_agrees_with_a_plain_decoder_on_128_photographs(tmp_path, family):
    photographs = sorted((ASSETS / "images" / "coco_val128").glob("*.jpg"))
    assert len(photographs) == 128
    path = random_head(tmp_path / "head.onnx", family)
    assert assert_agrees(path, family, (cv2.imread(str(one)) for one in photographs), confidence=0.6) > 100
