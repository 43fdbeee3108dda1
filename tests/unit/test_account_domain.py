"""The rules of people, their roles and the last admin of a team."""

import pytest

from services.accounts.domain import (
    Person,
    Team,
    changed,
    first_team,
    is_admin,
    joined,
    left,
    name_in,
    name_key_of,
    password_in,
    person_name_in,
    refuse_self,
    roles_in,
    roles_of,
    same_password,
    teams_of,
    with_admin,
    with_password,
    without_admin,
)
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.identity.roles import ROLES

ANN = joined(Person(id="a", name="Ann", name_key="ann", created_at=1.0), "first", ("operator", "admin"))


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "x" * 101, "a\u200bb", "a\ud800"])
def test_a_name_is_short_and_can_be_seen(text):
    with pytest.raises(Invalid):
        name_in(text)


def test_names_are_compared_in_one_form():
    assert name_in("  Zoe\u0308 ") == "Zo\u00eb"
    assert name_key_of("ZOE\u0308") == name_key_of("zo\u00eb")
    assert name_key_of("STRASSE") == name_key_of("stra\u00dfe")
    with pytest.raises(Invalid):
        person_name_in("Detector:x")


def test_a_password_has_8_to_200_characters_in_one_form():
    assert password_in("zoe\u0308-12345") == same_password("zo\u00eb-12345") == "zo\u00eb-12345"
    for text in ("1234567", "e\u0301" * 7, "x" * 201):
        with pytest.raises(Invalid):
            password_in(text)


def test_roles_are_named_once_in_their_order():
    assert roles_in(["admin", "client", "admin"]) == ("client", "admin")
    assert roles_in(reversed(ROLES)) == ROLES
    with pytest.raises(Invalid):
        roles_in([])


def test_a_person_has_the_roles_of_each_team_alone():
    ann = joined(ANN, "other", ("client",))
    assert (roles_of(ann, "first"), roles_of(ann, "other"), roles_of(ann, "third")) == (
        ("operator", "admin"),
        ("client",),
        (),
    )
    assert (is_admin(ann, "first"), is_admin(ann, "other")) == (True, False)
    with pytest.raises(Conflict):
        joined(ann, "other", ROLES)


def test_joining_ends_no_session_and_losing_or_gaining_roles_does():
    joiner = joined(ANN, "other", ("client",))
    assert joiner.epoch == ANN.epoch
    assert changed(ANN, "first", roles=("operator", "admin"), is_active=True) is ANN
    for after in (
        changed(ANN, "first", roles=("operator",), is_active=None),
        changed(ANN, "first", roles=None, is_active=False),
        left(ANN, "first"),
        with_password(ANN, "h", epoch=ANN.epoch, session="s"),
    ):
        assert after.epoch == ANN.epoch + 1


def test_the_session_that_changes_the_password_goes_on_until_roles_change():
    ann = with_password(ANN, "h", epoch=ANN.epoch, session="s")
    assert (ann.password_hash, ann.kept_session) == ("h", "s")
    assert changed(ann, "first", roles=("client",), is_active=None).kept_session is None
    with pytest.raises(Conflict):
        with_password(ann, "h2", epoch=ANN.epoch, session="other")


def test_who_is_not_active_in_a_team_may_do_nothing_there_and_everything_elsewhere():
    ann = changed(joined(ANN, "other", ("client",)), "first", roles=None, is_active=False)
    assert (roles_of(ann, "first"), teams_of(ann)) == ((), ["other"])
    assert roles_of(changed(ann, "first", roles=None, is_active=True), "first") == ("operator", "admin")


def test_another_teams_person_is_nobody():
    for change in (lambda: changed(ANN, "other", roles=ROLES, is_active=None), lambda: left(ANN, "other")):
        with pytest.raises(NotFound, match="no such person"):
            change()


def test_the_last_admin_of_a_team_stays():
    team = with_admin(first_team(1.0), "a")
    assert with_admin(team, "a") is team
    with pytest.raises(Conflict):
        without_admin(team, "a")
    two = with_admin(team, "b")
    assert without_admin(two, "a").admins == ("b",)
    assert without_admin(two, "c") is two
    assert without_admin(Team(id="t", name="t", created_at=1.0), "a").admins == ()


def test_nobody_changes_what_they_may_do_themselves():
    refuse_self("a", "b")
    with pytest.raises(Forbidden):
        refuse_self("a", "a")
