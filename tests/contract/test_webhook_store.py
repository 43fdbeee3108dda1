"""What every store of webhooks and deliveries promises."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.notifier import delivery as deliveries
from services.notifier import domain
from services.notifier.delivery import Delivery, Schedule, Try
from services.notifier.domain import Change, Secret, Webhook
from services.notifier.store.codec import key_of
from services.notifier.store.sqlite import SqliteNotifierStore
from shared.audit import Doer, entry
from shared.errors import Conflict, NotFound, Unavailable
from shared.events import parse
from tests.contract.adapters import T0

SCHEDULE = Schedule(first_s=5, longest_s=3600, keep_s=86_400, claim_s=30)
BY = Doer(id="ann", name="Ann", team="first", address="127.0.0.1")
FAILED = Try(at=T0, status=500, reason="answered 500")


def webhook(number: int, **changes) -> Webhook:
    made = Webhook(
        id=f"w{number:03d}",
        team="first",
        url="https://a.example/$set?x=a.b",
        events=("task.completed", "task.erased"),
        created_at=T0,
        secrets=(Secret(text="whsec_b"), Secret(text="whsec_a", until=T0 + 5)),
        task="t1",
    )
    return replace(made, **changes)


def delivery(number: int, of: str = "w001", **changes) -> Delivery:
    made = Delivery(
        id=f"{number:032x}",
        webhook=of,
        event="task.completed",
        task="t1",
        body='{"type":"task.completed"}',
        created_at=T0 + number,
        expires_at=T0 + number + 86_400,
        due_at=T0 + number,
    )
    return replace(made, **changes)


def ended(number: int, of: str = "w001", **changes) -> Delivery:
    return delivery(number, of, state="delivered", due_at=None, tries=(FAILED,), count=1, **changes)


async def test_everything_is_found_as_it_was_saved(webhooks):
    store = webhooks.store
    await store.add_webhook(webhook(1))
    assert await store.webhook("w001") == webhook(1)
    assert await store.add_delivery(delivery(1))
    assert await store.add_delivery(ended(2))
    assert await store.delivery(delivery(1).id) == delivery(1)
    assert await store.delivery(ended(2).id) == ended(2)
    for find in (store.webhook, store.delivery):
        with pytest.raises(NotFound):
            await find("none")


async def test_webhooks_are_listed_by_team(webhooks):
    store = webhooks.store
    for one in (webhook(2), webhook(1), webhook(3, team="theirs")):
        await store.add_webhook(one)
    assert await store.webhooks("first") == [webhook(1), webhook(2)]
    assert await store.webhooks("nobody") == []


async def test_a_webhook_is_changed_by_a_rule_and_removed(webhooks):
    store = webhooks.store
    await store.add_webhook(webhook(1))
    change = partial(domain.changed, team="first", change=Change(is_paused=True))
    assert (await store.change_webhook("w001", change)).paused == "by hand"
    assert (await store.webhook("w001")).paused == "by hand"

    def refuse(_webhook, _now):
        raise Conflict("no")

    with pytest.raises(Conflict):
        await store.change_webhook("w001", refuse)
    await store.remove_webhook("w001")
    await store.remove_webhook("w001")
    assert await store.webhooks("first") == []
    with pytest.raises(NotFound):
        await store.change_webhook("w001", change)


async def test_what_the_audit_notes_is_saved_with_the_change(webhooks):
    store = webhooks.store

    def noted(number: int):
        return [entry(BY, "webhook.change", "w001", number, "0" * 8)]

    def refuse(_state, _now):
        raise Conflict("no")

    await store.add_webhook(webhook(1), noted=noted(1))
    await store.change_webhook("w001", domain.gone, noted=noted(2))
    await store.add_delivery(delivery(1, due_at=T0))
    claim = partial(deliveries.claimed, holder="h", schedule=SCHEDULE)
    await store.change_delivery(delivery(1).id, claim, noted=noted(3))
    await store.remove_webhook("w001", noted=noted(4))
    for change in (
        store.change_webhook("w001", refuse, noted=noted(5)),
        store.change_delivery(delivery(1).id, refuse, noted=noted(6)),
    ):
        with pytest.raises((Conflict, NotFound)):
            await change
    await store.remove_webhook("w001", noted=noted(7))
    found = await store.pending(10)
    assert sorted(parse(one.body).data.entry.at for one in found) == [1, 2, 3, 4]
    for gone in (store.webhook("w001"), store.change_webhook("w001", domain.gone)):
        with pytest.raises(NotFound):
            await gone
    assert await store.webhooks("first") == []
    await store.clear([one.id for one in found])
    assert await store.pending(10) == []


async def test_nothing_is_left_of_a_webhook_that_was_removed_once_that_was_told(webhooks):
    store = webhooks.store
    secret = "whsec_of_this_one"
    await store.add_webhook(webhook(1, secrets=(Secret(text=secret),)))
    await store.remove_webhook("w001", noted=[entry(BY, "webhook.remove", "w001", 1.0, "0" * 8)])
    assert secret not in await webhooks.everything()
    await store.clear([one.id for one in await store.pending(10)])
    assert "w001" not in await webhooks.everything()


async def test_a_delivery_that_is_there_stays_as_it_is(webhooks):
    store = webhooks.store
    assert await store.add_delivery(delivery(1))
    assert not await store.add_delivery(delivery(1, body="another"))
    assert (await store.delivery(delivery(1).id)).body == delivery(1).body


async def test_deliveries_come_by_pages_the_newest_first(webhooks):
    store = webhooks.store
    for number in (3, 1, 5):
        await store.add_delivery(delivery(number))
    for one in (ended(4), ended(2), delivery(9, "w002")):
        await store.add_delivery(one)

    async def page(before="", state=None, limit=2):
        return await store.deliveries("w001", state=state, before=before, limit=limit)

    assert await page() == [delivery(5), ended(4)]
    assert await page(key_of(ended(4))) == [delivery(3), ended(2)]
    assert await page(key_of(ended(2))) == [delivery(1)]
    assert await page(state="waiting", limit=9) == [delivery(5), delivery(3), delivery(1)]
    assert await page(state="delivered", limit=9) == [ended(4), ended(2)]


async def test_who_has_something_due_is_found_past_any_number_of_deliveries(webhooks):
    store = webhooks.store
    for number in range(40):
        await store.add_delivery(delivery(number, "w001"))
    await store.add_delivery(delivery(50, "w002", due_at=T0 + 900))
    await store.add_delivery(delivery(51, "w003"))
    await store.add_delivery(ended(52, "w004"))

    async def busy(now, after="", limit=10):
        return await store.busy(now=now, after=after, limit=limit)

    assert await busy(T0 - 1) == []
    assert await busy(T0 + 100) == ["w001", "w003"]
    assert await busy(T0 + 1000) == ["w001", "w002", "w003"]
    assert await busy(T0 + 1000, limit=2) == ["w001", "w002"]
    assert await busy(T0 + 1000, after="w002") == ["w003"]
    with webhooks.counting() as cost:
        await busy(T0 + 1000)
    for number in range(100, 200):
        await store.add_delivery(delivery(number, "w001"))
    with webhooks.counting() as more:
        await busy(T0 + 1000)
    assert len(more.commands) == len(cost.commands)
    assert more.steps <= cost.steps * 1.2


async def test_what_is_due_comes_in_its_order(webhooks):
    store = webhooks.store
    for number in (3, 1, 2):
        await store.add_delivery(delivery(number))
    await store.add_delivery(delivery(4, "w002"))
    assert await store.due("w001", now=T0 + 2, limit=9) == [delivery(1), delivery(2)]
    assert await store.due("w001", now=T0 + 9, limit=2) == [delivery(1), delivery(2)]


async def test_one_of_many_gets_a_delivery_that_is_due(webhooks):
    store, webhooks.clock.now = webhooks.store, T0 + 2
    await store.add_delivery(delivery(1))
    claims = [partial(deliveries.claimed, holder=f"h{number}", schedule=SCHEDULE) for number in range(8)]
    got = await asyncio.gather(*(store.change_delivery(delivery(1).id, claim) for claim in claims))
    assert len({one.holder for one in got}) == 1
    assert await store.due("w001", now=T0 + 31, limit=9) == []
    [again] = await store.due("w001", now=T0 + 32, limit=9)  # its process has died
    assert again.holder == got[0].holder


async def test_what_came_to_an_end_is_not_due_and_can_be_sent_again(webhooks):
    store, webhooks.clock.now = webhooks.store, T0 + 2
    await store.add_delivery(delivery(1))
    done = partial(deliveries.succeeded, outcome=Try(at=T0, status=200, reason="delivered"))
    assert (await store.change_delivery(delivery(1).id, done)).state == "delivered"
    assert await store.due("w001", now=T0 + 1e9, limit=9) == []
    assert await store.busy(now=T0 + 1e9, after="", limit=9) == []
    assert await store.lapsing(expired_before=T0 + 1e9, limit=9) == []
    await store.change_delivery(delivery(1).id, partial(deliveries.again, webhook="w001", schedule=SCHEDULE))
    [due] = await store.due("w001", now=T0 + 2, limit=9)
    assert (due.state, len(due.tries)) == ("waiting", 1)
    assert await store.lapsing(expired_before=T0 + 1e9, limit=9) == [delivery(1).id]


async def test_deliveries_that_wait_past_their_time_are_found(webhooks):
    store = webhooks.store
    for one in (delivery(2), delivery(1), ended(0)):
        await store.add_delivery(one)
    assert await store.lapsing(expired_before=T0 + 86_401, limit=9) == []
    assert await store.lapsing(expired_before=T0 + 86_403, limit=9) == [delivery(1).id, delivery(2).id]
    assert await store.lapsing(expired_before=T0 + 86_403, limit=1) == [delivery(1).id]
    assert await store.waiting() == 2


async def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(webhooks):
    store = webhooks.store
    for one in (ended(1), ended(2), ended(3), delivery(4)):
        await store.add_delivery(one)
    assert await store.forget_deliveries(made_before=T0 + 100, limit=2) == 2
    assert await store.forget_deliveries(made_before=T0 + 3, limit=2) == 0
    assert await store.forget_deliveries(made_before=T0 + 100, limit=2) == 1
    assert await store.deliveries("w001", state=None, before="", limit=9) == [delivery(4)]


async def test_deliveries_of_a_webhook_are_forgotten(webhooks):
    store = webhooks.store
    for one in (ended(1), delivery(2), delivery(3, "w002")):
        await store.add_delivery(one)
    assert await store.forget_deliveries_of("w001", 9) == 2
    assert await store.forget_deliveries_of("w001", 9) == 0
    assert await store.delivery(delivery(3).id) == delivery(3, "w002")


async def test_a_write_that_fails_saves_nothing(webhooks):
    store = webhooks.store
    await store.add_webhook(webhook(1))
    await store.add_delivery(delivery(1))
    webhooks.clock.now = T0 + 2
    with webhooks.failing_commits():
        with pytest.raises(Unavailable):
            await store.change_delivery(delivery(1).id, partial(deliveries.claimed, holder="h", schedule=SCHEDULE))
        with pytest.raises(Unavailable):
            await store.add_delivery(delivery(2))
    assert await store.delivery(delivery(1).id) == delivery(1)
    with pytest.raises(NotFound):
        await store.delivery(delivery(2).id)


async def test_the_next_process_on_a_file_takes_over_what_the_last_one_was_trying(webhooks):
    store = webhooks.store
    if not isinstance(store, SqliteNotifierStore):
        pytest.skip("other processes may be at work on a server")
    webhooks.clock.now = T0 + 2
    await store.add_delivery(delivery(1))
    await store.add_delivery(delivery(2))
    await store.change_delivery(delivery(1).id, partial(deliveries.claimed, holder="h", schedule=SCHEDULE))
    await store.release()
    assert [one.id for one in await store.due("w001", now=T0 + 2, limit=9)] == [delivery(1).id, delivery(2).id]
