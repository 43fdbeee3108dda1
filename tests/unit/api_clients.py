"""A client of a server that is a function, and a task as that server may answer."""

import httpx

from quorate.client import Client
from quorate.retries import RetryPolicy


def client(handler, *, retry: RetryPolicy | None = None, **options) -> Client:
    retry = retry or RetryPolicy(sleep=lambda _: None, attempts=3)
    return Client("http://quorate.test/base", retry=retry, transport=httpx.MockTransport(handler), **options)


def task(state="open", completed=0):
    return {
        "id": "t",
        "state": state,
        "counts": {"images": 2, "open": 2 - completed, "completed": completed, "disputed": 0},
    }
