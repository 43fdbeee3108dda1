"""`python -P -m loadtest.bench_bus`: the bus beside plain aio-pika on one broker; writes build/bench-bus.json.

The broker is the one that `make services` started, or that of QUORATE_AMQP_URL and RABBITMQ_MANAGEMENT_URL. It all
happens in a virtual host that is removed at the end.
"""

import argparse
import json
import os
import subprocess
import sys
import uuid

from deploy.local import env_file
from loadtest import command
from loadtest.bench import report
from loadtest.broker import Management
from loadtest.command import BUILD, ROOT
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers

BROKER = ("QUORATE_AMQP_URL", "RABBITMQ_MANAGEMENT_URL")
SPEED_S = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_bus", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000, help="how many are published in each round")
    options = parser.parse_args()
    return command.run("bench failed", lambda: _run(options.messages))


def _run(messages: int) -> int:
    amqp_url, management_url = _broker()
    with Management(management_url).virtual_host(f"bench-{uuid.uuid4().hex}", amqp_url) as url:
        return report.conclude(_measure(url, messages), BUILD / "bench-bus.json")


def _broker() -> list[str]:
    """Where the broker and its management are."""
    known = env_file.read(BUILD / "services") | os.environ
    if missing := [name for name in BROKER if name not in known]:
        raise MeasurementFailed(f"{' and '.join(missing)} must say where the broker is, or `make services` start one")
    return [known[name] for name in BROKER]


def _measure(url: str, messages: int) -> Numbers:
    speed = [sys.executable, "-P", "-m", "probes.bus_speed", "--messages", str(messages)]
    env = {**os.environ, "QUORATE_AMQP_URL": url}
    done = subprocess.run(speed, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SPEED_S, check=False)
    if done.returncode:
        raise MeasurementFailed(f"the bus could not be measured: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
