"""Webhooks while the platform is killed again and again: each delivery arrives, signed, and comes again only as itself.

Tasks without images complete as they are sealed, and each tells every webhook. The receiver refuses some requests.
"""

import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from loadtest.platform_process import PlatformProcess
from quorate.client import Client
from quorate.errors import UnreachableError

WEBHOOKS = 20
REFUSED_SHARE = 0.05
SETTINGS = {
    "webhook_networks": "127.0.0.1/32",
    "webhook_timeout_s": 5,
    "webhook_pause_s": 0.2,
    "webhook_longest_pause_s": 2,
}
SETTLE_S = 300
MAKERS = 4


@dataclass
class Came:
    """What reached the receiver. ids, bodies: by webhook and task. arrived: those that it took."""

    secrets: dict[str, str]
    chance: random.Random
    ids: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    bodies: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    arrived: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    requests: int = 0
    refused: int = 0
    forged: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, headers: dict[str, str], body: bytes) -> int:
        """The status to answer with."""
        message_id = headers["webhook-id"]
        with self.lock:
            self.requests += 1
            if not self._is_signed(name, headers, body):
                self.forged.append(message_id)
            self.ids[name, json.loads(body)["data"]["task_id"]].add(message_id)
            self.bodies[message_id].add(body)
            if self.chance.random() < REFUSED_SHARE:
                self.refused += 1
                return 503
            self.arrived[message_id] += 1
            return 204

    def _is_signed(self, name: str, headers: dict[str, str], body: bytes) -> bool:
        key = base64.b64decode(self.secrets[name].removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        is_recent = abs(time.time() - int(headers["webhook-timestamp"])) < 300
        return is_recent and hmac.compare_digest(wanted, headers["webhook-signature"])


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, came: Came) -> None:
        self.came = came
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address) -> None:
        """A platform that is killed drops its connections."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        if len(body) < int(headers["content-length"]):
            return  # whoever sent it was killed
        self.send_response(self.server.came.take(self.path.strip("/"), headers, body))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Found:
    """What the drill found. tasks: how many completed."""

    tasks: int
    kills: int
    requests: int
    refused: int
    repeats: int
    took_s: float
    faults: list[str]

    def __str__(self) -> str:
        first = (
            f"{self.tasks} tasks x {WEBHOOKS} webhooks = {self.tasks * WEBHOOKS} deliveries, {self.kills} kills,"
            f" {self.requests} requests ({self.refused} refused), {self.repeats} came again after they had arrived,"
            f" {self.took_s:.0f} s"
        )
        return "\n".join([first, *self.faults[:20]])


def drill(folder: Path, *, deliveries: int, kills: int, seed: int) -> Found:
    chance, began, tasks = random.Random(seed), time.monotonic(), max(1, deliveries // WEBHOOKS)
    came = Came(secrets={}, chance=random.Random(seed + 1))
    server = Server(came)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    platform = PlatformProcess(folder, **SETTINGS)
    try:
        platform.start()
        with Client(platform.url) as client, httpx.Client(base_url=platform.url, timeout=60) as http:
            hooks = _make_webhooks(http, came, server.server_address[1])
            done: list[str] = []
            makers = [threading.Thread(target=_make_tasks, args=(client, tasks, n, done)) for n in range(MAKERS)]
            for maker in makers:
                maker.start()
            _kill_now_and_then(platform, came, chance, kills, deliveries)
            for maker in makers:
                maker.join(SETTLE_S)
            faults = _unsettled(http, hooks) or _faults(http, hooks, came, done, tasks)
    finally:
        platform.end()
        server.shutdown()
        server.server_close()
    repeats = sum(count - 1 for count in came.arrived.values())
    return Found(tasks, kills, came.requests, came.refused, repeats, time.monotonic() - began, faults)


def _make_webhooks(http: httpx.Client, came: Came, port: int) -> dict[str, str]:
    """Ids of webhooks by their names."""
    hooks = {}
    for number in range(WEBHOOKS):
        name = f"hook{number}"
        body = {"url": f"http://127.0.0.1:{port}/{name}", "events": ["task.completed"]}
        made = http.post("/api/webhooks", json=body).raise_for_status().json()
        came.secrets[name], hooks[name] = made["secret"], made["id"]
    return hooks


def _make_tasks(client: Client, tasks: int, maker: int, done: list[str]) -> None:
    """What a kill cut off is sent again, with the same effect."""
    until = time.monotonic() + SETTLE_S
    for number in range(maker, tasks, MAKERS):
        while time.monotonic() < until:
            try:
                task = client.create_task(f"task {number}", ["a", "b"], idempotency_key=f"task {number}")
                client.seal(task["id"])
            except UnreachableError:
                continue  # it takes longer to start than the client is patient
            done.append(task["id"])
            break


def _kill_now_and_then(platform: PlatformProcess, came: Came, chance: random.Random, kills: int, all_of: int) -> None:
    """Each kill waits for some more to have arrived, and then for a moment."""
    for number in range(kills):
        until = time.monotonic() + SETTLE_S
        while len(came.arrived) < all_of * (number + 0.5) / (kills + 1) and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.3))
        platform.kill()
        platform.start()


def _unsettled(http: httpx.Client, hooks: dict[str, str]) -> list[str]:
    """Webhooks whose deliveries still wait after a long time."""
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until:
        waiting = [name for name, hook in hooks.items() if _deliveries(http, hook, limit=1, state="waiting")]
        if not waiting and not _events_wait(http):
            return []
        time.sleep(0.2)
    return [f"{name} still waits" for name in waiting]


def _events_wait(http: httpx.Client) -> bool:
    status = http.get("/api/admin/status").raise_for_status().json()
    return bool(status["outbox"]) or any(one["messages"] for one in status["queues"] or [])


def _deliveries(http: httpx.Client, hook: str, **query: object) -> list[dict]:
    found: list[dict] = []
    params = {"limit": 1000, **query}
    while True:
        page = http.get(f"/api/webhooks/{hook}/deliveries", params=params).raise_for_status().json()
        found += page["items"]
        if page["next_cursor"] is None or "state" in query:
            return found
        params["cursor"] = page["next_cursor"]


def _faults(http: httpx.Client, hooks: dict[str, str], came: Came, done: list[str], tasks: int) -> list[str]:
    faults = [f"{len(done)} tasks were made instead of {tasks}"] if len(set(done)) != tasks else []
    listed: set[str] = set()
    for name, hook in hooks.items():
        found = _deliveries(http, hook)
        listed |= {one["message_id"] for one in found}
        faults += [f"{name}: {one['message_id']} is {one['state']}" for one in found if one["state"] != "delivered"]
        told = [one["task_id"] for one in found]
        faults += [f"{name} has no delivery of {task}" for task in set(done) - set(told)]
        if len(told) != len(set(told)):
            faults.append(f"{name} has two deliveries of one task")
    faults += [f"{message} never arrived" for message in listed if not came.arrived[message]]
    faults += [f"{one} was sent and is in no list" for one in came.bodies.keys() - listed]
    faults += [f"{message} is not signed as it should be" for message in came.forged]
    faults += [f"{of} came under {len(ids)} ids" for of, ids in came.ids.items() if len(ids) != 1]
    return faults + [f"{message} came with other bytes" for message, bodies in came.bodies.items() if len(bodies) != 1]
