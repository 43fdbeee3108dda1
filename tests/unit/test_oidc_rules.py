"""What a provider's claims mean here, and the cookie between leaving and coming back."""

from dataclasses import replace

import pytest

from services.accounts.domain import (
    Identity,
    Membership,
    Person,
    Team,
    changed,
    joined,
    relieved,
    roles_of,
    teams_of,
    vouched,
    vouched_person,
)
from services.accounts.oidc.attempt import Answer, attempt_in, cookie_of
from services.accounts.oidc.mapping import memberships_of, names_of, values_of
from shared.errors import Unauthenticated
from tests.unit.oidc_samples import ATTEMPT

ROLES = {
    "labelers": {"first": ("operator",)},
    "leads": {"first": ("admin", "client"), "other": ("client",)},
    "none": {"first": ()},
}


def given(*values: str) -> tuple[Membership, ...]:
    return memberships_of(frozenset(values), ROLES)


@pytest.mark.parametrize(
    ("claims", "values"),
    [
        ({"groups": ["a", "b", 5, None]}, {"a", "b"}),
        ({"groups": "a"}, {"a"}),
        ({"groups": None}, set()),
        ({"groups": {"a": True}}, set()),
        ({}, set()),
    ],
)
def test_a_claim_is_one_text_or_several(claims, values):
    assert values_of(claims, "groups") == values


def test_a_claim_with_dots_is_its_own_name_or_leads_into_another():
    claims = {"realm_access": {"roles": ["a"]}, "https://x.example/roles": ["b"]}
    assert values_of(claims, "realm_access.roles") == {"a"}
    assert values_of(claims, "https://x.example/roles") == {"b"}
    assert values_of(claims, "realm_access.roles.deeper") == values_of(claims, "none.roles") == set()


def test_the_roles_of_all_values_count_together():
    assert given("labelers", "else") == (Membership(team="first", roles=("operator",), by_provider=True),)
    assert given("leads", "labelers") == (
        Membership(team="first", roles=("client", "operator", "admin"), by_provider=True),
        Membership(team="other", roles=("client",), by_provider=True),
    )
    assert given("else", "none") == given() == ()


def test_a_name_is_the_one_that_people_see_and_never_an_address():
    assert next(names_of({"name": " Ann ", "preferred_username": "ann"})) == "Ann"
    assert next(names_of({"name": "", "preferred_username": "ann"})) == "ann"
    assert next(names_of({"name": "detector:x", "email": "ann@id"})) == "New person"
    assert next(names_of({"name": ["Ann"] * 50})) == "New person"
    assert list(names_of({"name": "Ann"}))[:3] == ["Ann", "Ann 2", "Ann 3"]
    assert all(len(one) <= 100 for one in names_of({"name": "n" * 100}))


ANN = vouched_person("a", "Ann", Identity(issuer="i", subject="s"), given("labelers"), 1.0)


def test_what_the_provider_gives_is_what_holds():
    assert vouched(ANN, given("labelers")) is ANN
    lead = vouched(ANN, given("leads"))
    assert (roles_of(lead, "first"), roles_of(lead, "other"), lead.epoch) == (("client", "admin"), ("client",), 1)
    nobody = vouched(lead, ())
    assert (teams_of(nobody), nobody.memberships, nobody.epoch) == ([], (), 2)
    kept = replace(lead, kept_session="s")
    assert vouched(kept, ()).kept_session is None


def test_what_an_admin_decided_stays():
    invited = joined(ANN, "third", ("client",))
    assert teams_of(vouched(invited, ())) == ["third"]
    assert teams_of(vouched(invited, given("leads"))) == ["first", "third", "other"]
    shut_out = changed(ANN, "first", roles=None, is_active=False)
    assert teams_of(vouched(shut_out, given("leads"))) == ["other"]
    by_hand = joined(Person(id="b", name="Ben", name_key="ben", created_at=1.0), "first", ("admin",))
    assert roles_of(vouched(by_hand, given("labelers")), "first") == ("operator",)


def test_a_provider_takes_even_the_last_admin_away():
    team = Team(id="first", name="First", created_at=1.0, admins=("a",))
    assert relieved(team, "a").admins == ()
    assert relieved(team, "b") is team


def test_whoever_comes_back_has_left_from_this_browser():
    answer = Answer(code="c", state=ATTEMPT.state)
    assert attempt_in(cookie_of(ATTEMPT), answer) == ATTEMPT
    wrong = ["", "~~", "a~b", "a~b~c~d", "x" * 401, cookie_of(replace(ATTEMPT, state="t" * 43)), "s" * 43 + "~~v"]
    for cookie in wrong:
        with pytest.raises(Unauthenticated):
            attempt_in(cookie, answer)
    with pytest.raises(Unauthenticated):
        attempt_in(cookie_of(ATTEMPT), Answer(code="c", state="\u00e9"))
