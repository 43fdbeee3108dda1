"""Requests and answers of the detection API."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from services.detector.models import Model
from services.detector.pool import InferencePool, Look
from shared.errors import Invalid
from shared.http.forms import parts
from shared.http.requests import AS_NUMBER, Wire, decode_base64, read_json, valid
from shared.results import Detection

_I64 = 2**63
MAX_ID_CHARACTERS = 1_000
PICTURE_FIELDS = ("image", "images", "file")
"""The fields of a form in which clients send a picture."""
_MAX_PARTS = 16


def _repeatable(value: str | float) -> str | float:
    """An id that JSON holds exactly."""
    if isinstance(value, int) and not -_I64 <= value < _I64:
        raise ValueError("a whole number has to fit into 64 bits")
    return value


Id = Annotated[StrictStr | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)], AfterValidator(_repeatable)]
"""An id of the caller's, which the answer repeats."""


Share = Annotated[float, Field(ge=0, le=1), AS_NUMBER]


class DetectionQuery(BaseModel):
    """What the query may say: thresholds from 0 to 1, and the id of a picture that is sent as bare bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: Annotated[Share | None, Field(description="the least sure object to answer with")] = None
    nms: Annotated[Share | None, Field(description="from which overlap on one object hides another")] = None
    id: Annotated[
        str | None, Field(max_length=MAX_ID_CHARACTERS, description="the id of a picture sent as bare bytes")
    ] = None


_NOTHING_SAID = DetectionQuery()


class DetectionRequest(Wire):
    """An image file in base64, and an id of the caller's that the answer repeats."""

    id: Id
    image: Annotated[StrictStr, Field(json_schema_extra={"minLength": 4, "contentEncoding": "base64"})]

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
    """The id as it was sent, null where none was, and the objects, the surest first."""

    model_config = ConfigDict(frozen=True)

    id: str | int | float | None
    objects: tuple[DetectedObject, ...]


class LoadedModel(BaseModel):
    """A model that looks at pictures; `voter` is its name among the voters, `sha256` the hash of its weights."""

    name: str
    family: str
    sha256: str
    input_width: int
    input_height: int
    classes: tuple[str, ...]
    voter: str


class PoolLoad(BaseModel):
    """What the detector does and has done since its start. `waited_s` and `busy_s` are sums of seconds."""

    threads: int
    waiting: int
    answered: int
    refused: int
    failed: int
    waited_s: float
    busy_s: float


class Models(BaseModel):
    """The loaded models; without any there is no load."""

    models: tuple[LoadedModel, ...]
    load: PoolLoad | None


TIMED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Server-Timing": {
                "description": "how long the picture was decoded, waited for an engine, and kept the model busy, in ms:"
                " `decode;dur=3.1, queue;dur=0.4, model;dur=21.8`",
                "schema": {"type": "string"},
            }
        }
    }
}


def read_query(query: Mapping[str, str]) -> DetectionQuery:
    """The query of a request. Raises RequestValidationError."""
    if not query:
        return _NOTHING_SAID
    try:
        return DetectionQuery.model_validate(dict(query))
    except ValidationError as error:
        raise RequestValidationError(
            [{**found, "loc": ("query", *found["loc"])} for found in error.errors()]
        ) from error


def read_request(body: bytes) -> tuple[str | int | float, bytes]:
    """The id and the picture of a JSON body, which may be encoded twice: a JSON string that holds the object.

    Raises Malformed if it is not JSON, Invalid if it is empty, and what `valid` and `picture` raise.
    """
    if not body:
        raise Invalid("the body is empty")
    content = read_json(body)
    if isinstance(content, str):
        content = read_json(content, where="the JSON within the body")
    request = valid(DetectionRequest, content)
    return request.id, request.picture()


def read_form(body: bytes, boundary: bytes) -> tuple[str | None, bytes]:
    """The picture of a multipart form, in the field `image`, `images` or `file`, and its `id` if it has one.

    Raises Malformed for a form that is broken, Invalid for one with no picture or several.
    """
    pictures: list[bytes] = []
    ids: list[bytes] = []
    for field, content in parts(body, boundary, at_most=_MAX_PARTS):
        if field in PICTURE_FIELDS:
            pictures.append(content)
        elif field == "id":
            ids.append(content)
    if len(pictures) != 1 or len(ids) > 1:
        raise Invalid(
            f"the form has {len(pictures)} pictures and {len(ids)} ids: send one picture in the field "
            f"{' or '.join(PICTURE_FIELDS)}, and its id, if it has one, in id"
        )
    if not pictures[0]:
        raise Invalid("the image is empty")
    return _form_id(ids[0]) if ids else None, pictures[0]


def _form_id(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Invalid("the id is not UTF-8", pointer="/id") from error
    if len(text) > MAX_ID_CHARACTERS:
        raise Invalid(f"the id is longer than {MAX_ID_CHARACTERS:,} characters", pointer="/id")
    return text


def detection_answer(request_id: str | float | None, detections: Iterable[Detection]) -> dict[str, Any]:
    """A DetectionAnswer as plain values, which are faster to make."""
    return {"id": request_id, "objects": list(map(_detected_object, detections))}


def server_timing(look: Look) -> str:
    """The stages of a look as the header `Server-Timing`, in milliseconds."""
    stages = {"decode": look.decode_s, "queue": look.queue_s, "model": look.model_s}
    return ", ".join(f"{name};dur={1_000 * seconds:.1f}" for name, seconds in stages.items())


def models_answer(pool: InferencePool | None) -> dict[str, Any]:
    """The Models of a pool as plain values."""
    if pool is None:
        return {"models": [], "load": None}
    load = pool.load
    return {
        "models": [_loaded_model(pool.model)],
        "load": {
            "threads": pool.threads,
            "waiting": pool.waiting,
            "answered": load.answered,
            "refused": load.refused,
            "failed": load.failed,
            "waited_s": load.waited_s,
            "busy_s": load.busy_s,
        },
    }


def _detected_object(detection: Detection) -> dict[str, Any]:
    place = detection.rectangle
    return {
        "label": detection.label,
        "accuracy": detection.confidence,
        "rectangle": {"height": place.height, "left": place.left, "top": place.top, "width": place.width},
    }


def _loaded_model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "family": model.family,
        "sha256": model.sha256,
        "input_width": model.input_width,
        "input_height": model.input_height,
        "classes": model.classes,
        "voter": model.voter,
    }
