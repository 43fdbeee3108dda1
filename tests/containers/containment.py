"""What every container promises: contained, healthy, nobody root in it, no port open but those that are documented."""

import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.containers.platform import Container

LISTENING = "0A"
LOOPBACK = re.compile(r"^(?:\w{6}7F|0{24}01000000|0{16}FFFF0000\w{6}7F)$")
"""As /proc/net writes them: little-endian words."""
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ((?:`\d+`(?:, )?)+) \|", re.MULTILINE)
CONNECT_S = 3.0


def documented_ports(page: str) -> dict[str, set[int]]:
    """Which ports each service listens on, as the table of docs/deployment.md has it."""
    section = page.partition("## Ports\n")[2].partition("\n## ")[0]
    found: dict[str, set[int]] = {}
    for services, ports in ROW.findall(section):
        for service in re.findall(r"\w+", services):
            found[service] = {int(port) for port in re.findall(r"\d+", ports)}
    return found


def faults(container: Container, ports: Mapping[str, set[int]]) -> list[str]:
    """What a container does not keep; nothing, where it keeps all."""
    host = container.host_config
    found = [] if container.state == "healthy" else [f"is {container.state}"]
    if not host["ReadonlyRootfs"] or host["CapDrop"] != ["ALL"] or host["Privileged"]:
        found.append("can change its files, or has capabilities")
    if "no-new-privileges:true" not in (host["SecurityOpt"] or []) or not host["Memory"] or not host["PidsLimit"]:
        found.append("may gain rights, or memory or processes without a limit")
    if 0 in users(container.pid):
        found.append("has a process of root")
    open_ports = listening(container.pid)
    if open_ports != ports.get(container.service):
        found.append(f"listens on {sorted(open_ports)}, documented are {sorted(ports.get(container.service, ()))}")
    found += [f"is not reached on port {port}" for port in sorted(open_ports) if not is_reached(container, port)]
    return [f"{container.name} {one}" for one in found]


def users(pid: int) -> set[int]:
    """Whose processes are in the process namespace of a process, itself among them."""
    namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    found: set[int] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if (process / "ns/pid").readlink() == namespace:
                status = (process / "status").read_text()
                found |= {int(uid) for uid in re.findall(r"^Uid:\t(\d+)\t(\d+)", status, re.MULTILINE)[0]}
    return found


def listening(pid: int) -> set[int]:
    """The ports on which something in the network namespace of a process listens, not on its loopback alone."""
    found: set[int] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.partition(":")
            if state == LISTENING and not LOOPBACK.match(address):
                found.add(int(port, 16))
    return found


def is_reached(container: Container, port: int) -> bool:
    """Whether the port answers from the bridges, where the gateway is: the table of the kernel is no illusion."""
    for address in container.addresses:
        try:
            socket.create_connection((address, port), CONNECT_S).close()
        except OSError:
            return False
    return True
