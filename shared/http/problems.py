"""Errors as HTTP answers: RFC 9457 problem details, in one place."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from shared import errors

log = logging.getLogger(__name__)

MAX_FIELDS = 100
"""An answer names so many fields at fault: a request may hold a hundred thousand."""
MAX_POINTER_PART = 200
"""So many characters of a field's name are repeated."""

NO_SUCH_PATH = "there is nothing at this path: the API is at /api, /openapi.json describes it, and docs/ explains it"
GONE = 499
"""For the log and the metrics: the caller has hung up and reads no answer."""

STATUS: dict[type[errors.QuorateError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Outdated: 412,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.NotSatisfiable: 416,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}


CODES = {status: kind.code for kind, status in STATUS.items()} | {500: "failed"}
"""The codes of answers of which only the status is known; any other has that of its title."""


class FieldError(BaseModel):
    """What is wrong with one field: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """Problem details as of RFC 9457. `code` says to programs what `detail` says to people, and `quota` which of the
    team's is used up, where that is the reason."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []
    quota: str | None = None


SCHEMAS = "#/components/schemas/"
_SHOWN = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}{Problem.__name__}"}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused", "content": _SHOWN},
    "5XX": {"description": "Not possible now", "content": _SHOWN},
}
"""For every router: errors are problem details. Not as a `model`: the framework would build a field for each route."""


def status_of(error: errors.QuorateError | type[errors.QuorateError]) -> int:
    """The HTTP status of an error, by the most specific class that has one."""
    kind = error if isinstance(error, type) else type(error)
    return next((STATUS[cls] for cls in kind.__mro__ if cls in STATUS), 500)


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    code: str | None = None,
    fields: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """An answer that says what is wrong; `members` are extension members of the problem."""
    title = HTTPStatus(status).phrase
    slug = title.lower().replace(" ", "-").replace("'", "")
    content = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "code": code or CODES.get(status, slug),
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.scope.get("request_id", ""),
        "errors": fields or [],
        **members,
    }
    return Response(orjson.dumps(content), status, dict(headers or {}), "application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of the app with problem details."""
    app.add_exception_handler(errors.QuorateError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)
    describe = app.openapi

    def described() -> dict[str, Any]:
        """The document with the schemas of problems, which RESPONSES refers to."""
        api = describe()
        shape = Problem.model_json_schema(mode="serialization", ref_template=f"{SCHEMAS}{{model}}")
        schemas = {**shape.pop("$defs"), Problem.__name__: shape}
        told = jsonable_encoder(schemas, exclude_none=True)  # as the framework does to the rest
        api.setdefault("components", {}).setdefault("schemas", {}).update(told)
        return api

    app.openapi = described


def refused(request: Request, error: errors.QuorateError) -> Response:
    """The answer to a request that led to an error of ours."""
    fields = [{"pointer": error.pointer, "detail": error.detail}] if error.pointer else None
    headers: dict[str, str] = {}
    if isinstance(error, (errors.Unavailable, errors.TooMany)):
        headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, errors.NotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    members = {"quota": error.quota} if isinstance(error, errors.QuotaReached) else {}
    return problem(request, status_of(error), error.detail, code=error.code, fields=fields, headers=headers, **members)


async def _refused(request: Request, error: Exception) -> Response:
    return refused(request, cast("errors.QuorateError", error))


async def _not_valid(request: Request, error: Exception) -> Response:
    found = cast("RequestValidationError", error).errors()
    if any(one["loc"] and one["loc"][0] == "path" for one in found):
        return problem(request, 404, "there is nothing here")
    fields = [{"pointer": _pointer(one["loc"]), "detail": str(one["msg"])} for one in found[:MAX_FIELDS]]
    where = ", ".join(sorted({field["pointer"] or "the body" for field in fields})[:5])
    return problem(request, 422, f"the request asks for something that cannot be: see {where}", fields=fields)


async def _http(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    elif error.status_code == HTTPStatus.NOT_FOUND:  # the framework's own: no route has this path
        return problem(request, 404, NO_SUCH_PATH, api="/api", openapi="/openapi.json")
    return problem(request, error.status_code, str(error.detail), headers=headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=GONE)


def _methods(request: Request) -> set[str]:
    """Every method that the path has: the framework names those of one route only."""
    scope = dict(request.scope)
    found: set[str] = set()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope["method"] = method
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.routes):
            found |= {method, "HEAD"} if method == "GET" else {method}
    return found


async def _unexpected(request: Request, _error: Exception) -> Response:
    return unexpected(request)


def unexpected(request: Request) -> Response:
    """The answer to a request that met a defect of ours."""
    return problem(request, 500, "something went wrong here; it is in the log under the request id")


def _pointer(loc: tuple[int | str, ...]) -> str:
    if loc and loc[0] == "body":
        return "".join(map(pointer_part, loc[1:]))
    return str(loc[-1]) if loc else ""


def pointer_part(name: object) -> str:
    """A step of a JSON pointer (RFC 6901): a field's name, of a long one the beginning, or a number within a list."""
    return "/" + str(name)[:MAX_POINTER_PART].replace("~", "~0").replace("/", "~1")
