"""Webhooks, as docs/webhooks.md promises: who is told what, and how it is proven."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from services.notifier import domain
from tests.service.receivers import answering, fine, receiving
from tests.service.running import assert_problem, running
from tests.service.webhooks_world import as_instant, make_hook, tell, verified

HERE = {"webhook_networks": "127.0.0.0/8"}
URL = "https://hooks.example/in"


@pytest.fixture
async def api(tmp_path):
    async with running(tmp_path, **HERE) as api:
        yield api


async def test_a_task_that_completes_is_told_with_its_counts_and_nothing_that_anybody_said(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/in", "task.completed", "task.disputed")
        quorum = {"votes_required": 2, "max_votes": 2}
        task_id, _ = await api.task_with(2, name="Animals", quorum=quorum, labels=["zebra", "okapi", "unicorn"])
        for user, labels in (("ann", ["zebra", "zebra"]), ("ben", ["zebra", "okapi"])):
            leases = sorted(await api.lease(user, 2), key=lambda one: one["subtask_id"])
            for label, lease in zip(labels, leases, strict=True):
                await api.vote(user, lease["subtask_id"], label, lease["token"])
        await hook.until("delivered", 2)
        told = {one["type"]: one for one in map(hook.open, receiver.got)}
    assert told.keys() == {"task.completed", "task.disputed"}
    [disputed] = [one for one in await api.results(task_id) if one["state"] == "disputed"]
    data = {"task_id": task_id, "name": "Animals", "team": "first"}
    counts = {"images": 2, "completed": 1, "disputed": 1}
    assert told["task.completed"]["data"] == {**data, "counts": counts}
    assert told["task.disputed"]["data"] == {**data, "image_id": disputed["image_id"]}
    assert all(one["timestamp"].endswith("Z") for one in told.values())
    assert not [one for one in receiver.got if b"zebra" in one.body or b"okapi" in one.body or b"ann" in one.body]
    for got in receiver.got:
        assert got.line == "POST /in HTTP/1.1"
        assert got.headers["content-type"] == "application/json"


async def test_a_task_that_was_erased_is_told_once_it_is_gone(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/", "task.erased")
        task_id, _ = await api.task_with(1)
        assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code in (200, 202, 204)
        await hook.until("delivered")
        [told] = map(hook.open, receiver.got)
    assert told["type"] == "task.erased"
    assert told["data"] == {"task_id": task_id, "name": "animals", "team": "first"}


async def test_a_webhook_of_one_task_hears_of_no_other(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/", task_id=f"{2:032x}")
        await tell(api, 1, 2, 3)
        [delivery] = await hook.until("delivered")
    assert delivery["task_id"] == f"{2:032x}"
    assert len(await hook.deliveries()) == 1


async def test_an_event_that_comes_again_is_told_once(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await asyncio.gather(*(tell(api, 1) for _ in range(5)))
        await hook.until("delivered")
        await tell(api, 1)
        await tell(api, 2)
        await hook.until("delivered", 2)
    assert len(receiver.got) == 2


async def test_the_secret_is_told_once_and_two_sign_while_one_takes_over(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        assert hook.secret.startswith("whsec_")
        shown = await hook.shown()
        assert hook.secret not in json.dumps([shown, (await api.http.get("/api/webhooks")).json()])
        assert shown["old_secret_until"] is None
        await tell(api, 1)
        await hook.until("delivered")
        answer = await api.http.post(f"{hook.path}/secret")
        new, until = answer.json()["secret"], answer.json()["old_secret_until"]
        assert answer.headers["cache-control"] == "no-store"
        assert as_instant(until) == pytest.approx(api.clock() + domain.OVERLAP_S, abs=10)
        await tell(api, 2)
        await hook.until("delivered", 2)
        api.clock.ahead_s += domain.OVERLAP_S + 1
        await tell(api, 3)
        await hook.until("delivered", 3)
    first, second, third = receiver.got
    for secret, got, is_signed in (
        (hook.secret, first, True), (new, first, False), (hook.secret, second, True), (new, second, True),
        (hook.secret, third, False), (new, third, True),
    ):  # fmt: skip
        at = int(got.headers["webhook-timestamp"])
        if is_signed:
            verified(secret, got.headers, got.body, at)
        else:
            with pytest.raises(AssertionError, match="not by this secret"):
                verified(secret, got.headers, got.body, at)
    assert (await hook.shown())["old_secret_until"] is None


async def test_what_happens_while_it_is_paused_waits_for_it(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        assert (await hook.change(is_paused=True))["state"] == "paused"
        await tell(api, 1)
        await asyncio.sleep(0.7)
        [waiting] = await hook.deliveries()
        assert (waiting["state"], waiting["tries"]) == ("waiting", [])
        assert_problem(await api.http.post(f"{hook.path}/deliveries/{waiting['id']}/send"), 409, saying="paused")
        assert (await hook.change(is_paused=False))["state"] == "active"
        await hook.until("delivered")
    assert len(receiver.got) == 1


async def test_who_answers_410_is_paused(api):
    async def gone(_got, _writer):
        return answering(410)

    async with receiving(answer=gone) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        delivery = await hook.until_tried(1)
        await tell(api, 2)
        await asyncio.sleep(0.7)
        assert (await hook.shown())["state"] == "gone"
        assert delivery["tries"][0]["reason"] == "answered 410: it is there no more"
        assert len(receiver.got) == 1
        receiver.answer = fine
        await hook.change(is_paused=False)
        api.clock.ahead_s += 10
        await hook.until("delivered", 2)


async def test_a_delivery_is_sent_again_by_hand_with_the_same_id(api):
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        [delivery] = await hook.until("delivered")
        assert (await hook.send_again(delivery))["state"] == "waiting"
        await hook.until_tried(2)
        [again] = await hook.until("delivered")
    assert [one.headers["webhook-id"] for one in receiver.got] == [delivery["message_id"]] * 2
    assert receiver.got[0].body == receiver.got[1].body
    assert [one["reason"] for one in again["tries"]] == ["delivered", "delivered"]


async def test_deliveries_come_by_pages_the_newest_first(api):
    hook = await make_hook(api, URL)
    await hook.change(is_paused=True)
    await tell(api, *range(25))
    path, found, cursor = f"{hook.path}/deliveries", [], None
    while True:
        page = (await api.http.get(path, params={"limit": 10} | ({"cursor": cursor} if cursor else {}))).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [one["task_id"] for one in found] == [f"{number:032x}" for number in reversed(range(25))]
    assert await hook.deliveries(state="delivered") == []
    assert_problem(await api.http.get(path, params={"cursor": "AAAA"}), 400)
    assert_problem(await api.http.get(path, params={"state": "lost"}), 422)


async def test_a_webhook_that_is_removed_takes_its_deliveries_along(api):
    hook = await make_hook(api, URL)
    await hook.change(is_paused=True)
    await tell(api, 1, 2)
    assert (await api.http.delete(hook.path)).status_code == 204
    assert_problem(await api.http.delete(hook.path), 404)
    assert (await api.http.get("/api/webhooks")).json() == {"items": []}
    assert await api.platform.webhooks.store.waiting() == 0


async def test_what_a_crash_left_of_a_removed_webhook_is_removed_later(api):
    hook = await make_hook(api, URL)
    await hook.change(is_paused=True)
    await tell(api, 1, 2)
    await api.platform.webhooks.store.remove_webhook(hook.id)  # and then the process died
    for _ in range(200):
        if await api.platform.webhooks.store.waiting() == 0:
            break
        await asyncio.sleep(0.02)
    assert await api.platform.webhooks.store.waiting() == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://hooks.example/", "events": ["task.completed"]}, "/url"),
        ({"url": "https://10.0.0.1/", "events": ["task.completed"]}, "/url"),
        ({"url": "https://a:b@hooks.example/", "events": ["task.completed"]}, "/url"),
        ({"url": "", "events": ["task.completed"]}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["task.opened"]}, "/events/0"),
        ({"url": URL, "events": ["task.completed"], "task_id": "x"}, "/task_id"),
        ({"url": URL, "events": ["task.completed"], "secret": "mine"}, "/secret"),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused(api, body, pointer):
    assert_problem(await api.http.post("/api/webhooks", json=body), 422, pointer=pointer)
    assert (await api.http.get("/api/webhooks")).json() == {"items": []}


async def test_a_change_that_cannot_be_changes_nothing(api):
    hook = await make_hook(api, URL)
    before = await hook.shown()
    for body in ({"url": "https://127.1.1.1.1/x#y"}, {"events": []}, {"is_paused": "yes"}, {"team": "theirs"}):
        assert_problem(await api.http.patch(hook.path, json=body), 422)
    assert await hook.shown() == before
    changed = await hook.change(url="https://other.example/", events=["task.erased", "task.completed", "task.erased"])
    assert (changed["url"], changed["events"]) == ("https://other.example/", ["task.completed", "task.erased"])


async def test_a_team_has_twenty_webhooks_and_no_more(api):
    for _ in range(domain.MAX_WEBHOOKS):
        await make_hook(api, URL)
    body = {"url": URL, "events": ["task.completed"]}
    assert_problem(await api.http.post("/api/webhooks", json=body), 409, saying="at most 20")


async def test_another_teams_task_is_not_told(api):
    hook = await make_hook(api, URL)
    await tell(api, 1, team="theirs")
    assert await hook.deliveries() == []


async def test_the_metrics_tell_of_tries_and_of_what_waits(api):
    hook = await make_hook(api, URL)
    await hook.change(is_paused=True)
    await tell(api, 1)
    assert "quorate_webhook_deliveries_waiting 1.0" in (await api.http.get("/metrics")).text


async def test_what_the_page_tells_receivers_to_do_verifies_it(api):
    page = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    told: dict = {}
    exec(code, told)
    async with receiving() as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        await hook.until("delivered")
    [got] = receiver.got
    told["verify"](hook.secret, got.headers, got.body)
    late = got.headers | {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 301)}
    for headers, body in ((got.headers, got.body + b" "), (late, got.body)):
        with pytest.raises(ValueError, match=r"signed|old"):
            told["verify"](hook.secret, headers, body)
    with pytest.raises(ValueError, match="not signed"):
        told["verify"]("whsec_AAAA", got.headers, got.body)
