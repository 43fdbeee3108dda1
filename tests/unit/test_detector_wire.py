import base64

import pytest
from pydantic import ValidationError

from services.detector.wire import DetectionRequest, detection_answer
from shared.detection import Detection, Rectangle
from shared.errors import Invalid

IMAGE = base64.b64encode(b"some bytes").decode()


@pytest.mark.parametrize("request_id", ["a", "", "7", 7, 0, -1])
def test_the_id_comes_back_with_its_type(request_id):
    request = DetectionRequest.model_validate({"id": request_id, "image": IMAGE})
    assert request.picture() == b"some bytes"
    answer = detection_answer(request.id, ()).model_dump(mode="json")
    assert answer == {"id": request_id, "objects": []}
    assert type(answer["id"]) is type(request_id)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "a"},
        {"image": IMAGE},
        {"id": 1.5, "image": IMAGE},
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
        (IMAGE[:4] + "\n" + IMAGE[4:], "not valid base64"),
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


def test_answer():
    place = Rectangle(left=1, top=2, width=3, height=4)
    answer = detection_answer("a", [Detection(label="cat", confidence=0.5, rectangle=place)])
    assert answer.model_dump(mode="json") == {
        "id": "a",
        "objects": [
            {"label": "cat", "accuracy": 0.5, "rectangle": {"height": 4, "left": 1, "top": 2, "width": 3}},
        ],
    }
