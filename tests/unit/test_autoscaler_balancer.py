"""The balancer with real nginx: members come and go while requests are under way."""

import threading
from collections import Counter
from contextlib import contextmanager

import httpx
import pytest

from deploy.local.errors import ServerNotInstalled
from deploy.local.process import program
from loadtest.experiments.balancer import Balancer
from tests.unit.http_server import answering


@contextmanager
def member(name):
    """A server that answers its name; yields its port."""
    with answering(lambda *_: (200, name.encode())) as url:
        yield int(url.rpartition(":")[2])


def ask(port):
    answer = httpx.get(f"http://127.0.0.1:{port}/anything", timeout=10, trust_env=False)
    return answer.status_code, answer.text


def ask_until(port, wanted):
    """Until this is answered: new workers of nginx take a moment."""
    return any(ask(port) == wanted for _ in range(500))


def test_members_change_and_no_request_is_lost(tmp_path):
    try:
        program("nginx")
    except ServerNotInstalled as reason:
        pytest.skip(str(reason))
    balancer = Balancer(tmp_path)
    seen = Counter()
    stop = threading.Event()

    def customer():
        while not stop.is_set():
            seen[ask(balancer.port)] += 1

    with member("a") as a, member("b") as b:
        try:
            balancer.use({"task_manager": [a]})
            customers = [threading.Thread(target=customer) for _ in range(3)]
            for one in customers:
                one.start()
            balancer.use({"task_manager": [a, b]})
            assert ask_until(balancer.port, (200, "b"))
            balancer.use({"task_manager": [b]})
            assert ask_until(balancer.port, (200, "b"))
            stop.set()
            for one in customers:
                one.join()
            assert set(seen) <= {(200, "a"), (200, "b")}
            balancer.use({})
            assert any(ask(balancer.port)[0] == 502 for _ in range(500))
        finally:
            stop.set()
            balancer.stop()
