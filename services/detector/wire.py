"""The request and the answer of `POST /api/object_detection`."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr

from shared.detection import Detection
from shared.errors import Invalid
from shared.requests import decode_base64


class DetectionRequest(BaseModel):
    """An image file in base64, and an id of the caller's that the answer repeats."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: StrictStr | StrictInt
    image: StrictStr

    def picture(self) -> bytes:
        """The image file. Raises Invalid where `image` is not plain base64, or holds nothing."""
        data = decode_base64(self.image)
        if not data:
            raise Invalid("the image is empty", pointer="/image")
        return data


class WireRectangle(BaseModel):
    """In pixels of the upright image."""

    model_config = ConfigDict(frozen=True)

    height: int
    left: int
    top: int
    width: int


class DetectedObject(BaseModel):
    """One object; `accuracy` is the model's confidence, 0 to 1."""

    model_config = ConfigDict(frozen=True)

    label: str
    accuracy: float
    rectangle: WireRectangle


class DetectionAnswer(BaseModel):
    """The id as it was sent, and the objects, the surest first."""

    model_config = ConfigDict(frozen=True)

    id: StrictStr | StrictInt
    objects: tuple[DetectedObject, ...]


def detection_answer(request_id: str | int, detections: Iterable[Detection]) -> DetectionAnswer:
    """The answer to the request with this id."""
    return DetectionAnswer(id=request_id, objects=tuple(map(_detected_object, detections)))


def _detected_object(detection: Detection) -> DetectedObject:
    place = detection.rectangle
    return DetectedObject(
        label=detection.label,
        accuracy=detection.confidence,
        rectangle=WireRectangle(height=place.height, left=place.left, top=place.top, width=place.width),
    )
