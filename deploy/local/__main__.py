"""`python -P -m deploy.local start|stop|status [--dir build/services] [rabbitmq] [s3] [mongodb]`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import env_file
from deploy.local.errors import ServerNotUp
from deploy.local.gateway import Gateway
from deploy.local.mongodb import Mongodb
from deploy.local.packages import Promtool, install_missing, need
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from deploy.local.server import Server
from deploy.local.server_folder import locked

KINDS = (RabbitMQ, SeaweedFS, Mongodb)
DEFAULT_DIR = Path("build/services")


def start(folder: Path, servers: Sequence[Server]) -> bool:
    """Start these servers side by side; says whether all are up."""
    with locked(folder, "servers"):
        # The platform starts the gateway, and the tests start promtool.
        install_missing([*servers, Gateway, Promtool])
        with ThreadPoolExecutor() as pool:
            return all(list(pool.map(lambda server: _start(folder, server), servers)))


def stop(folder: Path, servers: Sequence[Server]) -> bool:
    """Stop these servers: only processes that this command started."""
    with locked(folder, "servers"), ThreadPoolExecutor() as pool:
        for server, _ in zip(servers, pool.map(lambda server: server.stop(), servers), strict=True):
            print(f"{server.name:9} stopped", flush=True)
    env_file.write(folder, every(folder))
    return True


def status(_folder: Path, servers: Sequence[Server]) -> bool:
    """Say which of these servers are up; and whether all are."""
    states = [(server, server.is_up()) for server in servers]
    for server, is_up in states:
        print(f"{server.name:9} {f'{server.version()} on {server.address}' if is_up else 'down'}")
    return all(is_up for _, is_up in states)


def every(folder: Path) -> list[Server]:
    """All servers of this folder, running or not."""
    return [kind.kept_in(folder / kind.name) for kind in KINDS]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.local", description="Real servers on this machine, for tests.")
    parser.add_argument("command", choices=["start", "stop", "status"])
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"{', '.join(kind.name for kind in KINDS)}; default all"
    )
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR, help="where they keep data, ports, secrets and logs")
    given = parser.parse_intermixed_args(arguments)
    if unknown := set(given.names) - {kind.name for kind in KINDS}:
        parser.error(f"no such server: {', '.join(sorted(unknown))}")
    folder = given.dir.resolve()
    servers = [server for server in every(folder) if not given.names or server.name in given.names]
    command: Callable[[Path, Sequence[Server]], bool] = {"start": start, "stop": stop, "status": status}[given.command]
    return 0 if command(folder, servers) else 1


def _start(folder: Path, server: Server) -> bool:
    began = time.monotonic()
    try:
        need(server)
        server.start()
    except ServerNotUp as problem:
        print(f"{server.name:9} is not up: {problem}", file=sys.stderr, flush=True)
        return False
    finally:
        env_file.write(folder, every(folder))
    print(f"{server.name:9} {server.version()} on {server.address}, {time.monotonic() - began:.1f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
