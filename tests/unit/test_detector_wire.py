import base64
import json

import orjson
import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.detector.wire import DetectionAnswer, DetectionRequest, detection_answer, read_form, read_request
from shared.errors import Invalid, Malformed
from shared.results import Detection, Rectangle

IMAGE = base64.b64encode(b"some bytes").decode()


@pytest.mark.parametrize("request_id", ["a", "", "7", 7, 0, -1, 1.5, 1.0, 2**63 - 1, "\u202e"])
@pytest.mark.parametrize("times", [1, 2])
def test_the_id_comes_back_with_its_type_however_often_it_was_encoded(request_id, times):
    content = {"id": request_id, "image": IMAGE}
    for _ in range(times):
        content = json.dumps(content)
    read_id, picture = read_request(content.encode())
    assert picture == b"some bytes"
    answer = orjson.loads(orjson.dumps(detection_answer(read_id, ())))
    assert answer == {"id": request_id, "objects": []}
    assert type(answer["id"]) is type(request_id)


@pytest.mark.parametrize(
    "body", [b"{", b'"{"', b"\xff", b"[" * 10_000, b'{"id": NaN, "image": ""}', b'"{\\"id\\": Infinity}"', b"''"]
)
def test_what_is_not_json(body):
    with pytest.raises(Malformed, match="not JSON"):
        read_request(body)


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"7", b'"7"', b'"\\"{}\\""', b'{"id": 1%s, "image": ""}' % (b"0" * 400)]
)
def test_json_that_is_no_request(body):
    with pytest.raises(RequestValidationError):
        read_request(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "a"},
        {"image": IMAGE},
        {"id": 2**63, "image": IMAGE},
        {"id": float("nan"), "image": IMAGE},
        {"id": True, "image": IMAGE},
        {"id": None, "image": IMAGE},
        {"id": "a", "image": None},
        {"id": "a", "image": 7},
        {"id": "a", "image": [IMAGE]},
        {"id": "a", "image": IMAGE, "threshold": 0.5},
    ],
)
def test_other_bodies_are_refused(body):
    with pytest.raises(ValidationError):
        DetectionRequest.model_validate(body)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (f"data:image/png;base64,{IMAGE}", "without the 'data:'"),
        (f"DATA:image/png;base64,{IMAGE}", "without the 'data:'"),
        ("", "empty"),
        (IMAGE.rstrip("="), "not valid base64"),
        (IMAGE[:4] + "\t" + IMAGE[4:], "not valid base64"),
        (IMAGE[:4] + "\\n" + IMAGE[4:], "not valid base64"),
        (" " + IMAGE, "not valid base64"),
        (IMAGE + "=", "not valid base64"),
        ("====", "not valid base64"),
        ("-_-_", "not valid base64"),
        ("é" * 4, "not valid base64"),
        ("\ud800", "not valid base64"),
    ],
)
def test_images_that_are_not_base64(image, message):
    with pytest.raises(Invalid, match=message) as refused:
        DetectionRequest.model_construct(id="a", image=image).picture()
    assert refused.value.pointer == "/image"


@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=["Android", "Java"])
def test_base64_in_lines_is_read(line_break):
    picture = bytes(range(256))
    text = base64.b64encode(picture).decode()
    lines = [text[at : at + 76] for at in range(0, len(text), 76)]
    for image in (line_break.join(lines), line_break.join(lines) + line_break):
        assert DetectionRequest.model_construct(id="a", image=image).picture() == picture


def test_no_body():
    with pytest.raises(Invalid, match="empty"):
        read_request(b"")


def test_answer():
    place = Rectangle(left=1, top=2, width=3, height=4)
    answer = detection_answer("a", [Detection(label="cat", confidence=0.5, rectangle=place)])
    assert answer == {
        "id": "a",
        "objects": [
            {"label": "cat", "accuracy": 0.5, "rectangle": {"height": 4, "left": 1, "top": 2, "width": 3}},
        ],
    }
    DetectionAnswer.model_validate(answer | {"objects": tuple(answer["objects"])})


def form(*parts, end="--x--\r\n"):
    return b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in parts
    ) + end.encode()  # fmt: skip


@pytest.mark.parametrize("field", ["image", "images", "file"])
def test_a_form_holds_a_picture_and_its_id(field):
    picture = bytes(range(256)) * 1_000 + b"\r\n--y"
    assert read_form(form((field, picture)), b"x") == (None, picture)
    assert read_form(form(("id", "ä1".encode()), ("other", b"7"), (field, picture)), b"x") == ("ä1", picture)


@pytest.mark.parametrize(
    ("body", "refused", "message"),
    [
        (b"", Malformed, "ends before its final boundary"),
        (b"not a form", Malformed, "broken"),
        (form(("image", b"1"), end=""), Malformed, "ends before its final boundary"),
        (form(("image", b"1")).replace(b'name="image"', b'name="image"; name="file"'), Malformed, "twice"),
        (form(), Invalid, "0 pictures and 0 ids: send one picture in the field image or images or file"),
        (form(("picture", b"1")), Invalid, "0 pictures"),
        (form(("image", b"1"), ("file", b"2")), Invalid, "2 pictures"),
        (form(("image", b"1"), ("id", b"a"), ("id", b"b")), Invalid, "2 ids"),
        (form(("image", b"")), Invalid, "the image is empty"),
        (form(("image", b"1"), ("id", b"\xff")), Invalid, "not UTF-8"),
        (form(("image", b"1"), ("id", b"a" * 1_001)), Invalid, "longer than 1,000"),
        (form(*[("x", b"1")] * 100_000), Invalid, "more than 16 parts"),
    ],
)
def test_forms_that_are_refused(body, refused, message):
    with pytest.raises(refused, match=message):
        read_form(body, b"x")
