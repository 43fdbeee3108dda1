"""The command line against a server that is a function, and what that server may answer."""

import httpx
from click.testing import CliRunner, Result

from quorate.cli import main
from quorate.client import Client
from quorate.retries import RetryPolicy

TASK = {
    "id": "t1",
    "name": "[red]birds\x1b[2J",
    "labels": ["crow", "\u202ejay"],
    "state": "sealed",
    "quorum": {"votes_required": 3, "stop": "settled"},
    "detector": {"mode": "suggest"},
    "allow_unsure": False,
    "instructions": None,
    "counts": {"images": 2, "open": 1, "completed": 1, "disputed": 0},
    "created_at": "2026-01-01T00:00:00Z",
    "sealed_at": None,
    "completed_at": None,
}
RESULT = {
    "image_id": "i1",
    "filename": "a\x1b.jpg",
    "state": "completed",
    "label": "crow",
    "agreement": 2 / 3,
    "votes": {"jay": 1, "crow": 2},
    "decided_by": "quorum",
}
OPEN_RESULT = RESULT | {"state": "open", "label": None, "agreement": None, "votes": None, "decided_by": None}
VOTES = [{"voter": "ada", "label": "crow", "at": "now"}, {"voter": "bob", "label": None, "at": "now"}]
SUBTASK = {"id": "s1", "task_id": "t1", "state": "disputed", "votes": VOTES}
LETTER = {"id": "d1", "queue": "q", "type": "x.v1", "subject": None, "reason": "bad", "died_at": "now"}
OBJECT = {"label": "crow", "accuracy": 0.87, "rectangle": {"left": 1.2, "top": 2, "width": 3, "height": 4}}


def run(
    handler, *args: str, env: dict[str, str] | None = None, answer: str | None = None, charset: str = "utf-8"
) -> Result:
    """`answer`: what a person types. `charset`: of the output."""
    retry = RetryPolicy(sleep=lambda _: None)

    def connect(url: str, user: str | None, *, key: str | None) -> Client:
        return Client(url, user, key=key, retry=retry, transport=httpx.MockTransport(handler))

    unset = {"QUORATE_URL": None, "QUORATE_USER": None, "QUORATE_KEY": None, "XDG_CONFIG_HOME": "/nonexistent"}
    return CliRunner(charset=charset).invoke(main, args, obj=connect, env=unset | (env or {}), input=answer)


def paged(*items):
    return lambda _: httpx.Response(200, json={"items": items, "next_cursor": None})


def always(value):
    return lambda _: httpx.Response(200, json=value)


def refused(_: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json={"title": "Not Found", "detail": "no \x1b such task", "request_id": "r-9"})


def unreachable(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def interrupted(_: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt
