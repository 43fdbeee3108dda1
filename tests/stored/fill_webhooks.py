"""Fills a fresh platform with webhooks and deliveries, and notes what it says of them.

`python -P -m tests.stored.fill_webhooks FOLDER`, in the checkout of a release: its webhooks are kept for ever in
`webhooks-<schema>`, with what was said of them. The secrets are nobody's.
"""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.service.receivers import answering, receiving
from tests.service.running import Api, running
from tests.service.webhooks_world import Hook, make_hook, tell


async def known_of(hook: Hook) -> dict[str, Any]:
    secret = hook.secret.split("_", 1)  # in parts: a scanner for secrets need not find it
    return {"secret": secret, "shown": await hook.shown(), "deliveries": await hook.deliveries()}


async def fill(api: Api) -> dict[str, Any]:
    """Webhooks with deliveries in every state; returns what is known of them."""

    async def gone(*_: object) -> bytes:
        return answering(410)

    async with receiving() as receiver, receiving(answer=gone) as other:
        told = await make_hook(api, f"http://127.0.0.1:{receiver.port}/told")
        left = await make_hook(api, f"http://127.0.0.1:{other.port}/gone")
        await tell(api, 1)
        await told.until("delivered")
        await left.until_tried(1)
    down = await make_hook(api, "http://127.0.0.1:1/down", "task.completed", "task.erased", task_id=f"{2:032x}")
    assert (await api.http.post(f"{down.path}/secret")).status_code == 201
    await tell(api, 2)
    await down.until_tried(1)
    paused = await make_hook(api, "http://127.0.0.1:1/paused", "task.disputed")
    await paused.change(is_paused=True)
    hooks = {"told": told, "gone": left, "down": down, "paused": paused}
    return {"at": api.clock(), "webhooks": {name: await known_of(hook) for name, hook in hooks.items()}}


async def made(folder: Path) -> None:
    async with running(folder / "work", webhook_networks="127.0.0.0/8", webhook_pause_s=3_600) as api:
        known = await fill(api)
    shutil.copy(folder / "work/webhooks.sqlite", folder / "webhooks.sqlite")
    (folder / "expected.json").write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(folder / "work")


if __name__ == "__main__":
    asyncio.run(made(Path(sys.argv[1])))
