"""Receivers that fail, hang, lead elsewhere or are away: what docs/webhooks.md promises of each."""

import asyncio
import time
from ipaddress import ip_address

import pytest

from shared.fetching import Fetcher
from shared.fetching.addresses import networks_in
from tests.service.receivers import (
    NAME,
    answering,
    certified,
    endless_body,
    fine,
    hang,
    receiving,
)
from tests.service.running import running
from tests.service.webhooks_world import make_hook, tell, verified

HERE = {"webhook_networks": "127.0.0.0/8"}
HOUR_S, DAY_S = 3_600, 86_400


async def fail(_got, _writer):
    return answering(500)


async def test_a_receiver_that_fails_is_tried_again_after_pauses_that_grow(tmp_path):
    async with running(tmp_path, **HERE) as api, receiving(answer=fail) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        for tries, pause_s in enumerate((5, 15, 45, 135), start=1):
            delivery = await hook.until_tried(tries)
            assert delivery["state"] == "waiting"
            assert delivery["tries"][-1] | {"at": ""} == {"at": "", "status": 500, "reason": "answered 500"}
            api.clock.ahead_s += 0.7 * pause_s  # a fifth shorter at the most
            await asyncio.sleep(0.6)
            assert len(receiver.got) == tries
            api.clock.ahead_s += 0.6 * pause_s
        receiver.answer = fine
        await hook.until("delivered")
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == len(receiver.got) == 5
    for got in receiver.got:
        assert hook.secret not in str(got)


async def test_a_receiver_that_was_down_for_an_hour_gets_everything(tmp_path):
    async with running(tmp_path, **HERE) as api:
        async with receiving() as receiver:
            port = receiver.port
        hook = await make_hook(api, f"http://127.0.0.1:{port}/")
        began = api.clock()
        await tell(api, *range(20))
        while api.clock() < began + HOUR_S:
            await asyncio.sleep(0.05)
            api.clock.ahead_s += 60
        down = await hook.deliveries()
        assert {one["state"] for one in down} == {"waiting"}
        assert {one["reason"] for each in down for one in each["tries"]} == {"the server takes no connection"}
        async with receiving(port=port) as receiver:
            for _ in range(40):  # what was being tried just now pauses from now on
                api.clock.ahead_s += 0.4 * HOUR_S
                await asyncio.sleep(0.1)
                if len(await hook.deliveries(state="delivered")) == 20:
                    break
            await hook.until("delivered", 20)
        for got in receiver.got:
            verified(hook.secret, got.headers, got.body, float(got.headers["webhook-timestamp"]))
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 20


async def test_after_a_day_a_delivery_expires_and_says_why(tmp_path):
    async with running(tmp_path, **HERE) as api, receiving(answer=fail) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        tries = 0
        while not (found := await hook.deliveries(state="expired")):
            await hook.until_tried(tries := tries + 1)
            api.clock.ahead_s += 1.2 * HOUR_S
            assert tries < 60
        [expired] = found
        assert expired["next_try_at"] is None
        assert {one["status"] for one in expired["tries"]} == {500}
        assert len(expired["tries"]) == len(receiver.got) <= 30
        receiver.answer = fine
        await hook.send_again(expired)
        await hook.until("delivered")
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


async def test_what_waited_for_a_paused_webhook_expires_after_a_day(tmp_path):
    async with running(tmp_path, **HERE) as api:
        hook = await make_hook(api, "https://hooks.example/")
        await hook.change(is_paused=True)
        await tell(api, 1)
        api.clock.ahead_s += DAY_S - 60
        await api.platform.sender.sweep()
        assert len(await hook.deliveries(state="waiting")) == 1
        api.clock.ahead_s += 180
        await api.platform.sender.sweep()
        assert len(await hook.deliveries(state="expired")) == 1
        api.clock.ahead_s += 31 * DAY_S
        await api.platform.sender.sweep()
        assert await hook.deliveries() == []


async def test_receivers_that_hang_hold_up_nobody_but_themselves(tmp_path):
    async with (
        running(tmp_path, **HERE, webhook_timeout_s=2) as api,
        receiving(answer=hang) as hanging,
        receiving() as receiver,
    ):
        stuck = [await make_hook(api, f"http://127.0.0.1:{hanging.port}/") for _ in range(10)]
        await tell(api, *range(50))
        await asyncio.sleep(1)
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        began = time.monotonic()
        await tell(api, *range(100, 200))
        await hook.until("delivered", 100)
        took_s = time.monotonic() - began
        delivery = (await stuck[0].deliveries())[-1]
        await api.platform.sender.close()
    assert took_s < 10
    assert delivery["state"] == "waiting"
    assert len(hanging.got) <= 10 * (4 + took_s), "a receiver that hangs is asked by one try at a time"


async def test_a_receiver_that_hangs_is_given_up_in_time(tmp_path):
    async with running(tmp_path, **HERE, webhook_timeout_s=0.3) as api, receiving(answer=hang) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        delivery = await hook.until_tried(1)
    assert delivery["tries"] == [{"at": delivery["tries"][0]["at"], "status": None, "reason": "no answer within 0.3 s"}]


async def test_a_receiver_whose_answer_does_not_end_has_answered(tmp_path):
    async with running(tmp_path, **HERE) as api, receiving(answer=endless_body) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        await hook.until("delivered")


async def test_cve_2023_47116_a_redirect_to_this_machine_is_not_followed(tmp_path):
    async def elsewhere(_got, _writer):
        return answering(302, f"Location: http://127.0.0.1:{private.port}/")

    async with (
        running(tmp_path, webhook_networks="127.0.0.2/32") as api,
        receiving("127.0.0.1") as private,
        receiving("127.0.0.2", answer=elsewhere) as receiver,
    ):
        hook = await make_hook(api, f"http://127.0.0.2:{receiver.port}/")
        await tell(api, 1)
        delivery = await hook.until_tried(1)
        assert private.connections == 0
    assert delivery["tries"][0]["reason"] == "answered 302, a redirect: none is followed"
    assert delivery["state"] == "waiting"


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00::1", "64:ff9b::7f00:1"])
async def test_cve_2023_47116_a_name_that_leads_into_a_private_network_is_not_asked(tmp_path, address):
    async def resolve(_host, _port):
        return [ip_address(address)]

    async with running(tmp_path, fetcher=Fetcher(resolve=resolve)) as api:
        hook = await make_hook(api, "https://inside.example/")
        await tell(api, 1)
        delivery = await hook.until_tried(1)
    assert delivery["tries"][0]["reason"] == "the address is not one of the open network"
    assert delivery["state"] == "waiting"


async def test_over_tls_with_a_certificate_for_the_name(tmp_path):
    certificates = certified(tmp_path)

    async def resolve(_host, _port):
        return [ip_address("127.0.0.1")]

    fetcher = Fetcher(networks_in("127.0.0.1/32"), resolve=resolve, trust=certificates.trusting)
    async with (
        running(tmp_path / "data", fetcher=fetcher) as api,
        receiving(tls=certificates.serving()) as receiver,
    ):
        hook = await make_hook(api, f"https://{NAME}:{receiver.port}/")
        await tell(api, 1)
        await hook.until("delivered")
        wrong = await make_hook(api, f"https://other.example:{receiver.port}/")
        await tell(api, 2)
        delivery = await wrong.until_tried(1)
    assert delivery["tries"][0]["reason"].startswith("the certificate is not good")


async def test_who_asks_to_be_left_alone_is(tmp_path):
    async def later(_got, _writer):
        return answering(503, "Retry-After: 600")

    async with running(tmp_path, **HERE) as api, receiving(answer=later) as receiver:
        hook = await make_hook(api, f"http://127.0.0.1:{receiver.port}/")
        await tell(api, 1)
        await hook.until_tried(1)
        api.clock.ahead_s += 590
        await asyncio.sleep(0.7)
        assert len(receiver.got) == 1
        receiver.answer = fine
        api.clock.ahead_s += 20
        await hook.until("delivered")


async def test_a_try_that_fails_in_no_way_that_was_thought_of_is_one_try(tmp_path, monkeypatch):
    fetcher = Fetcher()

    async def broken(*_args, **_more):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(fetcher, "send", broken)
    async with running(tmp_path, fetcher=fetcher) as api:
        hook = await make_hook(api, "https://hooks.example/")
        await tell(api, 1)
        delivery = await hook.until_tried(1)
        await asyncio.sleep(1.2)
        assert [one["reason"] for one in (await hook.deliveries())[0]["tries"]] == ["the request could not be sent"]
    assert delivery["state"] == "waiting"
