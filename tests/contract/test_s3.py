"""The object store on S3 when the network or the server is in trouble, and what only it has."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from minio import Minio

from shared.errors import NotFound, StorageFull, Unavailable
from shared.objects import s3 as adapter
from shared.objects.keys import staged_key
from shared.objects.s3 import S3ObjectStore
from tests.contract import faulty_proxy as fault
from tests.contract.faulty_proxy import Proxy
from tests.contract.s3 import own_bucket, store
from tests.servers import need

TASK = "7a" * 16
KEY = f"{TASK}/{'5b' * 16}-0123456789ab.png"
STAGED = staged_key(TASK, "c0" * 16, 7)
DATA = bytes(range(256)) * 400
TIMEOUT_S = 0.5


@dataclass
class Behind:
    """A store that reaches its server through a proxy; `direct` and `client` reach it without."""

    objects: S3ObjectStore
    direct: S3ObjectStore
    client: Minio
    bucket: str
    proxy: Proxy

    async def keys(self) -> list[str]:
        return [key async for key in self.direct.keys("", stored_before=time.time() + 1e6)]


@pytest.fixture
async def behind(monkeypatch) -> AsyncIterator[Behind]:
    monkeypatch.setattr(adapter, "PAUSE_S", 0.001)
    with own_bucket() as (bucket, client):
        direct = store(bucket)
        await direct.open()
        async with fault.before(need("S3")["QUORATE_S3_ENDPOINT"]) as proxy:
            objects = store(bucket, endpoint=proxy.url, timeout_s=TIMEOUT_S)
            yield Behind(objects=objects, direct=direct, client=client, bucket=bucket, proxy=proxy)
            await objects.close()
        await direct.close()


PASSING = {
    "503": fault.answers(503, "ServiceUnavailable"),
    "slow down": fault.answers(503, "SlowDown"),
    "500": fault.answers(500, "InternalError"),
    "a proxy's 502": fault.answers(502, media_type="text/html"),
    "reset": fault.resets,
    "lost answer": fault.forgets_to_answer,
    "stall": fault.stalls,
}
"""What any request may meet with."""
SHORT = {
    "truncated": fault.truncates,
    "stall within": fault.stalls_within_the_answer,
    "truncated without length": fault.hides_the_length,
}
"""What may befall an answer with a body."""


@pytest.mark.parametrize("trouble", [*PASSING.values()], ids=PASSING)
async def test_trouble_that_passes_is_not_noticed(behind, trouble):
    async def in_trouble(work):
        behind.proxy.faults[:] = [trouble, trouble]
        answer = await work
        assert behind.proxy.faults == []
        return answer

    await in_trouble(behind.objects.open())
    await in_trouble(behind.objects.put(KEY, DATA))
    assert await behind.direct.get(KEY) == DATA
    assert await in_trouble(behind.objects.get(KEY)) == DATA
    assert await in_trouble(keys_of(behind.objects)) == [KEY]
    await in_trouble(behind.objects.delete([KEY]))
    assert await behind.keys() == []


async def keys_of(objects: S3ObjectStore) -> list[str]:
    return [key async for key in objects.keys("", stored_before=time.time() + 1e6)]


@pytest.mark.parametrize("trouble", [*PASSING.values()], ids=PASSING)
async def test_trouble_that_stays_is_told(behind, trouble):
    await behind.direct.put(KEY, DATA)
    behind.proxy.forever = trouble
    for work in (
        behind.objects.open(),
        behind.objects.put(KEY, DATA),
        behind.objects.get(KEY),
        keys_of(behind.objects),
        behind.objects.delete([STAGED]),
    ):
        behind.proxy.requests.clear()
        with pytest.raises(Unavailable) as raised:
            await work
        assert len(behind.proxy.requests) == adapter.TRIES
        assert "127.0.0.1" not in raised.value.detail
    assert not await behind.objects.is_ready()
    behind.proxy.forever = None
    assert await behind.objects.is_ready()
    assert await behind.objects.get(KEY) == DATA


@pytest.mark.parametrize("trouble", [*SHORT.values()], ids=SHORT)
async def test_an_object_comes_whole_or_not_at_all(behind, trouble):
    await behind.direct.put(KEY, DATA)
    behind.proxy.faults[:] = [trouble, trouble]
    assert await behind.objects.get(KEY) == DATA
    assert behind.proxy.faults == []
    behind.proxy.forever = trouble
    with pytest.raises(Unavailable):
        await behind.objects.get(KEY)


@pytest.mark.parametrize("trouble", [*SHORT.values()], ids=SHORT)
async def test_a_list_comes_whole_or_not_at_all(behind, trouble):
    await behind.direct.put(KEY, b"")
    behind.proxy.faults[:] = [trouble]
    assert await keys_of(behind.objects) == [KEY]
    behind.proxy.forever = trouble
    with pytest.raises(Unavailable):
        await keys_of(behind.objects)


async def test_what_was_spoilt_on_the_way_is_not_stored(behind):
    behind.proxy.forever = fault.spoils_the_request
    with pytest.raises(Unavailable):
        await behind.objects.put(KEY, DATA)
    assert await behind.keys() == []
    behind.proxy.forever = None
    behind.proxy.faults[:] = [fault.spoils_the_request]
    await behind.objects.put(KEY, DATA)
    assert await behind.direct.get(KEY) == DATA


FULL = {
    "507": fault.answers(507, media_type="text/html"),
    "MinIO is full": fault.answers(507, "XMinioStorageFull"),
    "Ceph's quota": fault.answers(403, "QuotaExceeded"),
}


@pytest.mark.parametrize("trouble", [*FULL.values()], ids=FULL)
async def test_a_full_store_says_so_at_once(behind, trouble):
    behind.proxy.forever = trouble
    with pytest.raises(StorageFull):
        await behind.objects.put(KEY, DATA)
    assert len(behind.proxy.requests) == 1


async def test_nothing_else_than_a_missing_object_is_not_found(behind):
    with pytest.raises(NotFound):
        await behind.objects.get(KEY)
    assert len(behind.proxy.requests) == 1
    for other in (fault.answers(404, media_type="text/html"), fault.answers(404, "NoSuchBucket")):
        behind.proxy.forever = other
        with pytest.raises(Unavailable):
            await behind.objects.get(KEY)


async def test_wrong_keys_to_the_server_are_told(behind):
    objects = store(behind.bucket, secret_key="wrong")
    with pytest.raises(Unavailable):
        await objects.open()
    assert not await objects.is_ready()
    await objects.close()


async def test_no_put_is_lost_while_everything_fails_now_and_then(behind):
    behind.proxy.faults[:] = [one for _ in range(10) for one in (*PASSING.values(), None, None)]
    names = [f"{TASK}/{number:032x}-00.png" for number in range(100)]
    kept = []
    for start in range(0, 100, 10):
        batch = {name: name.encode() * 1_000 for name in names[start : start + 10]}
        try:
            await behind.objects.put_all(batch)
        except Unavailable:
            continue
        kept += batch
    assert len(kept) >= 10
    for name in kept:
        assert await behind.direct.get(name) == name.encode() * 1_000


async def test_a_server_that_is_not_there(behind):
    objects = store(behind.bucket, endpoint="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await objects.open()
    assert not await objects.is_ready()
    await objects.close()


async def test_being_ready_is_found_out_in_time_while_every_thread_waits(behind, monkeypatch):
    monkeypatch.setattr(adapter, "READY_S", 0.1)
    behind.proxy.forever = fault.stalls
    work = [asyncio.create_task(behind.objects.get(KEY)) for _ in range(50)]
    began = time.monotonic()
    assert not await behind.objects.is_ready()
    assert time.monotonic() - began < TIMEOUT_S
    for one in work:
        one.cancel()
    await asyncio.gather(*work, return_exceptions=True)


async def test_many_replicas_open_at_once():
    with own_bucket() as (bucket, client):
        replicas = [store(bucket) for _ in range(8)]
        await asyncio.gather(*(one.open() for one in replicas))
        await replicas[0].put(KEY, DATA)
        await asyncio.gather(*(one.open() for one in replicas))
        assert await replicas[1].get(KEY) == DATA
        assert client.bucket_exists(bucket)
        await asyncio.gather(*(one.close() for one in replicas))


async def test_keys_come_page_by_page(behind, monkeypatch):
    monkeypatch.setattr(adapter, "PAGE", 3)
    names = [f"{TASK}/{number:032x}-00.png" for number in range(9)]
    await behind.direct.put_all(dict.fromkeys(names, b"x"))
    assert await keys_of(behind.objects) == names
    assert len(behind.proxy.requests) == 4
    await behind.objects.delete(names)
    assert await behind.keys() == []


async def test_what_others_keep_in_the_bucket_is_passed_over(behind):
    await behind.direct.put(KEY, DATA)
    for name in ("backup.tar", f"{TASK}/notes.txt ", "a/b/c", "staging/x"):
        behind.client.put_object(behind.bucket, name, BytesIO(b"x"), 1)
    assert await behind.keys() == [KEY]


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9000", "https://images.example.org", "https://s3.eu-west-1.amazonaws.com"]
)
@pytest.mark.parametrize("now", [0, 1_200_599, 1_761_955_199.9, 1_761_955_200])
async def test_urls_are_those_that_minio_signs(endpoint, now):
    access = {"access_key": "an/access+key", "secret_key": "a/secret+key="}
    objects = S3ObjectStore(endpoint=endpoint, bucket="quorate", region="eu-west-1", **access)
    scheme, _, host = endpoint.partition("://")
    client = Minio(host, **access, secure=scheme == "https", region="eu-west-1")
    signed_at = datetime.fromtimestamp(now // 600 * 600, UTC)
    for key in (KEY, STAGED):
        by_minio = client.presigned_get_object("quorate", key, timedelta(seconds=4_200), request_date=signed_at)
        assert objects.url(key, now=now) == by_minio
    await objects.close()


async def test_a_form_takes_nothing_that_it_does_not_name(behind):
    form = behind.direct.post_form(STAGED, max_bytes=100, now=time.time())
    async with httpx.AsyncClient() as http:
        for name, value in {"Content-Type": "text/html", "x-amz-meta-a": "b"}.items():
            answer = await http.post(form.url, data=form.fields | {name: value}, files={"file": b"x"})
            assert answer.status_code == 403, (name, answer.text)
    assert await behind.keys() == []


async def test_no_form_lets_the_public_in(behind):
    """A server may refuse the field or pass over it."""
    form = behind.direct.post_form(STAGED, max_bytes=100, now=time.time())
    async with httpx.AsyncClient() as http:
        await http.post(form.url, data=form.fields | {"acl": "public-read"}, files={"file": b"x"})
        assert (await http.get(f"{form.url}/{STAGED}")).status_code == 403


async def test_urls_and_forms_are_of_the_public_endpoint_and_ask_nobody():
    objects = S3ObjectStore(
        endpoint="http://127.0.0.1:9",
        public_endpoint="https://images.example.org",
        access_key="a",
        secret_key="b",
        bucket="quorate",
        region="eu-1",
    )
    url = objects.url(KEY, now=time.time())
    assert url.startswith(f"https://images.example.org/quorate/{KEY}?")
    assert "%2Feu-1%2Fs3" in url
    form = objects.post_form(STAGED, max_bytes=5, now=time.time())
    assert form.url == "https://images.example.org/quorate"
    await objects.close()


@pytest.mark.parametrize("lifetime_s", [60, 3600, 604_800])
async def test_a_url_lives_as_long_as_asked_for_but_no_longer_than_a_week(lifetime_s):
    objects = S3ObjectStore(
        endpoint="http://127.0.0.1:9", access_key="a", secret_key="b", bucket="quorate", url_lifetime_s=lifetime_s
    )
    query = parse_qs(urlsplit(objects.url(KEY, now=1_200_599)).query)
    assert query["X-Amz-Date"] == ["19700114T212000Z"]
    assert query["X-Amz-Expires"] == [str(min(lifetime_s + 600, 604_800))]
    await objects.close()


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://x", "http://x/path", "http://"])
def test_an_endpoint_is_a_url_without_a_path(endpoint):
    with pytest.raises(ValueError):
        S3ObjectStore(endpoint=endpoint, access_key="a", secret_key="b", bucket="quorate")


@pytest.mark.parametrize("bucket", ["", "a", "Upper", "a b", "../x"])
def test_a_bucket_has_a_name_that_every_server_takes(bucket):
    with pytest.raises(ValueError):
        S3ObjectStore(endpoint="http://x", access_key="a", secret_key="b", bucket=bucket)


async def test_browsers_are_told_what_an_image_is_and_to_keep_it(behind):
    await behind.direct.put(KEY, DATA)
    async with httpx.AsyncClient() as http:
        answer = await http.get(behind.direct.url(KEY, now=time.time()))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=600, immutable"


async def test_an_image_is_kept_in_memory_and_a_staged_file_is_not(behind):
    one = store(behind.bucket, endpoint=behind.proxy.url, cache_bytes=10_000_000)
    for key in (KEY, STAGED):
        await one.put(key, DATA)
        behind.proxy.requests.clear()
        assert await one.get(key) == DATA
        assert len(behind.proxy.requests) == (0 if key == KEY else 1)
    await one.close()
