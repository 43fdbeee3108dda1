"""The routes that most requests take, without the framework's machinery.

A hot route is a route of FastAPI like any other, and stands in the API's document. A request with nothing unusual about
it goes from the edge straight to the route's function. Whatever else comes, such as a body that is not valid, a large
one, a query or another media type, goes through FastAPI, so that it is refused in one place.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Malformed, QuorateError
from shared.http import problems
from shared.http.bodies import SMALL_BYTES
from shared.http.requests import Wire, fields_of, refuse_repeated_fields
from shared.identity import NAMED, Caller, caller_of

Endpoint = Callable[..., Awaitable[Response]]
E = TypeVar("E", bound=Endpoint)

MAX_DIGITS = len(str(SMALL_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """A route's function and how to call it: the names of its parameters for the body, the caller and the request."""

    path: str
    pattern: re.Pattern[str]
    endpoint: Endpoint
    body: tuple[str, type[Wire]] | None
    caller: str | None
    request: str | None


class HotRouter(APIRouter):
    """Routes, of which those added by `hot` are hot."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.hot_routes: dict[str, list[HotRoute]] = {}

    def hot(self, path: str, *, methods: Sequence[str], **options: Any) -> Callable[[E], E]:
        """Add a hot route. Its function takes strings of the path, and may take a `Wire`, `Who` and the `Request`."""

        def add(endpoint: E) -> E:
            self.add_api_route(path, endpoint, methods=list(methods), **options)
            for method in methods:
                self.hot_routes.setdefault(method, []).append(_hot_route(self.prefix + path, endpoint))
            return endpoint

        return add


class HotRoutes:
    """ASGI middleware that answers hot routes itself, inside the edge."""

    def __init__(self, app: ASGIApp, *, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._routes: dict[str, list[HotRoute]] = {}
        for router in routers:
            for method, routes in router.hot_routes.items() if isinstance(router, HotRouter) else ():
                self._routes.setdefault(method, []).extend(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes.get(scope.get("method", ""), ()):
            found = route.pattern.fullmatch(scope["path"])
            if found and (route.request is not None or not scope["query_string"]):
                await self._answer(route, found.groupdict(), scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(
        self, route: HotRoute, arguments: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if route.body is not None:
            name, model = route.body
            if not _is_plain_json(scope[NAMED]):
                await self._app(scope, receive, send)
                return
            messages = await _received(receive)
            text = b"".join([one.get("body", b"") for one in messages])
            try:
                body = model.model_validate_json(text)
                if text.count(b":") > len(body.model_fields_set):
                    refuse_repeated_fields(text, fields_of(body))
                arguments[name] = body
            except (ValidationError, Malformed):
                await self._app(scope, _from_the_first(messages, receive), send)
                return
        scope["route"] = route  # as the framework does: the edge counts requests by its path
        response = await _response(route, arguments, Request(scope, receive))
        await response(scope, receive, send)


async def _response(route: HotRoute, arguments: dict[str, Any], request: Request) -> Response:
    try:
        if route.caller is not None:
            arguments[route.caller] = await caller_of(request.scope)
        if route.request is not None:
            arguments[route.request] = request
        return await route.endpoint(**arguments)
    except QuorateError as error:
        return problems.refused(request, error)


def _hot_route(path: str, endpoint: Endpoint) -> HotRoute:
    parameters = {name: kind for name, kind in get_type_hints(endpoint).items() if name != "return"}
    bodies = [(name, kind) for name, kind in parameters.items() if issubclass(kind, Wire)]
    return HotRoute(
        path=path,
        pattern=compile_path(path)[0],
        endpoint=endpoint,
        body=bodies[0] if bodies else None,
        caller=_first_of(Caller, parameters),
        request=_first_of(Request, parameters),
    )


def _first_of(wanted: type, parameters: Mapping[str, type]) -> str | None:
    return next((name for name, kind in parameters.items() if kind is wanted), None)


def _is_plain_json(named: Mapping[bytes, bytes]) -> bool:
    """Whether a body of JSON is announced, so small that it need not be counted before it is held."""
    length = named.get(b"content-length", b"")
    return (
        named.get(b"content-type") == b"application/json"
        and length.isdigit()
        and len(length) <= MAX_DIGITS
        and int(length) <= SMALL_BYTES
        and b"content-encoding" not in named
        and b"transfer-encoding" not in named
    )


async def _received(receive: Receive) -> list[Message]:
    """The messages of a body, to its end or to where the client went."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _from_the_first(messages: Iterable[Message], receive: Receive) -> Receive:
    """`receive`, once more from the first of the messages that were taken from it."""
    again = iter(messages)

    async def received() -> Message:
        return next(again, None) or await receive()

    return received
