"""The guarded client: what it sends where, and what it never does."""

import asyncio
import contextlib
import time
from ipaddress import ip_address

import pytest

from shared.errors import Invalid
from shared.fetching import Bounds, Fetcher, NotFetched
from shared.fetching.addresses import networks_in
from tests.service.receivers import (
    NAME,
    answering,
    certified,
    drip,
    endless_body,
    endless_headers,
    hang,
    receiving,
)

HERE = networks_in("127.0.0.0/8")
QUICK = Bounds(total_s=5, max_bytes=1_000)


class Names:
    """Addresses of names, the next time others; and how often they were asked for."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int):
        self.asked.append(host)
        found = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return [ip_address(one) for one in found]


@contextlib.asynccontextmanager
async def fetching(*args, **more):
    fetcher = Fetcher(*args, **more)
    try:
        yield fetcher
    finally:
        await fetcher.close()


@pytest.fixture
def certificates(tmp_path):
    return certified(tmp_path)


async def test_it_speaks_tls_to_the_address_and_checks_the_name(certificates):
    names = Names(["127.0.0.1"])
    async with (
        receiving(tls=certificates.serving()) as receiver,
        fetching(HERE, resolve=names, trust=certificates.trusting) as fetcher,
    ):
        url = f"https://{NAME}:{receiver.port}/in?a=b"
        answer = await fetcher.send("POST", url, bounds=QUICK, headers={"X-One": "1"}, content=b"{}")
    assert (answer.status, answer.body) == (200, b"ok")
    [got] = receiver.got
    assert got.line == "POST /in?a=b HTTP/1.1"
    assert got.headers["host"] == f"{NAME}:{receiver.port}"
    assert got.headers["x-one"] == "1"
    assert got.body == b"{}"
    assert receiver.names == [NAME]
    assert names.asked == [NAME]


async def test_a_certificate_for_another_name_is_refused(tmp_path, certificates):
    other = certified(tmp_path, "other.example")
    async with (
        receiving(tls=other.serving()) as receiver,
        fetching(HERE, resolve=Names(["127.0.0.1"]), trust=other.trusting) as fetcher,
    ):
        with pytest.raises(NotFetched, match="the certificate is not good"):
            await fetcher.send("GET", f"https://{NAME}:{receiver.port}/", bounds=QUICK)
    async with (
        receiving(tls=certificates.serving()) as receiver,
        fetching(HERE, resolve=Names(["127.0.0.1"])) as fetcher,
    ):
        with pytest.raises(NotFetched, match="the certificate is not good"):  # nobody that the system knows signed it
            await fetcher.send("GET", f"https://{NAME}:{receiver.port}/", bounds=QUICK)
    assert receiver.got == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"]],
)
async def test_a_name_that_leads_into_a_private_network_is_not_asked(addresses):
    async with receiving() as receiver, fetching(resolve=Names(addresses)) as fetcher:
        with pytest.raises(NotFetched, match="not one of the open network") as refused:
            await fetcher.send("POST", f"https://{NAME}:{receiver.port}/", bounds=QUICK)
        assert receiver.connections == 0
    assert not any(one in refused.value.detail for one in addresses)  # it tells nothing of the network


async def test_a_name_is_looked_up_once_and_that_address_is_taken(certificates):
    """A name that leads elsewhere a moment later leads nowhere: nothing asks for it again."""
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    allowed = networks_in("127.0.0.2/32")
    async with receiving("127.0.0.1", tls=certificates.serving()) as private:
        async with (
            receiving("127.0.0.2", tls=certificates.serving(), port=private.port) as receiver,
            fetching(allowed, resolve=names, trust=certificates.trusting) as fetcher,
        ):
            url = f"https://{NAME}:{private.port}/"
            assert (await fetcher.send("GET", url, bounds=QUICK)).status == 200
            with pytest.raises(NotFetched):
                await fetcher.send("GET", url, bounds=QUICK)
        assert (len(receiver.got), private.connections) == (1, 0)
    assert len(names.asked) == 2


async def test_the_next_address_is_tried_where_one_takes_no_connection(certificates):
    names = Names(["127.0.0.3", "127.0.0.1"])
    async with (
        receiving(tls=certificates.serving()) as receiver,
        fetching(HERE, resolve=names, trust=certificates.trusting) as fetcher,
    ):
        assert (await fetcher.send("GET", f"https://{NAME}:{receiver.port}/", bounds=QUICK)).status == 200


async def test_without_tls_only_networks_of_the_settings_are_reached():
    async with receiving() as receiver, fetching(HERE) as fetcher:
        answer = await fetcher.send("GET", f"http://127.0.0.1:{receiver.port}/", bounds=QUICK)
        assert answer.body == b"ok"
    async with fetching(HERE, resolve=Names(["8.8.8.8"])) as fetcher:
        with pytest.raises(NotFetched, match="https://"):
            await fetcher.send("GET", f"http://{NAME}/", bounds=QUICK)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status):
    async def elsewhere(_got, _writer):
        return answering(status, f"Location: http://127.0.0.1:{other.port}/secret")

    async with receiving() as other, receiving(answer=elsewhere) as receiver, fetching(HERE) as fetcher:
        answer = await fetcher.send("POST", f"http://127.0.0.1:{receiver.port}/", bounds=QUICK, content=b"{}")
        assert answer.status == status
        assert other.connections == 0


async def test_a_body_is_handed_on_piece_by_piece_where_somebody_takes_it():
    taken = bytearray()
    bounds = Bounds(total_s=5, max_bytes=2)
    async with receiving() as receiver, fetching(HERE) as fetcher:
        url = f"http://127.0.0.1:{receiver.port}/"
        answer = await fetcher.send("GET", url, bounds=bounds, take=taken.extend)
        assert (answer.status, answer.body, bytes(taken)) == (200, b"", b"ok")

    async def gone(_got, _writer):
        return answering(404, body=b"no")

    async with receiving(answer=gone) as receiver, fetching(HERE) as fetcher:
        url = f"http://127.0.0.1:{receiver.port}/"
        answer = await fetcher.send("GET", url, bounds=bounds, take=taken.extend)
        assert (answer.status, answer.body, bytes(taken)) == (404, b"no", b"ok")


async def test_a_body_that_is_taken_is_bounded_too():
    taken = bytearray()
    async with receiving(answer=endless_body) as receiver, fetching(HERE) as fetcher:
        with pytest.raises(NotFetched, match="longer than 1,000 bytes"):
            await fetcher.send("GET", f"http://127.0.0.1:{receiver.port}/", bounds=QUICK, take=taken.extend)
    assert len(taken) <= QUICK.max_bytes


async def test_silence_is_bounded_by_itself():
    bounds = Bounds(total_s=20, silent_s=0.3, max_bytes=1_000)
    began = time.monotonic()
    async with receiving(answer=hang) as receiver, fetching(HERE) as fetcher:
        with pytest.raises(NotFetched, match="no answer within"):
            await fetcher.send("GET", f"http://127.0.0.1:{receiver.port}/", bounds=bounds)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("answer", [hang, drip])
async def test_time_is_bounded(answer):
    began = time.monotonic()
    async with receiving(answer=answer) as receiver, fetching(HERE) as fetcher:
        bounds = Bounds(total_s=0.5, max_bytes=1_000)
        with pytest.raises(NotFetched, match=r"no answer within 0\.5 s"):
            await fetcher.send("GET", f"http://127.0.0.1:{receiver.port}/", bounds=bounds)
    assert time.monotonic() - began < 3


async def test_a_name_that_is_not_found_in_time_is_given_up():
    async def never(_host, _port):
        await asyncio.sleep(60)

    async with fetching(resolve=never) as fetcher:
        with pytest.raises(NotFetched, match="no answer within"):
            await fetcher.send("GET", f"https://{NAME}/", bounds=Bounds(total_s=0.2))


async def test_size_is_bounded():
    async with receiving(answer=endless_body) as receiver, fetching(HERE) as fetcher:
        url = f"http://127.0.0.1:{receiver.port}/"
        with pytest.raises(NotFetched, match="longer than 1,000 bytes"):
            await fetcher.send("GET", url, bounds=QUICK)
        assert (await fetcher.send("GET", url, bounds=Bounds(total_s=5))).body == b""  # it is not read


async def test_headers_without_an_end_are_given_up():
    async with receiving(answer=endless_headers) as receiver, fetching(HERE) as fetcher:
        with pytest.raises(NotFetched, match="the connection broke"):
            await fetcher.send("GET", f"http://127.0.0.1:{receiver.port}/", bounds=QUICK)


async def test_it_says_what_is_wrong():
    async def plain(_reader, writer):
        writer.write(b"220 mail.example ESMTP\r\n" * 10)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with fetching(HERE) as fetcher:
        with pytest.raises(NotFetched, match="does not speak TLS"):
            await fetcher.send("GET", f"https://127.0.0.1:{port}/", bounds=QUICK)
    server.close()
    await server.wait_closed()
    async with fetching(HERE) as fetcher:
        with pytest.raises(NotFetched, match="takes no connection"):
            await fetcher.send("GET", f"http://127.0.0.1:{port}/", bounds=QUICK)

    async def unknown(_host, _port):
        raise OSError("no such name")

    async with fetching(resolve=unknown) as fetcher:
        with pytest.raises(NotFetched, match=f"the name {NAME} is not known"):
            await fetcher.send("GET", f"https://{NAME}/", bounds=QUICK)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::ffff:7f00:1]"])
async def test_this_machine_is_not_reached_however_it_is_written(host):
    async with receiving() as receiver, fetching() as fetcher:
        with pytest.raises((NotFetched, Invalid), match="open network"):
            await fetcher.send("GET", f"https://{host}:{receiver.port}/", bounds=QUICK)
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "https://",
        "https:///path",
        "hooks.example/path",
        "https://user:password@hooks.example/",
        "https://hooks.example\\@evil.example/",
        "https://hooks.example/#part",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nX-Evil: 1",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://hooks.example:x/",
        "https://[::1/",
        "https://ho\u00f6ks.example/",
        "https://hooks.example/" + "a" * 8_000,
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://[fd00::1]/",
    ],
)
async def test_an_address_that_cannot_be_is_refused_before_anything_is_asked(url):
    names = Names(["8.8.8.8"])
    async with fetching(resolve=names) as fetcher:
        with pytest.raises(Invalid):
            fetcher.check(url)
        with pytest.raises(Invalid):
            await fetcher.send("GET", url, bounds=QUICK)
    assert names.asked == []


async def test_an_address_that_can_be_is_taken_without_being_asked():
    names = Names(["10.0.0.1"])
    async with fetching(resolve=names) as fetcher:
        for url in ("https://hooks.example", "https://hooks.example:8443/a/b?c=%20d", "https://1.1.1.1/"):
            fetcher.check(url)
    assert names.asked == []


@pytest.mark.parametrize(
    "name", ["under_score.example", "a" * 70 + ".example", "-a.example", "a..example", "xn--a.example"]
)
async def test_a_name_that_cannot_be_checked_is_given_up_in_words(name):
    async with receiving() as receiver, fetching(HERE, resolve=Names(["127.0.0.1"])) as fetcher:
        with pytest.raises(NotFetched):
            await fetcher.send("GET", f"https://{name}:{receiver.port}/", bounds=Bounds(total_s=0.5))
