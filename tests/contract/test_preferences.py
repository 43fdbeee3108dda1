"""What every store of preferences promises."""

import asyncio
from dataclasses import replace

import pytest

from services.subtask_manager.preferences import Preferences, replaced
from shared.errors import Outdated, Unavailable

FIRST = Preferences(version=1, body='{"theme": "dark"}')


async def test_who_has_set_nothing_has_the_first_version(preferences):
    assert await preferences.store.find("ann") == Preferences(version=0, body="{}")


async def test_preferences_are_found_as_they_were_saved_by_their_user_alone(preferences):
    for user in ("ann", "$set", "a.b", "näme"):
        assert await preferences.store.save(user, replace(FIRST, body=f'{{"of": "{user}"}}'))
    assert await preferences.store.find("$set") == replace(FIRST, body='{"of": "$set"}')
    assert await preferences.store.find("bob") == Preferences()


async def test_a_version_is_saved_once_whoever_is_first(preferences):
    for version in (1, 2):
        asked = [Preferences(version=version, body=f'{{"by": {number}}}') for number in range(20)]
        saved = await asyncio.gather(*(preferences.store.save("ann", one) for one in asked))
        assert sum(saved) == 1
        assert await preferences.store.find("ann") == asked[saved.index(True)]
    assert not await preferences.store.save("ann", FIRST)


async def test_what_a_user_set_is_forgotten(preferences):
    for user in ("ann", "ann2"):
        await preferences.store.save(user, FIRST)
    await preferences.store.forget("ann")
    await preferences.store.forget("nobody")
    assert await preferences.store.find("ann") == Preferences()
    assert await preferences.store.find("ann2") == FIRST


async def test_what_could_not_be_saved_leaves_what_there_was(preferences):
    await preferences.store.save("ann", FIRST)
    with preferences.failing_commits(), pytest.raises(Unavailable):
        await preferences.store.save("ann", replace(FIRST, version=2))
    assert await preferences.store.find("ann") == FIRST


async def test_a_read_and_a_write_cost_one_command_each_however_many_users_there_are(preferences):
    for number in range(200):
        await preferences.store.save(f"user {number}", FIRST)
    with preferences.counting() as cost:
        await preferences.store.find("user 7")
    assert len(cost.commands) == 1
    with preferences.counting() as cost:
        await preferences.store.save("user 7", replace(FIRST, version=2))
    assert len([one for one in cost.commands if one not in ("BEGIN IMMEDIATE", "COMMIT")]) == 1
    assert cost.steps <= 200


def test_a_request_replaces_what_it_knew_once_and_nothing_else():
    after = replaced(FIRST, version=1, body="{}")
    assert after == Preferences(version=2, body="{}")
    assert replaced(after, version=1, body="{}") is after, "sent again"
    with pytest.raises(Outdated):
        replaced(after, version=1, body='{"theme": "light"}')
    with pytest.raises(Outdated):
        replaced(FIRST, version=5, body="{}")
