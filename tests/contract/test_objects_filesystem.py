"""What only the object store on the filesystem has: its folders, its syncs, and a clock that a test can move."""

import asyncio
import errno
import os
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.errors import NotFound, StorageFull, Unavailable
from shared.objects import FORM_S
from shared.objects.filesystem import FilesystemObjectStore
from shared.objects.keys import staged_key
from tests.contract.adapters import T0

TASK = "7a" * 16
KEY = f"{TASK}/{'5b' * 16}-0123456789ab.png"
STAGED = staged_key(TASK, "c0" * 16, 7)
LIFETIME_S = 3600


@pytest.fixture
async def store(tmp_path):
    objects = FilesystemObjectStore(tmp_path, b"a secret", url_lifetime_s=LIFETIME_S)
    await objects.open()
    yield objects
    await objects.close()


async def keys(store) -> list[str]:
    return sorted([key async for key in store.keys("", stored_before=time.time() + 1e6)])


def signed(url: str) -> dict:
    query = parse_qs(urlsplit(url).query)
    return {"expires": int(query["expires"][0]), "signature": query["signature"][0]}


def test_a_url_lives_until_the_instant_it_expires(tmp_path):
    store = FilesystemObjectStore(tmp_path, b"a secret", url_lifetime_s=LIFETIME_S)
    parts = signed(store.url(KEY, now=T0))
    assert parts["expires"] > T0 + LIFETIME_S
    assert store.is_signed(KEY, **parts, now=parts["expires"] - 0.001)
    assert not store.is_signed(KEY, **parts, now=parts["expires"])


def test_a_form_lives_until_the_instant_it_expires(tmp_path):
    store = FilesystemObjectStore(tmp_path, b"a secret", url_lifetime_s=LIFETIME_S)
    parts = signed(store.post_form(STAGED, max_bytes=9, now=T0).url)
    assert parts["expires"] == T0 + FORM_S
    assert store.is_signed(STAGED, **parts, now=T0 + FORM_S - 0.001, max_bytes=9)
    assert not store.is_signed(STAGED, **parts, now=T0 + FORM_S, max_bytes=9)


def test_a_form_is_no_url_and_a_url_no_form(tmp_path):
    store = FilesystemObjectStore(tmp_path, b"a secret", url_lifetime_s=LIFETIME_S)
    assert not store.is_signed(STAGED, **signed(store.post_form(STAGED, max_bytes=9, now=T0).url), now=T0)
    assert not store.is_signed(STAGED, **signed(store.url(STAGED, now=T0)), now=T0, max_bytes=9)


@pytest.mark.parametrize("key", [KEY, STAGED])
async def test_what_a_killed_process_left_half_written_is_removed(store, tmp_path, key):
    await store.put(key, b"whole")
    leftover = tmp_path / "incoming" / "half"
    leftover.write_bytes(b"ha")
    await store.open()
    assert not leftover.exists()
    assert await keys(store) == [key]
    assert await store.get(key) == b"whole"


def failing(number: int, code: int):
    """A sync of which the so-manieth call fails."""
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(code, os.strerror(code))
        real(descriptor)

    return fsync


@pytest.mark.parametrize("key", [KEY, STAGED])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, Unavailable)]
)
async def test_a_put_that_fails_stores_nothing(store, tmp_path, monkeypatch, number, code, error, key):
    monkeypatch.setattr(os, "fsync", failing(number, code))
    with pytest.raises(error):
        await store.put(key, b"bytes")
    monkeypatch.undo()
    assert list((tmp_path / "incoming").iterdir()) == []
    assert await keys(store) == []
    with pytest.raises(NotFound):
        await store.get(key)
    await store.put(key, b"bytes")
    assert await store.get(key) == b"bytes"


async def test_a_failed_overwrite_keeps_the_first_bytes(store, monkeypatch):
    await store.put(KEY, b"first")
    monkeypatch.setattr(os, "fsync", failing(1, errno.ENOSPC))
    with pytest.raises(StorageFull):
        await store.put(KEY, b"second")
    assert await store.get(KEY) == b"first"


async def test_what_is_not_ours_in_the_folder_is_passed_over(store, tmp_path):
    await store.put(KEY, b"bytes")
    (tmp_path / "objects" / TASK / "notes.txt").write_text("somebody's")
    (tmp_path / "objects" / "lost+found").mkdir()
    assert await keys(store) == [KEY]


async def test_an_image_is_kept_in_memory_and_a_staged_file_is_not(tmp_path):
    """A staged file may be sent again, to another process."""
    one, other = (FilesystemObjectStore(tmp_path, b"a secret", cache_bytes=10_000) for _ in range(2))
    await one.open()
    for key in (KEY, STAGED):
        await one.put(key, b"first")
        assert await one.get(key) == b"first"
        await other.put(key, b"second")
    assert await one.get(KEY) == b"first"
    assert await one.get(STAGED) == b"second"
    await asyncio.gather(one.close(), other.close())


async def test_too_many_at_a_time_are_told_to_come_back(store, monkeypatch):
    monkeypatch.setattr("shared.objects.threads.MAX_WAITING", 2)
    answers = await asyncio.gather(*(store.put(KEY, b"x") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [type(None), type(None), Unavailable]
