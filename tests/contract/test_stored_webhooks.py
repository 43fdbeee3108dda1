"""Webhooks that earlier releases stored open for ever."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.notifier.store.sqlite.schema import STEPS
from tests.contract.test_stored_state import covers
from tests.service.receivers import receiving
from tests.service.running import running
from tests.service.webhooks_world import Hook

STORED = Path(__file__).parents[1] / "stored"
RELEASES = sorted(one.name for one in STORED.glob("webhooks-*"))


@pytest.mark.parametrize("release", RELEASES)
async def test_webhooks_of_an_earlier_release_open_and_deliveries_go_on(release: str, tmp_path: Path):
    known = json.loads((STORED / release / "expected.json").read_text())
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(STORED / release / "webhooks.sqlite", data / "webhooks.sqlite")
    settings = {"webhook_networks": "127.0.0.0/8", "webhook_pause_s": 3_600}
    async with running(data, at=known["at"], **settings) as api, receiving() as receiver:
        hooks = {
            name: Hook(api, said["shown"]["id"], "_".join(said["secret"])) for name, said in known["webhooks"].items()
        }
        for name, said in known["webhooks"].items():
            assert covers(await hooks[name].shown(), said["shown"]), name
            assert covers(await hooks[name].deliveries(), said["deliveries"]), name
        down = hooks["down"]
        await down.change(url=f"http://127.0.0.1:{receiver.port}/up")
        [waiting] = await down.deliveries()
        await down.send_again(waiting)
        await down.until("delivered")
        [got] = receiver.got
        assert got.headers["webhook-id"] == waiting["message_id"]
        assert down.open(got)["type"] == "task.completed", "the secret of before still signs"
    with closing(sqlite3.connect(data / "webhooks.sqlite")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
