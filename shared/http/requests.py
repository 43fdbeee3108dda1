"""Request bodies, read strictly: bounded, of the right type, and JSON that is JSON."""

import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sized
from itertools import chain
from typing import Annotated, Any, TypeVar, cast, get_origin

import pydantic_core
from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from shared.errors import Invalid, Malformed
from shared.http.addresses import holder_of
from shared.http.bodies import Bodies
from shared.http.problems import pointer_part

M = TypeVar("M", bound=BaseModel)

JSON_BYTES = 1_000_000
MAX_JSON_VALUES = 20_000
"""Values in one body: each may become an object here, and an error of its own. Four times what any request needs."""
MAX_ITEMS = 1_000
"""Of one list or object in a request: the longest that any request may hold. Each wrong one has an error of its own."""
MAX_NAME_SHOWN = 200
"""So much of a name that the caller made up is repeated."""

_BASE64 = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64"))
"""Six times as fast as Python's own."""
_NOT_BASE64 = "-_\\"
"""What that would take as well: the alphabet for URLs, and JSON's escapes."""
_NO_LINE_BREAKS = str.maketrans("", "", "\r\n")


def _as_json_has_it(form: re.Pattern[str], said: str = "write it as in JSON") -> BeforeValidator:
    """Text of a query that is to be a number, a truth value or an instant has to be written as in JSON: not `+5`, `5.0`
    for 5, `1_0` or `yes`."""

    def written(value: object) -> object:
        if isinstance(value, str) and not form.fullmatch(value):
            raise ValueError(said)
        return value

    return BeforeValidator(written)


AS_WHOLE_NUMBER = _as_json_has_it(re.compile(r"-?(0|[1-9][0-9]{0,17})"))
AS_NUMBER = _as_json_has_it(re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?"))
AS_FLAG = _as_json_has_it(re.compile("true|false"))
AS_INSTANT = _as_json_has_it(
    re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"),
    "write it as 2026-11-28T09:30:00Z",
)
"""For parameters of a query; they stand last, so that the document of the API has what stands before."""


class Wire(BaseModel):
    """A request or an answer. Unknown fields, and values of another type than asked for, are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
"""Why somebody decides something; more than blanks."""


class BoundedRequest(Request):
    """A request whose body may not grow past `max_body_bytes`, declared or not.

    A body that is kept counts among those that the process holds, until `done`.
    """

    max_body_bytes: int = JSON_BYTES
    _held_bytes: int = 0
    _body: bytes
    _json: Any

    async def stream(self) -> AsyncGenerator[bytes, None]:
        if self.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "compressed request bodies are not taken")
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_body_bytes:
            raise HTTPException(413, f"the body is over the limit of {self.max_body_bytes:,} bytes")
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            if received > self.max_body_bytes:
                raise HTTPException(413, f"the body is over the limit of {self.max_body_bytes:,} bytes")
            yield chunk

    async def body(self) -> bytes:
        """The whole body. Raises Unavailable where too much is held already."""
        if not hasattr(self, "_body"):
            self._body = b"".join([chunk async for chunk in self.held_stream()])
        return self._body

    async def held_stream(self) -> AsyncGenerator[bytes, None]:
        """The body's chunks, which the caller of this keeps. Raises Unavailable where too much is held already."""
        bodies: Bodies = self.scope["bodies"]
        holder = holder_of(self.scope)
        async for chunk in self.stream():
            bodies.hold(len(chunk), beside=self._held_bytes, holder=holder)
            self._held_bytes += len(chunk)
            yield chunk

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json

    def done(self) -> None:
        """Nothing of the body is needed any more."""
        self._body, self._json = b"", None
        if self._held_bytes:
            self.scope["bodies"].give_back(self._held_bytes, holder_of(self.scope))
        self._held_bytes = 0


def bounded(max_body_bytes: int = JSON_BYTES, *, is_any_type: bool = False) -> type[APIRoute]:
    """A route class whose requests have bodies of at most `max_body_bytes`, JSON unless `is_any_type`."""

    class Bounded(BoundedRequest):
        pass

    Bounded.max_body_bytes = max_body_bytes

    class BoundedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            wants_json = self.body_field is not None and not is_any_type
            parameters = _query_parameters(self)

            async def handle_bounded(request: Request) -> Response:
                bounded_request = Bounded(request.scope, request.receive)
                if request.scope["query_string"]:
                    refuse_other_parameters(bounded_request, parameters)  # which keeps the parsed query for the route
                if wants_json and not _is_json(bounded_request) and _has_body(bounded_request):
                    raise HTTPException(415, "send the body as application/json")
                try:
                    if wants_json and await bounded_request.body():
                        await bounded_request.json()  # the framework would make 400 of whatever is raised
                    return await handle(bounded_request)
                finally:
                    bounded_request.done()

            return handle_bounded

    return BoundedRoute


def read_json(text: bytes | str, *, where: str = "the body") -> Any:
    """JSON that leaves nothing open: NaN, Infinity, deep nesting and a field given twice are not JSON here.

    Raises Malformed, and Invalid where it holds too many values.
    """
    values = _most_values(text) if len(text) > MAX_ITEMS else 0
    if values > MAX_JSON_VALUES:
        raise Invalid(f"{where} holds more than {MAX_JSON_VALUES:,} values")
    try:
        content: Any = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"{where} is not JSON: {error}") from error
    refuse_repeated_fields(text, len(cast("Sized", content)) if isinstance(content, dict) else 0)
    if values > MAX_ITEMS:
        _refuse_many(cast("object", content))
    return cast("Any", content)


def _refuse_many(content: object) -> None:
    """Raises Invalid where a list or an object of JSON holds too many values."""
    waiting = [("", content)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, dict):
            inner = list(cast("dict[str, object]", value).items())
        elif isinstance(value, list):
            inner = [(str(number), one) for number, one in enumerate(cast("list[object]", value))]
        else:
            continue
        if len(inner) > MAX_ITEMS:
            raise Invalid(f"there are at most {MAX_ITEMS:,} values here, not {len(inner):,}", pointer=pointer)
        waiting += [(pointer + pointer_part(name), one) for name, one in inner]


def _most_values(text: bytes | str) -> int:
    """How many values JSON can hold, counted without parsing it; commas and brackets within texts count as well."""
    if isinstance(text, bytes):
        return text.count(b",") + text.count(b"[") + text.count(b"{")
    return text.count(",") + text.count("[") + text.count("{")


def refuse_repeated_fields(text: bytes | str, fields: int) -> None:
    """Raises Malformed where JSON that can be parsed names a field of an object twice.

    fields: how many it is known to have. Every field brings a colon, so if there are no more colons than that, none is
    given twice: this spares most bodies to be parsed again.
    """
    colons = text.count(b":") if isinstance(text, bytes) else text.count(":")
    if colons > fields:
        json.loads(text, object_pairs_hook=_without_repetition, parse_int=str, parse_float=str)


def fields_of(body: Wire) -> int:
    """How many fields of JSON a model was made of, those of models in its lists included."""
    values: list[Any] = list(body.__dict__.values())
    lists = [cast("list[object]", value) for value in values if isinstance(value, list)]
    inner = [len(one.model_fields_set) for one in chain.from_iterable(lists) if isinstance(one, Wire)]
    return len(body.model_fields_set) + sum(inner)


def _without_repetition(fields: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in fields:
        if name in names:
            raise Malformed(f"the body is not JSON that has one meaning: it gives {name[:MAX_NAME_SHOWN]!r} twice")
        names.add(name)


def refuse_other_parameters(request: Request, known: Mapping[str, bool]) -> None:
    """Raises RequestValidationError where the query has parameters that are not known, or one twice. `known` says of
    each parameter whether it may be given more than once."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong = {name: "this parameter is not known here" for name in given if name not in known}
    wrong |= {
        name: "this parameter is given twice" for name, often in given.items() if often > 1 and not known.get(name)
    }
    if wrong:
        raise RequestValidationError(
            [{"loc": ("query", name[:MAX_NAME_SHOWN]), "msg": message} for name, message in wrong.items()]
        )


def _query_parameters(route: APIRoute) -> dict[str, bool]:
    """The parameters that the API's document names for a route, and whether they may be given more than once."""
    described: list[dict[str, Any]] = (route.openapi_extra or {}).get("parameters", [])
    known = {one["name"]: False for one in described if one["in"] == "query"}
    for field in get_flat_params(route.dependant):
        if isinstance(field.field_info, Query):
            known[field.alias] = get_origin(field.field_info.annotation) is list
    return known


def valid(model: type[M], content: object, *within: str) -> M:
    """Content as a request model, for routes that read their body themselves. within: where it lies in the body. Raises
    what FastAPI raises."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *within, *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error


def decode_base64(text: str) -> bytes:
    """The bytes of an image sent as plain base64 (RFC 4648, section 4), in lines or in one. Raises Invalid."""
    if text[:5].lower() == "data:":
        raise Invalid("send plain base64, without the 'data:' of a URL before it", pointer="/image")
    if "\n" in text:  # as MIME has it, and encoders of Java and Android by default
        text = text.translate(_NO_LINE_BREAKS)
    refusal = Invalid("the image is not valid base64", pointer="/image")
    if len(text) % 4 or not text.isascii() or any(other in text for other in _NOT_BASE64):
        raise refusal
    try:
        return _BASE64.validate_json(f'"{text}"')
    except ValidationError:
        raise refusal from None


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
