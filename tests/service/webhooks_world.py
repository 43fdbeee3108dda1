"""Webhooks as an admin and a receiver see them."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.notifier import handlers
from shared import events
from shared.event_data import TaskCounts
from tests.service.receivers import Got
from tests.service.running import Api

TOLERANCE_S = 300

AT = float(round(time.time()) + 3_600)
"""When all tasks complete: after every webhook of a test was made, for what came before is none of its news."""


def verified(secret: str, headers: dict[str, str], body: bytes, now: float) -> dict:
    """What docs/webhooks.md tells receivers to do: the body, if one of its signatures is by this secret, and recent."""
    at = headers["webhook-timestamp"]
    assert abs(now - int(at)) < TOLERANCE_S, "too old"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{at}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" ")), (
        "not by this secret"
    )
    return json.loads(body)


@dataclass
class Hook:
    """A webhook that was made."""

    api: Api
    id: str
    secret: str
    numbers: list[int] = field(default_factory=lambda: [0])

    @property
    def path(self) -> str:
        return f"/api/webhooks/{self.id}"

    async def shown(self) -> dict:
        return (await self.api.http.get(self.path)).json()

    async def change(self, **body: object) -> dict:
        answer = await self.api.http.patch(self.path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def deliveries(self, **query: object) -> list[dict]:
        answer = await self.api.http.get(f"{self.path}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def send_again(self, delivery: dict) -> dict:
        answer = await self.api.http.post(f"{self.path}/deliveries/{delivery['id']}/send")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until(self, state: str, count: int = 1, *, within_s: float = 20) -> list[dict]:
        """Wait for deliveries in a state."""
        until = time.monotonic() + within_s
        while len(found := await self.deliveries(state=state, limit=1000)) < count:
            assert time.monotonic() < until, await self.deliveries()
            await asyncio.sleep(0.02)
        return found

    async def until_tried(self, tries: int, *, within_s: float = 20) -> dict:
        """Wait until the newest delivery was tried so often, and is not being tried."""
        until = time.monotonic() + within_s
        while not (found := await self.deliveries()) or len(found[0]["tries"]) < tries:
            assert time.monotonic() < until, found
            await asyncio.sleep(0.02)
        return found[0]

    def open(self, got: Got) -> dict:
        return verified(self.secret, got.headers, got.body, self.api.clock())


async def make_hook(api: Api, url: str, *kinds: str, **more: object) -> Hook:
    body = {"url": url, "events": list(kinds) or ["task.completed"], **more}
    answer = await api.http.post("/api/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return Hook(api, answer.json()["id"], answer.json()["secret"])


def completed(number: int, team: str = "first") -> events.TaskCompletedV1:
    """A task that has completed, as the task manager tells it."""
    task_id = f"{number:032x}"
    data = events.TaskEnded(
        task_id=task_id,
        owner="local",
        team=team,
        at=1.0,
        name=f"animals {number}",
        counts=TaskCounts(images=3, completed=2, disputed=1),
    )
    attributes = events.envelope(event_id=f"{task_id}/completed", source="quorate/task_manager", subject=task_id, at=AT)
    return events.TaskCompletedV1(**attributes, data=data)


async def tell(api: Api, *numbers: int, team: str = "first") -> None:
    """Tasks complete."""
    for number in numbers:
        await handlers.deliver(api.platform.webhooks, completed(number, team))


def as_instant(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()
