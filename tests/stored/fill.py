"""Fills a running platform over HTTP with tasks in every state, and notes what it says of them.

`python -P -m tests.stored.fill http://127.0.0.1:8080 > embedded-expected.json`, with the URLs of a task manager and a
subtask manager for a database. Done once for each schema, and kept for ever beside the folder, or the database as
`tests.stored.dump` writes it. Only HTTP is used, so it fills a platform of any version.
"""

import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import httpx

LABELS = ["a.b", "$inc", "__proto__", "été"]
WAIT_S = 20.0


def png(shade: int) -> bytes:
    """A picture of one pixel, another for every shade."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Filler:
    """People who use the platform. `tasks` and `subtasks` may be two services, or one gateway."""

    def __init__(self, tasks: str, subtasks: str) -> None:
        self._tasks = httpx.Client(base_url=tasks, timeout=30)
        self._subtasks = httpx.Client(base_url=subtasks, timeout=30)

    def fill(self) -> list[str]:
        """Make every task; returns their ids."""
        return [self._half_done(), self._completed(), self._disputed(), self._cancelled(), self._empty()]

    def seen(self, task_ids: list[str]) -> dict[str, Any]:
        """What the platform says of tasks, without what is different at every look."""
        return {task_id: self._seen(task_id) for task_id in task_ids}

    def _seen(self, task_id: str) -> dict[str, Any]:
        task = self._get(f"/api/tasks/{task_id}")
        if task["state"] == "cancelled":
            return {"task": task, "results": [], "subtasks": [], "export": []}
        results = self._get(f"/api/tasks/{task_id}/results")["items"]
        subtasks = [self._subtasks.get(f"/api/subtasks/{one['image_id']}") for one in results]
        return {
            "task": task,
            "results": [_steady(one) for one in results],
            "subtasks": [_steady(one.json()) for one in subtasks if one.status_code == httpx.codes.OK],
            "export": self._tasks.get(f"/api/tasks/{task_id}/export?format=jsonl").text.splitlines(),
        }

    def seal(self, task_id: str, *, until: str) -> None:
        """Seal a task, and wait until it is in a state."""
        self._call("POST", f"/api/tasks/{task_id}/seal", tasks=True)
        self._until(lambda: self._get(f"/api/tasks/{task_id}")["state"] == until)

    def vote_all(self, task_id: str, user: str, label: str) -> None:
        """Vote for one label on all that the user may vote on."""
        while held := self._lease(task_id, user, 10):
            for lease in held:
                ballot = {"label": label, "token": lease["token"]}
                self._call("POST", f"/api/subtasks/{lease['subtask_id']}/vote", user=user, json=ballot)

    def _half_done(self) -> str:
        terms = {
            "instructions": "look twice",
            "allow_unsure": True,
            "quorum": {"votes_required": 3, "stop": "exact", "min_agreement": 0.5},
            "detector": {"mode": "suggest", "label_map": {"x.y": "a.b", "$z": "été"}, "audit_share": 0.5},
        }
        task_id = self._task("half done", 5, **terms)
        self._vote(task_id, "ann", ["a.b", "unsure"])
        first = self._lease(task_id, "bob", 3)[0]
        self._call("DELETE", f"/api/leases/{first['subtask_id']}?skip=true", user="bob")
        return task_id

    def _completed(self) -> str:
        task_id = self._task("completed", 3, quorum={"votes_required": 2, "stop": "settled"}, detector={"mode": "off"})
        for who in ("ann", "bob"):
            self._vote(task_id, who, ["été"] * 3)
        self.seal(task_id, until="completed")
        return task_id

    def _disputed(self) -> str:
        quorum = {"votes_required": 2, "max_votes": 2}
        task_id = self._task("disputed", 2, quorum=quorum, detector={"mode": "off"})
        self._vote(task_id, "ann", ["a.b", "a.b"])
        self._vote(task_id, "bob", ["$inc", "$inc"])
        self.seal(task_id, until="completed")
        dispute = self._call("GET", f"/api/disputes?task_id={task_id}")["items"][0]
        reason = {"label": "__proto__", "reason": "it is plain to see"}
        self._call("POST", f"/api/disputes/{dispute['id']}", user="eve", json=reason)
        self._until(lambda: self._get(f"/api/tasks/{task_id}")["counts"]["disputed"] == 1)
        return task_id

    def _cancelled(self) -> str:
        task_id = self._task("cancelled", 2, detector={"mode": "off"})
        self._call("DELETE", f"/api/tasks/{task_id}", tasks=True)
        return task_id

    def _empty(self) -> str:
        return self._call("POST", "/api/tasks", tasks=True, json={"name": "empty", "labels": LABELS})["id"]

    def _task(self, name: str, images: int, **terms: Any) -> str:
        task_id = self._call("POST", "/api/tasks", tasks=True, json={"name": name, "labels": LABELS, **terms})["id"]
        files = [("images", (f"{name} {shade}.png", png(shade))) for shade in range(images)]
        self._call("POST", f"/api/tasks/{task_id}/images", tasks=True, files=files)
        wanted = {"count": images, "task_id": task_id}

        def has_opened() -> bool:
            asked = self._call("POST", "/api/leases", user="early", json=wanted)
            for lease in asked["leases"]:
                self._call("DELETE", f"/api/leases/{lease['subtask_id']}", user="early")
            return len(asked["leases"]) == images

        self._until(has_opened)
        return task_id

    def _lease(self, task_id: str, user: str, count: int) -> list[dict[str, Any]]:
        wanted = {"count": count, "task_id": task_id}
        return self._call("POST", "/api/leases", user=user, json=wanted)["leases"]

    def _vote(self, task_id: str, user: str, labels: list[str]) -> None:
        for lease, label in zip(self._lease(task_id, user, len(labels)), labels, strict=True):
            ballot = {"label": label, "token": lease["token"]}
            self._call("POST", f"/api/subtasks/{lease['subtask_id']}/vote", user=user, json=ballot)

    def _get(self, path: str) -> Any:
        return self._call("GET", path, tasks=True)

    def close(self) -> None:
        self._tasks.close()
        self._subtasks.close()

    def _call(self, method: str, path: str, *, tasks: bool = False, user: str = "client", **body: Any) -> Any:
        client = self._tasks if tasks else self._subtasks
        answer = client.request(method, path, headers={"X-Quorate-User": user}, **body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not is_so():
            if time.monotonic() > end:
                raise TimeoutError("the platform did not come so far")
            time.sleep(0.1)


def _steady(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in {"image_url", "live_leases"}}


if __name__ == "__main__":
    filler = Filler(sys.argv[1], sys.argv[-1])
    made = filler.fill()
    time.sleep(2)  # for what is on its way between the services
    json.dump(filler.seen(made), sys.stdout, ensure_ascii=False, indent=1)
