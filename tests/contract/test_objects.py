import asyncio
import errno
import os
import time

import pytest

from shared.errors import NotFound, StorageFull, Unavailable
from tests.contract.adapters import T0

TASK = "7a" * 16
OTHER = "11" * 16
KEY = f"{TASK}/{'5b' * 16}-0123456789ab.png"
ALWAYS = time.time() + 1e6


async def keys(at, prefix="", *, stored_before=ALWAYS) -> list[str]:
    return sorted([key async for key in at.objects.keys(prefix, stored_before=stored_before)])


@pytest.mark.parametrize("data", [b"", b"bytes", b"\x00" * 3_000_000], ids=["empty", "some", "3 MB"])
async def test_what_was_put_is_got(stored_objects, data):
    await stored_objects.objects.put(KEY, data)
    assert await stored_objects.objects.get(KEY) == data


async def test_what_was_not_put_is_not_found(stored_objects):
    with pytest.raises(NotFound):
        await stored_objects.objects.get(KEY)


async def test_put_again_the_last_bytes_stay(stored_objects):
    await stored_objects.objects.put(KEY, b"first, and longer")
    await stored_objects.objects.put(KEY, b"second")
    assert await stored_objects.objects.get(KEY) == b"second"
    assert await keys(stored_objects) == [KEY]


async def test_a_reader_never_sees_half_an_object(stored_objects):
    whole = {bytes([number]) * 200_000 for number in range(8)}
    await stored_objects.objects.put(KEY, min(whole))
    reads, *_ = await asyncio.gather(
        asyncio.gather(*(stored_objects.objects.get(KEY) for _ in range(40))),
        *(stored_objects.objects.put(KEY, data) for data in whole),
    )
    assert set(reads) <= whole


async def test_deleted_is_gone_and_deleting_again_is_fine(stored_objects):
    other = KEY.replace("0123456789ab", "ba9876543210")
    await stored_objects.objects.put(KEY, b"1")
    await stored_objects.objects.put(other, b"2")
    await stored_objects.objects.delete([KEY, KEY])
    await stored_objects.objects.delete([KEY])
    await stored_objects.objects.delete([])
    with pytest.raises(NotFound):
        await stored_objects.objects.get(KEY)
    assert await stored_objects.objects.get(other) == b"2"


async def test_keys_are_listed_by_task_and_age(stored_objects):
    mine = [f"{TASK}/{number:032x}-00.png" for number in range(5)]
    theirs = [f"{OTHER}/{number:032x}-00.jpg" for number in range(3)]
    assert await keys(stored_objects) == []
    for key in mine + theirs:
        await stored_objects.objects.put(key, b"x")
    assert await keys(stored_objects, f"{TASK}/") == mine
    assert await keys(stored_objects) == sorted(mine + theirs)
    assert await keys(stored_objects, f"{'0' * 32}/") == []
    assert await keys(stored_objects, stored_before=time.time() - 3600) == []
    await stored_objects.objects.delete(mine)
    assert await keys(stored_objects) == theirs


BAD_KEYS = [
    "",
    "/",
    "..",
    "../secret",
    f"../{KEY}",
    f"{TASK}/../../etc/passwd",
    f"{TASK}/..",
    f"/{KEY}",
    "/etc/passwd",
    f"{TASK}//{'5b' * 16}.png",
    f"{TASK}/%2e%2e%2fsecret.png",
    f"%2e%2e/{KEY}",
    f"{TASK}/{'5b' * 16}.png\x00.txt",
    f"{TASK}/{'5b' * 16}.png\n",
    f"{TASK}\\{'5b' * 16}.png",
    f"{TASK}/.png",
    f"{TASK}/{'5b' * 16}",
    f"{TASK.upper()}/{'5b' * 16}.png",
    f"{TASK}/{'5b' * 16}/x.png",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
async def test_what_is_no_key_of_ours_names_nothing(stored_objects, key):
    with pytest.raises(NotFound):
        await stored_objects.objects.get(key)
    with pytest.raises(NotFound):
        await stored_objects.objects.put(key, b"x")
    with pytest.raises(NotFound):
        await stored_objects.objects.delete([key])
    assert await keys(stored_objects) == []


async def test_a_url_is_read_until_the_instant_it_expires(stored_objects):
    await stored_objects.objects.put(KEY, b"bytes")
    url = stored_objects.objects.url(KEY, now=T0)
    assert await stored_objects.fetch(url, now=T0) == b"bytes"
    assert await stored_objects.fetch(url, now=T0 + stored_objects.url_lifetime_s) == b"bytes"
    expires = int(url.partition("expires=")[2].partition("&")[0])
    assert await stored_objects.fetch(url, now=expires - 0.001) == b"bytes"
    assert await stored_objects.fetch(url, now=expires) is None


async def test_a_changed_url_is_refused(stored_objects):
    other = KEY.replace("0123456789ab", "ba9876543210")
    for key in (KEY, other):
        await stored_objects.objects.put(key, b"bytes")
    url = stored_objects.objects.url(KEY, now=T0)
    expires = url.partition("expires=")[2].partition("&")[0]
    last = "0" if url[-1] != "0" else "1"
    for changed in (
        url.replace(KEY, other),
        url.replace(expires, str(int(expires) + 1)),
        url[:-1] + last,
        url[:-1],
        url.partition("signature=")[0] + "signature=ä",
        url.partition("signature=")[0] + "signature=-",
    ):
        assert await stored_objects.fetch(changed, now=T0) is None, changed
    assert await stored_objects.fetch(url, now=T0) == b"bytes"


async def test_a_url_of_one_object_stays_the_same_for_a_while(stored_objects):
    now = T0 // 600 * 600
    urls = [stored_objects.objects.url(KEY, now=now + later) for later in (0, 1, 599, 600)]
    assert urls[0] == urls[1] == urls[2] != urls[3]


async def test_what_a_killed_process_left_half_written_is_removed(stored_objects):
    await stored_objects.objects.put(KEY, b"whole")
    leftover = stored_objects.folder / "incoming" / "half"
    leftover.write_bytes(b"ha")
    await stored_objects.reopen()
    assert not leftover.exists()
    assert await keys(stored_objects) == [KEY]
    assert await stored_objects.objects.get(KEY) == b"whole"


def failing(number: int, code: int):
    """A sync of which the so-manieth call fails."""
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(code, os.strerror(code))
        real(descriptor)

    return fsync


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, Unavailable)]
)
async def test_a_put_that_fails_stores_nothing(stored_objects, monkeypatch, number, code, error):
    monkeypatch.setattr(os, "fsync", failing(number, code))
    with pytest.raises(error):
        await stored_objects.objects.put(KEY, b"bytes")
    monkeypatch.undo()
    assert list((stored_objects.folder / "incoming").iterdir()) == []
    assert await keys(stored_objects) == []
    with pytest.raises(NotFound):
        await stored_objects.objects.get(KEY)
    await stored_objects.objects.put(KEY, b"bytes")
    assert await stored_objects.objects.get(KEY) == b"bytes"


async def test_a_failed_overwrite_keeps_the_first_bytes(stored_objects, monkeypatch):
    await stored_objects.objects.put(KEY, b"first")
    monkeypatch.setattr(os, "fsync", failing(1, errno.ENOSPC))
    with pytest.raises(StorageFull):
        await stored_objects.objects.put(KEY, b"second")
    assert await stored_objects.objects.get(KEY) == b"first"


async def test_putting_and_deleting_in_one_task_do_not_disturb_each_other(stored_objects):
    """The collector takes the last object of a task away while an upload brings the next."""
    for turn in range(40):
        old, new = (f"{TASK}/{turn:032x}-{part}.png" for part in ("0a", "0b"))
        await stored_objects.objects.put(old, b"old")
        await asyncio.gather(
            *(stored_objects.objects.delete([old]) for _ in range(2)), stored_objects.objects.put(new, b"new")
        )
        assert await stored_objects.objects.get(new) == b"new"
        await stored_objects.objects.delete([new])
