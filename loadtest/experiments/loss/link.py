"""A link that loses packets: two network namespaces joined by a pair of virtual Ethernet devices, and nftables."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from deploy.local.errors import ServerNotUp
from deploy.local.packages import install_missing, need
from deploy.local.process import program, run, small_environment
from loadtest.errors import MeasurementFailed

Direction = Literal["both", "to_server", "to_client"]

CLIENT_ADDRESS, SERVER_ADDRESS = "10.99.0.1", "10.99.0.2"
"""Only the two namespaces see them."""
DEVICE = "lossy"
PREFIX = "quorate-loss-"
NAMESPACES = Path("/run/netns")
OUT_OF = 10_000
"""Loss rates are set in steps of one ten-thousandth."""
COMMAND_S = 20


class NoLink(MeasurementFailed):
    """This machine does not let us make such a link; the text says what is missing."""


class LinkTools:
    """The programs that make a link."""

    packages: ClassVar[tuple[str, ...]] = ("iproute2", "nftables")
    programs: ClassVar[tuple[str, ...]] = ("ip", "nft", "tc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The names of the two namespaces, which are what there is."""

    client: str
    server: str

    def inside_client(self, command: Sequence[str]) -> list[str]:
        """The command that runs another at the client's end."""
        return _inside(self.client, command)

    def run_again(self, module: str, *, namespace: str) -> int:
        """Run this command again at one end, told the other's; returns its exit status once it has ended.

        Not by `ip netns exec`, which mounts another /sys, without control groups. It ends with this process, however
        that ends.
        """
        enter = ["setpriv", "--pdeathsig", "TERM", "nsenter", f"--net={NAMESPACES / namespace}"]
        told = ["--client-namespace", self.client, "--server-namespace", self.server]
        process = subprocess.Popen(
            [*enter, sys.executable, "-P", "-m", module, *sys.argv[1:], *told], start_new_session=True
        )
        try:
            return process.wait()
        finally:
            process.terminate()
            process.wait()

    def inside_server(self, command: Sequence[str]) -> list[str]:
        """The command that runs another at the server's end."""
        return _inside(self.server, command)

    def lose(self, rate: float, direction: Direction = "both") -> None:
        """From now on lose so many of the packets that travel, 0 to 1, and count from 0.

        A packet is dropped as it arrives, for a sender would notice what its own machine drops as it leaves.
        """
        _filter(self.client, rate if direction != "to_server" else 0.0)
        _filter(self.server, rate if direction != "to_client" else 0.0)

    def lost_share(self) -> float:
        """The share of packets of both directions together that was lost since `lose`."""
        ends = [_counters(self.client), _counters(self.server)]
        return sum(end["lost"] for end in ends) / max(1, sum(end["seen"] for end in ends))


def declare(parser: argparse.ArgumentParser) -> None:
    """The options by which a command that runs again is told of the link."""
    for end in ("client", "server"):
        parser.add_argument(f"--{end}-namespace", default="", help=argparse.SUPPRESS)


@contextmanager
def link(mbit_per_s: float | None = None) -> Generator[Link]:
    """A link without loss, as fast as the machine or limited; removed at the end. Raises NoLink.

    Devices hand over single packets of 1,500 bytes: none is gathered into larger ones, which would be lost as a whole.
    """
    if os.geteuid() != 0:
        raise NoLink("only root may make network namespaces: run this as root")
    _remove_left_over()
    made = Link(client=f"{PREFIX}{os.getpid()}-client", server=f"{PREFIX}{os.getpid()}-server")
    try:
        install_missing([LinkTools])
        need(LinkTools())
        _build(made, mbit_per_s)
        made.lose(0.0)
        yield made
    except ServerNotUp as error:
        raise NoLink(str(error)) from error
    finally:
        for name in (made.client, made.server):
            _remove(name)


def rules(rate: float) -> str:
    """The script for nft that counts the packets that arrive on the device and drops this share of them at random.

    `ingress` of a device comes before everything else, and `random` asks the kernel's generator anew for each packet.
    """
    return f"""
table netdev quorate
delete table netdev quorate
table netdev quorate {{
    counter seen {{ }}
    counter lost {{ }}
    chain arriving {{
        type filter hook ingress device "{DEVICE}" priority 0; policy accept;
        meta protocol ip counter name "seen"
        meta protocol ip numgen random mod {OUT_OF} < {round(rate * OUT_OF)} counter name "lost" drop
    }}
}}
"""


def _build(made: Link, mbit_per_s: float | None) -> None:
    for name in (made.client, made.server):
        _ip("netns", "add", name)
    single = ("gso_max_segs", "1")
    _ip("link", "add", DEVICE, "netns", made.client, *single, "type", "veth",
        "peer", "name", DEVICE, "netns", made.server, *single)  # fmt: skip
    for name, address in ((made.client, CLIENT_ADDRESS), (made.server, SERVER_ADDRESS)):
        _ip("-n", name, "address", "add", f"{address}/30", "dev", DEVICE)
        for device in ("lo", DEVICE):
            _ip("-n", name, "link", "set", device, "up")
        if mbit_per_s is not None:
            limit = ("tbf", "rate", f"{mbit_per_s}mbit", "burst", "32kbit", "latency", "100ms")
            run([program("tc"), "-n", name, "qdisc", "add", "dev", DEVICE, "root", *limit], timeout_s=COMMAND_S)


def _remove_left_over() -> None:
    """Remove what runs of this experiment left behind that were killed."""
    for path in NAMESPACES.glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            _end_inside(path.name)
            _remove(path.name)


def _end_inside(name: str) -> None:
    """End what still runs in a namespace, which would keep it alive without a name."""
    for pid in run([program("ip"), "netns", "pids", name], timeout_s=COMMAND_S).split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def _remove(name: str) -> None:
    """Remove a namespace, and with it its devices and rules."""
    if (NAMESPACES / name).exists():
        _ip("netns", "delete", name)


def _inside(namespace: str, command: Sequence[str]) -> list[str]:
    return [program("ip"), "netns", "exec", namespace, *command]


def _ip(*arguments: str) -> None:
    run([program("ip"), *arguments], timeout_s=COMMAND_S)


def _filter(namespace: str, rate: float) -> None:
    done = subprocess.run(
        _inside(namespace, [program("nft"), "--file", "-"]),
        env=small_environment(),
        input=rules(rate),
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    if done.returncode:
        raise ServerNotUp(f"nft failed: {done.stderr.strip()[-1000:]}")


def _counters(namespace: str) -> dict[str, int]:
    """Packets, by counter."""
    told: dict[str, Any] = json.loads(run(_inside(namespace, [program("nft"), "--json", "list", "counters"])))
    return {
        entry["counter"]["name"]: int(entry["counter"]["packets"]) for entry in told["nftables"] if "counter" in entry
    }
