"""The rules of sessions, keys, links and tries."""

from dataclasses import replace

import pytest

from services.accounts import credentials
from services.accounts.credentials import Invitation, Key, Lifetimes, Session
from services.accounts.domain import Person, changed, joined, with_password
from services.accounts.throttle import REMEMBERED, Pace, Throttle
from shared.audit import entry_id
from shared.errors import Gone, Invalid, NotFound, TooMany, Unauthenticated
from shared.identity.keys import digest_of
from shared.identity.roles import ROLES

NOW = 1_000_000.0
LIFETIMES = Lifetimes(idle_s=100.0, absolute_s=1_000.0)
SESSION = Session(id="s", digest=digest_of("secret"), person="a", team="first", epoch=0, created_at=NOW, used_at=NOW)
KEY = Key(id="k", digest="d", person="a", name="ci", team="first", roles=("client",), created_at=NOW)
LINK = Invitation(
    id="i", digest=digest_of("secret"), team="first", roles=("client",), made_by="a", created_at=NOW,
    expires_at=NOW + 10,
)  # fmt: skip


def test_a_session_ends_when_idle_when_old_and_when_told():
    assert credentials.is_live(SESSION, LIFETIMES, NOW + 99)
    assert not credentials.is_live(SESSION, LIFETIMES, NOW + 100)
    used = replace(SESSION, used_at=NOW + 950)
    assert credentials.is_live(used, LIFETIMES, NOW + 999)
    assert not credentials.is_live(used, LIFETIMES, NOW + 1_000)
    assert not credentials.is_live(credentials.ended(SESSION, NOW), LIFETIMES, NOW)


def test_the_use_of_a_session_is_rarely_written():
    assert credentials.used(SESSION, NOW + 299) is SESSION
    assert credentials.used(SESSION, NOW + 300).used_at == NOW + 300


def test_a_session_ends_when_its_person_loses_what_it_was_for():
    ann = joined(Person(id="a", name="Ann", name_key="ann", created_at=NOW), "first", ("client",))
    assert credentials.may_go_on(SESSION, ann)
    assert not credentials.may_go_on(SESSION, changed(ann, "first", roles=("operator",), is_active=None))
    assert not credentials.may_go_on(credentials.in_team(SESSION, "other"), ann)
    after = with_password(ann, "h", epoch=ann.epoch, session="s")
    assert credentials.may_go_on(SESSION, after)
    assert not credentials.may_go_on(replace(SESSION, id="other"), after)
    assert not credentials.may_go_on(SESSION, changed(after, "first", roles=("operator",), is_active=None))


@pytest.mark.parametrize("token", ["", "x", ".x", "x.", "x." + "y" * 300])
def test_what_is_no_token_opens_nothing(token):
    with pytest.raises(Unauthenticated):
        credentials.split(token)


def test_a_secret_is_known_by_its_digest():
    assert credentials.opens(SESSION.digest, "secret")
    assert not credentials.opens(SESSION.digest, "Secret")


def test_a_key_has_no_more_than_its_maker_and_ends():
    assert credentials.key_roles(None, ("client", "admin")) == ("client", "admin")
    assert credentials.key_roles(("client",), ROLES) == ("client",)
    with pytest.raises(Invalid):
        credentials.key_roles(("admin",), ("client",))
    for at in (NOW, NOW - 1, NOW + credentials.MAX_KEY_S + 1):
        with pytest.raises(Invalid):
            credentials.expiry(at, NOW, latest=None)
    asked = [(None, None), (NOW + 5, None), (None, NOW + 3), (NOW + 5, NOW + 3), (NOW + 2, NOW + 3)]
    ends = [credentials.expiry(at, NOW, latest=latest) for at, latest in asked]
    assert ends == [None, NOW + 5, NOW + 3, NOW + 3, NOW + 2]
    assert credentials.is_usable(KEY, NOW)
    assert not credentials.is_usable(replace(KEY, expires_at=NOW), NOW)
    assert not credentials.is_usable(credentials.revoked(KEY, NOW), NOW)
    assert credentials.revoked(credentials.revoked(KEY, NOW), NOW + 1).revoked_at == NOW


def test_a_key_may_do_what_it_says_and_its_person_may():
    ann = joined(Person(id="a", name="Ann", name_key="ann", created_at=NOW), "first", ("operator", "admin"))
    key = replace(KEY, roles=("client", "operator"))
    assert credentials.roles_with(key, ann) == ("operator",)
    assert credentials.roles_with(replace(key, team="other"), ann) == ()


def test_the_use_of_a_key_is_noted_to_the_hour():
    noted = credentials.noted(KEY, NOW)
    assert noted.used_at is not None
    assert NOW - 3_600 < noted.used_at <= NOW
    assert noted.used_at % 3_600 == 0
    assert credentials.noted(noted, noted.used_at + 3_599) is noted


def test_a_link_is_used_once_in_time_by_who_has_it():
    taken = credentials.taken(LINK, "secret", "b", NOW)
    texts = set()
    for link, secret, now in (
        (LINK, "other", NOW),
        (LINK, "secret", NOW + 10),
        (taken, "secret", NOW),
        (credentials.withdrawn(LINK, "first", NOW), "secret", NOW),
    ):
        with pytest.raises(Gone) as refused:
            credentials.taken(link, secret, "c", now)
        texts.add(refused.value.detail)
    assert len(texts) == 1
    assert credentials.given_back(taken, "b") == LINK
    assert credentials.given_back(taken, "c") is taken


def test_an_invitation_is_withdrawn_by_its_team_while_it_is_open():
    for invitation, team in ((LINK, "other"), (replace(LINK, used_by="b"), "first")):
        with pytest.raises(NotFound):
            credentials.withdrawn(invitation, team, NOW)


def test_the_first_link_makes_an_admin_of_the_first_team_within_a_day():
    link = credentials.first_link("d", NOW)
    assert (link.team, link.roles, link.kind, link.expires_at) == ("first", ROLES, "first-admin", NOW + 86_400)


def test_ids_of_entries_sort_by_time():
    assert entry_id(NOW, "f" * 8) < entry_id(NOW + 1e-6, "0" * 8)


def test_tries_are_counted_as_they_begin_and_forgotten_with_time():
    throttle = Throttle(Pace(tries=3, within_s=60.0))
    for second in range(3):
        throttle.begin("ann", NOW + second)
    with pytest.raises(TooMany) as refused:
        throttle.begin("ann", NOW + 10)
    assert refused.value.retry_after_s == 51
    throttle.begin("bob", NOW + 10)
    throttle.begin("ann", NOW + 60.5)
    throttle.take_back("ann", NOW + 60.5)
    throttle.begin("ann", NOW + 60.6)
    with pytest.raises(TooMany):
        throttle.begin("ann", NOW + 60.7)


def test_what_a_throttle_remembers_is_bounded():
    throttle = Throttle(Pace(tries=2, within_s=60.0))
    for number in range(REMEMBERED + 10):
        throttle.begin(str(number), NOW)
    assert len(throttle._tries) == REMEMBERED
    throttle.take_back(str(REMEMBERED), NOW)
    assert len(throttle._tries) == REMEMBERED - 1
