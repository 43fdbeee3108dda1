"""The rules of webhooks and of their deliveries."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import delivery as deliveries
from services.notifier import domain, signing
from services.notifier.delivery import Schedule, Try
from services.notifier.domain import EVENT_TYPES, Change, Secret, Webhook
from shared.errors import Conflict, Invalid, NotFound

T0 = 1_000_000.0
DAY_S = 86_400.0
SCHEDULE = Schedule(first_s=5, longest_s=3_600, keep_s=DAY_S, claim_s=30)
WEBHOOK = Webhook(
    id="w", team="first", url="https://a.example/", events=("task.completed",), created_at=T0,
    secrets=(Secret(text="whsec_a"),),
)  # fmt: skip
FAILED = Try(at=T0, status=500, reason="answered 500")


def new(event_id="e1", webhook=WEBHOOK):
    return deliveries.new_delivery(webhook, event_id, "task.completed", "t", "{}", T0, SCHEDULE)


def test_a_webhook_hears_what_it_asked_for_and_only_of_its_task():
    assert domain.wants(WEBHOOK, "task.completed", "t", T0)
    assert not domain.wants(WEBHOOK, "task.erased", "t", T0)
    of_one = replace(WEBHOOK, task="t")
    assert domain.wants(of_one, "task.completed", "t", T0)
    assert not domain.wants(of_one, "task.completed", "u", T0)
    assert domain.wants(replace(WEBHOOK, paused="gone"), "task.completed", "t", T0)


def test_what_happened_before_a_webhook_was_made_is_none_of_its_news():
    assert domain.wants(WEBHOOK, "task.completed", "t", T0 - domain.SKEW_S + 1)
    assert not domain.wants(WEBHOOK, "task.completed", "t", T0 - domain.SKEW_S)


def test_events_are_named_once_each_and_one_at_least():
    assert domain.events_in(("task.erased", "task.completed", "task.erased")) == ("task.completed", "task.erased")
    with pytest.raises(Invalid):
        domain.events_in(())


def test_another_teams_webhook_is_not_there():
    for change in (
        lambda: domain.changed(WEBHOOK, T0, team="theirs", change=Change(is_paused=True)),
        lambda: domain.with_secret(WEBHOOK, T0, team="theirs", secret="s"),
        lambda: domain.of_team(WEBHOOK, "theirs"),
    ):
        with pytest.raises(NotFound, match="no such webhook"):
            change()


def test_pausing_and_going_on():
    paused = domain.changed(WEBHOOK, T0, team="first", change=Change(is_paused=True))
    assert paused.paused == "by hand"
    gone = domain.gone(WEBHOOK, T0)
    assert gone.paused == "gone"
    assert domain.gone(paused, T0) is paused
    assert domain.changed(gone, T0, team="first", change=Change(is_paused=True)).paused == "gone"
    assert domain.changed(gone, T0, team="first", change=Change(url="https://b.example")).paused == "gone"
    assert domain.changed(gone, T0, team="first", change=Change(is_paused=False)).paused is None


def test_two_secrets_sign_while_one_takes_over():
    rotated = domain.with_secret(WEBHOOK, T0, team="first", secret="whsec_b")
    assert domain.signing(rotated, T0) == ("whsec_b", "whsec_a")
    assert domain.signing(rotated, T0 + domain.OVERLAP_S - 1) == ("whsec_b", "whsec_a")
    assert domain.signing(rotated, T0 + domain.OVERLAP_S) == ("whsec_b",)
    again = domain.with_secret(rotated, T0 + 1, team="first", secret="whsec_c")
    assert domain.signing(again, T0 + 1) == ("whsec_c", "whsec_b")


def test_a_team_has_so_many_and_no_more():
    domain.refuse_more_than(domain.MAX_WEBHOOKS - 1)
    with pytest.raises(Conflict):
        domain.refuse_more_than(domain.MAX_WEBHOOKS)


def test_an_event_makes_one_delivery_for_each_webhook_however_often_it_comes():
    assert new() == new()
    assert new().id != new("e2").id
    assert new().id != new(webhook=replace(WEBHOOK, id="v")).id


def test_the_example_of_the_specification_is_signed_as_it_says():
    """The values that the libraries of Standard Webhooks test against."""
    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    message, at, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    headers = signing.headers_of(message.removeprefix("msg_"), body, [secret], at)
    assert headers == {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_signs():
    secrets = [signing.secret_of(bytes([n]) * 32) for n in (1, 2)]
    headers = signing.headers_of("0" * 32, b"{}", secrets, T0)
    signed = f"msg_{'0' * 32}.{int(T0)}.".encode() + b"{}"
    wanted = [
        "v1," + base64.b64encode(hmac.new(bytes([n]) * 32, signed, hashlib.sha256).digest()).decode() for n in (1, 2)
    ]
    assert headers["webhook-signature"].split(" ") == wanted


def claimed(delivery, now, holder="h"):
    return deliveries.claimed(delivery, now, holder=holder, schedule=SCHEDULE)


def failed(delivery, now, chance=0.5, holder="h", **more):
    return deliveries.failed(delivery, now, holder=holder, outcome=FAILED, schedule=SCHEDULE, chance=chance, **more)


def test_who_is_trying_a_delivery_has_it_for_a_while():
    mine = claimed(new(), T0)
    assert mine.holder == "h"
    assert claimed(mine, T0 + 29, "other") is mine
    assert claimed(mine, T0 + 30, "other").holder == "other"
    assert claimed(replace(mine, due_at=None), T0 + 99, "other").holder == "h"


def test_pauses_grow_to_an_hour_and_end_with_the_day():
    delivery, now, pauses = new(), T0, []
    while delivery.state == "waiting":
        now = delivery.due_at
        delivery = failed(claimed(delivery, now), now)
        pauses.append((delivery.due_at or now) - now)
    assert pauses[:7] == [5, 15, 45, 135, 405, 1215, 3600]
    assert set(pauses[6:-2]) == {3600}
    assert now == T0 + DAY_S
    assert delivery.state == "expired"
    assert delivery.due_at is None
    assert len(delivery.tries) == delivery.count <= 40


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_pause_is_a_fifth_shorter_or_longer_at_the_most(chance, count):
    planned = min(5 * 3.0 ** (count - 1), 3_600)
    assert planned * 0.8 <= deliveries.pause_s(count, SCHEDULE, chance) <= planned * 1.2


def test_the_receiver_may_ask_for_a_longer_pause_up_to_the_longest():
    assert failed(claimed(new(), T0), T0, wait_s=60).due_at == T0 + 60
    assert failed(claimed(new(), T0), T0, wait_s=1).due_at == T0 + 5
    assert failed(claimed(new(), T0), T0, wait_s=1e7).due_at == T0 + 3_600


def test_a_try_that_was_begun_anew_elsewhere_says_nothing_of_failing():
    theirs = claimed(claimed(new(), T0), T0 + 30, "other")
    assert failed(theirs, T0 + 31) is theirs
    done = deliveries.succeeded(theirs, T0 + 31, outcome=Try(at=T0, status=204, reason="delivered"))
    assert (done.state, done.due_at, done.holder) == ("delivered", None, "")
    assert failed(done, T0 + 32, holder="") is done


def test_a_delivery_that_nobody_tried_lapses_when_its_time_is_over():
    assert deliveries.lapsed(new(), T0 + DAY_S - 1) == new()
    assert deliveries.lapsed(new(), T0 + DAY_S).state == "expired"


def test_sent_again_it_has_another_day_and_keeps_its_id_and_its_tries():
    expired = deliveries.lapsed(failed(claimed(new(), T0), T0), T0 + DAY_S)
    again = deliveries.again(expired, T0 + 2 * DAY_S, webhook="w", schedule=SCHEDULE)
    assert (again.id, again.body, again.tries) == (expired.id, expired.body, expired.tries)
    assert (again.state, again.due_at, again.expires_at) == ("waiting", T0 + 2 * DAY_S, T0 + 3 * DAY_S)
    assert failed(claimed(again, T0 + 2 * DAY_S), T0 + 2 * DAY_S).due_at == T0 + 2 * DAY_S + 5
    with pytest.raises(NotFound):
        deliveries.again(expired, T0, webhook="another", schedule=SCHEDULE)


def test_tries_are_bounded():
    delivery = new()
    for _ in range(deliveries.MAX_TRIES):
        delivery = failed(claimed(replace(delivery, due_at=T0), T0), T0)
    assert delivery.state == "expired"
    again = deliveries.again(delivery, T0, webhook="w", schedule=SCHEDULE)
    assert len(failed(claimed(again, T0), T0).tries) == deliveries.TRIES_KEPT


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, "delivered"),
        (204, "delivered"),
        (302, "answered 302, a redirect: none is followed"),
        (410, "answered 410: it is there no more"),
        (500, "answered 500"),
    ],
)
def test_what_an_answer_means_is_said_in_words(status, reason):
    assert deliveries.reason_of(status) == reason
    assert deliveries.has_arrived(Try(at=T0, status=status, reason="")) == (reason == "delivered")


def test_every_kind_of_event_can_be_asked_for():
    assert domain.events_in(EVENT_TYPES) == EVENT_TYPES
