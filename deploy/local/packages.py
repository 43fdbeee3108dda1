"""Debian's packages: installed as root, otherwise the missing ones are named."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from typing import ClassVar

from deploy.local.errors import ServerNotInstalled
from deploy.local.process import program
from deploy.local.server import Packaged

INSTALL_S = 900
QUIETLY = {
    "DEBIAN_FRONTEND": "noninteractive",
    "RUNLEVEL": "1",  # so that the installation starts no service
}


class Promtool:
    """Prometheus' checker of rules. It is no server: the tests call it."""

    packages: ClassVar[tuple[str, ...]] = ("prometheus",)
    programs: ClassVar[tuple[str, ...]] = ("promtool",)


def missing(what: Packaged | type[Packaged]) -> list[str]:
    """Its programs that are not on this machine."""
    return [name for name in what.programs if not _is_there(name)]


def install_missing(wanted: Iterable[Packaged | type[Packaged]]) -> None:
    """Install what is missing by apt-get as root; otherwise do nothing, and the start names what it lacks."""
    packages = sorted({package for one in wanted if missing(one) for package in one.packages})
    apt_get = shutil.which("apt-get")
    if not packages or os.geteuid() != 0 or apt_get is None:
        return
    print(f"installing {' '.join(packages)}", flush=True)
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [apt_get, "-qq", *arguments],
            env=os.environ | QUIETLY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
        if done.returncode:
            print(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-1000:]}", flush=True)


def need(what: Packaged) -> None:
    """Raises ServerNotInstalled, with what to do."""
    if lacking := missing(what):
        packages = " ".join(what.packages) or "make setup-dev"
        raise ServerNotInstalled(f"{', '.join(lacking)} not found; it comes with: {packages}")


def _is_there(name: str) -> bool:
    try:
        program(name)
    except ServerNotInstalled:
        return False
    return True
