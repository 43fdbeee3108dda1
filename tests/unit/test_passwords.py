"""Passwords: the same work for a name that nobody has, and a bounded queue."""

import asyncio
import time

import pytest

from services.accounts.passwords import MAX_WAITING, THREADS, Passwords
from shared.errors import Unavailable


@pytest.fixture
async def passwords():
    made = Passwords()
    yield made
    await made.close()


async def test_a_password_is_known_by_its_hash_alone(passwords: Passwords):
    kept = await passwords.hashed("correct horse")
    assert kept.startswith("$argon2id$")
    assert kept != await passwords.hashed("correct horse")
    assert await passwords.is_right("correct horse", kept)
    assert not await passwords.is_right("correct horsf", kept)
    assert not await passwords.is_right("nobody's", None)
    assert not await passwords.is_right("correct horse", "no hash")


async def test_nobodys_password_is_hashed_like_anybodys(passwords: Passwords, monkeypatch):
    asked = []
    monkeypatch.setattr(passwords, "_verified", lambda *wanted: bool(asked.append(wanted)))
    kept = await passwords.hashed("correct horse")
    for password_hash in (kept, None):
        await passwords.is_right("correct horse", password_hash)
    parameters = [password_hash.rpartition("$")[0].rpartition("$")[0] for _, password_hash in asked]
    assert len(parameters) == 2
    assert len(set(parameters)) == 1


async def test_more_than_can_wait_are_told_to_come_back(passwords: Passwords, monkeypatch):
    monkeypatch.setattr(passwords, "_verified", lambda *_: time.sleep(0.01))
    asked = [passwords.is_right("x", None) for _ in range(THREADS + MAX_WAITING + 5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [one for one in answers if isinstance(one, Unavailable)]
    assert len(refused) == 5
    assert refused[0].retry_after_s == 2
    assert not await passwords.is_right("x", None), "there is room again"
