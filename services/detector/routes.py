"""HTTP in and out of the detector."""

from fastapi import APIRouter, Response

from services.detector import handlers, wire
from services.detector.handlers import Resources
from shared import problems
from shared.caller import Who
from shared.requests import bounded


def router(at: Resources, *, max_picture_bytes: int) -> APIRouter:
    """The synchronous detection API."""
    routes = APIRouter(
        prefix="/api",
        tags=["detector"],
        route_class=bounded(max_picture_bytes * 4 // 3 + 10_000),
        responses=problems.RESPONSES,
    )

    @routes.post("/object_detection", response_model=wire.DetectionAnswer)
    async def object_detection(wanted: wire.DetectionRequest, _who: Who) -> Response:
        found = await handlers.detect(at, wanted.picture())
        answer = wire.detection_answer(wanted.id, found)
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes
