"""`python -P -m loadtest.bench_bus`: the bus beside plain aio-pika on one broker; writes build/bench-bus.json.

The broker is the one that `make services` started, or that of QUORATE_AMQP_URL and RABBITMQ_MANAGEMENT_URL. It all
happens in a virtual host that is removed at the end.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from loadtest.bench import report
from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import BUILD, ROOT
from loadtest.bench.report import Numbers

SERVICES = BUILD / "services/services.env"
BROKER = ("QUORATE_AMQP_URL", "RABBITMQ_MANAGEMENT_URL")
SPEED_S = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_bus", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000, help="how many are published in each round")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the virtual host is removed
    try:
        with _virtual_host(*_broker()) as url:
            numbers = _measure(url, options.messages)
    except (BenchFailed, httpx.HTTPError) as failed:
        print(f"bench failed: {failed}", file=sys.stderr)
        return 1
    report.show(numbers)
    report.write(numbers, BUILD / "bench-bus.json")
    print(f"\nwritten to {BUILD / 'bench-bus.json'}")
    return 0


def _broker() -> list[str]:
    """Where the broker and its management are."""
    lines = SERVICES.read_text(encoding="utf-8").splitlines() if SERVICES.exists() else []
    known = dict(line.split("=", 1) for line in lines if "=" in line) | os.environ
    if missing := [name for name in BROKER if name not in known]:
        raise BenchFailed(f"{' and '.join(missing)} must say where the broker is, or `make services` start one")
    return [known[name] for name in BROKER]


@contextmanager
def _virtual_host(amqp_url: str, management_url: str) -> Iterator[str]:
    """A virtual host of its own: the URL to connect to it."""
    parts = urlsplit(management_url)
    name = f"bench-{uuid.uuid4().hex}"
    with httpx.Client(
        base_url=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
        auth=(parts.username or "", parts.password or ""),
    ) as management:
        management.put(f"/api/vhosts/{name}").raise_for_status()
        try:
            yield urlsplit(amqp_url)._replace(path=f"/{name}").geturl()
        finally:
            management.delete(f"/api/vhosts/{name}")


def _measure(url: str, messages: int) -> Numbers:
    command = [sys.executable, "-P", "-m", "probes.bus_speed", "--messages", str(messages)]
    env = {**os.environ, "QUORATE_AMQP_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SPEED_S, check=False)
    if done.returncode:
        raise BenchFailed(f"the bus could not be measured: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
