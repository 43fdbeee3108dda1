"""Hot routes: what is usual goes straight to their function, what is not goes on as it came."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import Request, Response
from starlette.types import Message, Receive, Scope, Send

from shared.errors import Conflict
from shared.http.answers import json_answer
from shared.http.bodies import SMALL_BYTES
from shared.http.hot import HotRouter, HotRoutes
from shared.http.requests import Wire
from shared.identity import CALLER, HEADER, NAMED, Who
from shared.identity.authenticator import Trusting

JSON = (b"content-type", b"application/json")
PASSED_ON = 299


class Order(Wire):
    count: int


def hot_router() -> HotRouter:
    routes = HotRouter(prefix="/api")

    @routes.hot("/orders/{order_id}", methods=["POST"])
    async def order(order_id: str, wanted: Order, who: Who) -> Response:
        if wanted.count == 0:
            raise Conflict("nothing is wanted")
        return json_answer({"id": order_id, "count": wanted.count, "by": who.id})

    @routes.hot("/orders/{order_id}", methods=["GET"])
    async def shown(order_id: str, request: Request) -> Response:
        return json_answer({"id": order_id, "query": request.scope["query_string"].decode()})

    return routes


async def framework(_scope: Scope, receive: Receive, send: Send) -> None:
    """Stands where FastAPI does: answers with the body that it was given."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    await Response(body, PASSED_ON)({"type": "http"}, receive, send)


async def sent(
    method: str,
    path: str,
    *bodies: bytes,
    headers: Sequence[tuple[bytes, bytes]] = (JSON,),
    user: str = "ann",
    query: bytes = b"",
) -> tuple[int, bytes]:
    """The status and the body of the answer to a request whose body comes in so many pieces."""
    whole = b"".join(bodies)
    pieces: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": number < len(bodies)}
        for number, piece in enumerate(bodies, 1)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    answer: list[Message] = []

    async def receive() -> Message:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(message)

    sent_headers = [*headers, (b"content-length", str(len(whole)).encode()), (HEADER, user.encode())]
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": sent_headers,
        NAMED: dict(reversed(sent_headers)),
        CALLER: await Trusting().who(method, {HEADER: user.encode()}),
        "server": ("localhost", 80),
    }
    await HotRoutes(framework, routers=[hot_router()])(scope, receive, send)
    return answer[0]["status"], answer[1]["body"]


async def test_a_usual_request_goes_to_the_function():
    status, body = await sent("POST", "/api/orders/x", b'{"cou', b'nt": 3}')
    assert (status, json.loads(body)) == (200, {"id": "x", "count": 3, "by": "ann"})
    status, body = await sent("GET", "/api/orders/y", headers=(), query=b"a=1")
    assert (status, json.loads(body)) == (200, {"id": "y", "query": "a=1"})


async def test_its_refusals_are_problems():
    status, body = await sent("POST", "/api/orders/x", b'{"count": 0}')
    assert (status, json.loads(body)["detail"]) == (409, "nothing is wanted")
    status, body = await sent("POST", "/api/orders/x", b'{"count": 1}', user="")
    assert (status, json.loads(body)["status"]) == (422, 422)


UNUSUAL = {
    "another media type": [(b"content-type", b"text/plain")],
    "a parameter of the media type": [(b"content-type", b"application/json; charset=utf-8")],
    "no media type": [],
    "two media types": [(b"content-type", b"text/plain"), JSON],
    "compressed": [JSON, (b"content-encoding", b"gzip")],
    "chunked": [JSON, (b"transfer-encoding", b"chunked")],
}


@pytest.mark.parametrize("headers", UNUSUAL.values(), ids=UNUSUAL)
async def test_an_unusual_request_goes_on_as_it_came(headers):
    assert await sent("POST", "/api/orders/x", b'{"count":', b" 3}", headers=headers) == (PASSED_ON, b'{"count": 3}')


BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"count": "3"}',
    b'{"count": 3.0}',
    b'{"count": true}',
    b'{"count": 3, "x": NaN}',
    b'{"count": 3, "count": 3}',
    b'{"count": 3, "c\\u006funt": 4}',
]


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_not_valid_goes_on_as_it_came(body):
    assert await sent("POST", "/api/orders/x", body[:5], body[5:]) == (PASSED_ON, body)


async def test_a_query_that_the_function_does_not_read_goes_on():
    assert await sent("POST", "/api/orders/x", b'{"count": 3}', query=b"a=1") == (PASSED_ON, b'{"count": 3}')


async def test_a_body_that_has_to_be_counted_is_not_read_here():
    body = b" " * SMALL_BYTES + b'{"count": 3}'
    assert await sent("POST", "/api/orders/x", body) == (PASSED_ON, body)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/api/orders/x"), ("POST", "/api/orders/x/y"), ("POST", "/api/orders/")]
)
async def test_other_paths_and_methods_go_on(method, path):
    assert await sent(method, path, b'{"count": 3}') == (PASSED_ON, b'{"count": 3}')
