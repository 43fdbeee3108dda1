"""What every object store promises."""

import asyncio
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from shared.errors import NotFound
from shared.objects import FORM_S, URL_ROUND_S, PostForm
from shared.objects.keys import names_key, staged_key, staged_prefix, work_key, work_prefix

TASK = "7a" * 16
OTHER = "11" * 16
KEY = f"{TASK}/{'5b' * 16}-0123456789ab.png"
STAGED = staged_key(TASK, "c0" * 16, 7)
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


async def test_pictures_between_visits_are_kept_apart_and_have_no_url(stored_objects):
    between, image = work_key(TASK, "5b" * 16, nonce="0" * 12), f"{TASK}/{'5b' * 16}-{'0' * 12}-0.png"
    for key in (between, image):
        await stored_objects.objects.put(key, key.encode())
    assert await keys(stored_objects, f"{TASK}/") == [image]
    assert await keys(stored_objects, work_prefix(TASK)) == [between]
    assert await keys(stored_objects) == sorted([image, between])
    assert await stored_objects.objects.get(between) == between.encode()
    with pytest.raises(NotFound):
        stored_objects.objects.url(between, now=time.time())
    await stored_objects.objects.delete([between])
    assert await keys(stored_objects) == [image]


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
    "staging/",
    f"staging/{TASK}",
    f"staging/{TASK}/",
    f"staging/{KEY}",
    f"staging/../{KEY}",
    f"staging/{TASK}/{'5b' * 16}",
    f"staging/{TASK}/{'5b' * 16}-",
    f"staging/{TASK}/{'5b' * 16}-12345",
    f"staging/{TASK}/{'5b' * 16}/1",
    f"staging/{TASK}/..-1",
    f"work/{TASK}/{'5b' * 16}.raw",
    f"work/{TASK}/{'5b' * 16}-{'0' * 12}.png",
    f"work/../{'5b' * 16}-{'0' * 12}.raw",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
async def test_what_is_no_key_of_ours_names_nothing(stored_objects, key):
    with pytest.raises(NotFound):
        await stored_objects.objects.get(key)
    with pytest.raises(NotFound):
        await stored_objects.objects.put(key, b"x")
    with pytest.raises(NotFound):
        await stored_objects.objects.delete([key])
    with pytest.raises(NotFound):
        stored_objects.objects.post_form(key, max_bytes=1, now=time.time())
    assert await keys(stored_objects) == []


async def test_a_url_is_read_while_it_lives(stored_objects):
    at, now = stored_objects, time.time()
    await at.objects.put(KEY, b"bytes")
    assert await at.fetch(at.objects.url(KEY, now=now)) == b"bytes"
    assert await at.fetch(at.objects.url(KEY, now=now - at.url_lifetime_s + 10)) == b"bytes"
    assert await at.fetch(at.objects.url(KEY, now=now - at.url_lifetime_s - URL_ROUND_S)) is None


async def test_a_url_of_nothing_finds_nothing(stored_objects):
    assert await stored_objects.fetch(stored_objects.objects.url(KEY, now=time.time())) is None


async def test_a_changed_url_is_refused(stored_objects):
    other = KEY.replace("0123456789ab", "ba9876543210")
    for key in (KEY, other):
        await stored_objects.objects.put(key, b"bytes")
    url = stored_objects.objects.url(KEY, now=time.time())
    before, _, query = url.partition("?")
    values = dict(parse_qsl(query))
    changed = [url.replace(KEY, other), before]
    for name, value in values.items():
        last = "0" if value[-1] != "0" else "1"
        forgeries = (value[:-1] + last, value[:-1], "ä", "-", "9" * 30)
        changed += [f"{before}?{urlencode(values | {name: forged})}" for forged in forgeries]
        changed.append(f"{before}?{urlencode({one: values[one] for one in values if one != name})}")
    for one in changed:
        assert await stored_objects.fetch(one) is None, one
    assert await stored_objects.fetch(url) == b"bytes"


async def test_a_url_of_one_object_stays_the_same_for_a_while(stored_objects):
    now = time.time() // URL_ROUND_S * URL_ROUND_S
    urls = [stored_objects.objects.url(KEY, now=now + later) for later in (0, 1, URL_ROUND_S - 1, URL_ROUND_S)]
    assert urls[0] == urls[1] == urls[2] != urls[3]


@pytest.mark.parametrize("data", [b"b", b"\x00" * 1_000, b"PK\x03\x04 is no picture"], ids=["one", "most", "zip"])
async def test_a_form_stores_what_it_is_sent_with(stored_objects, data):
    form = stored_objects.objects.post_form(STAGED, max_bytes=1_000, now=time.time())
    assert await stored_objects.post(form, data)
    assert await stored_objects.objects.get(STAGED) == data
    assert await keys(stored_objects) == [STAGED]


async def test_a_form_sent_twice_stores_what_came_last(stored_objects):
    form = stored_objects.objects.post_form(STAGED, max_bytes=1_000, now=time.time())
    for data in (b"first, and longer", b"second"):
        assert await stored_objects.post(form, data)
        assert await stored_objects.objects.get(STAGED) == data


@pytest.mark.parametrize("size", [0, 1_001, 100_000])
async def test_a_form_takes_no_more_and_no_less_than_it_says(stored_objects, size):
    form = stored_objects.objects.post_form(STAGED, max_bytes=1_000, now=time.time())
    assert not await stored_objects.post(form, b"x" * size)
    assert await keys(stored_objects) == []


async def test_a_form_is_taken_until_it_expires(stored_objects):
    at, now = stored_objects, time.time()
    assert await at.post(at.objects.post_form(STAGED, max_bytes=9, now=now - FORM_S + 10), b"x")
    await at.objects.delete([STAGED])
    assert not await at.post(at.objects.post_form(STAGED, max_bytes=9, now=now - FORM_S - 2), b"x")
    assert await keys(at) == []


async def test_a_changed_form_is_refused(stored_objects):
    form = stored_objects.objects.post_form(STAGED, max_bytes=1_000, now=time.time())
    url, values = urlsplit(form.url), dict(parse_qsl(urlsplit(form.url).query))
    other = STAGED.replace("c0" * 16, "0c" * 16)
    changed = [PostForm(form.url.replace(STAGED, other), form.fields | ({"key": other} if form.fields else {}))]
    for name, value in form.fields.items():
        changed.append(PostForm(form.url, form.fields | {name: value[:-1] + ("0" if value[-1] != "0" else "1")}))
    for name, value in values.items():
        forged = urlencode(values | {name: value[:-1] + ("0" if value[-1] != "0" else "1")})
        changed.append(PostForm(url._replace(query=forged).geturl(), form.fields))
    assert len(changed) > 3
    for one in changed:
        assert not await stored_objects.post(one, b"x"), one
    assert await keys(stored_objects) == []


async def test_staged_files_are_listed_apart(stored_objects):
    mine = [*(staged_key(TASK, "c0" * 16, number) for number in range(3)), names_key(TASK, "c0" * 16)]
    theirs = staged_key(OTHER, "0c" * 16, 0)
    for key in [KEY, *mine, theirs]:
        await stored_objects.objects.put(key, b"x")
    assert await keys(stored_objects, f"{TASK}/") == [KEY]
    assert await keys(stored_objects, staged_prefix(TASK)) == mine
    assert await keys(stored_objects) == sorted([KEY, *mine, theirs])
    await stored_objects.objects.delete([*mine, KEY])
    assert await keys(stored_objects) == [theirs]


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
