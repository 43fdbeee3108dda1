"""File systems of Debian, made by debootstrap: what the engine and the stand-ins for public images live in."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.containers.errors import NoEngine
from tests.containers.programs import run

RELEASE = "trixie"
NEWER = "sid"
"""Where the release's package is too old: Engine 28, Compose 2.40, RabbitMQ 4.3, nginx 1.30."""

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PIN = "Package: *\nPin: release a=unstable\nPin-Priority: 90\n"
_NO_SERVICE_STARTS = "#!/bin/sh\nexit 101\n"
_LEFT_OUT = ("var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/man", "usr/share/locale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Root file systems in a folder, each made once."""

    folder: Path

    def plain(self) -> Path:
        """Debian's smallest."""
        root = self.folder / "plain"
        if not root.exists():
            half = self.folder / "plain.half"
            _remove(half)
            half.mkdir(parents=True)
            run(["debootstrap", "--variant=minbase", RELEASE, str(half), mirror()], log=self.folder / "debootstrap.log")
            half.rename(root)
        return root

    def with_packages(self, name: str, packages: Sequence[str], *, newer: bool = False) -> Path:
        """Debian with these packages, `newer`: of its unstable release."""
        root = self.folder / name
        if not root.exists():
            half = self._copied(f"{name}.half")
            suite = NEWER if newer else RELEASE
            if newer:
                source = f"deb [check-valid-until=no] {mirror()} {suite} main\n"  # a mirror's index of it may be old
                (half / "etc/apt/sources.list.d/newer.list").write_text(source)
                (half / "etc/apt/preferences.d/newer").write_text(_PIN)
            _write_program(half / "usr/sbin/policy-rc.d", _NO_SERVICE_STARTS)
            install = f"apt-get install --yes --quiet --no-install-recommends --target-release {suite}"
            commands = f"apt-get update --quiet && {install} {' '.join(packages)}"
            run(
                ["chroot", str(half), "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", commands],
                log=self.folder / "packages.log",
            )
            for path in _LEFT_OUT:
                _remove(half / path)
            _trust_as_here(half)
            half.rename(root)
        return root

    def _copied(self, name: str) -> Path:
        """A copy of the smallest Debian, which finds the package mirror as this machine does."""
        copy = self.folder / name
        _remove(copy)
        run(["cp", "--archive", "--reflink=auto", str(self.plain()), str(copy)])
        shutil.copy("/etc/resolv.conf", copy / "etc/resolv.conf")
        return copy


def mirror() -> str:
    """The mirror that this machine's apt uses. Raises NoEngine where it has none."""
    folder = Path("/etc/apt")
    for file in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]:
        if not file.is_file() or "debian" not in file.read_text():
            continue
        for line in file.read_text().splitlines():
            words = [word for word in line.split() if not word.startswith("[")]
            if words[:1] in (["URIs:"], ["deb"]) and "security" not in words[1]:
                return words[1]
    raise NoEngine("no mirror of Debian in /etc/apt: an engine is made of Debian's packages")


def _trust_as_here(root: Path) -> None:
    """The way to a package registry may lead through a proxy that only this machine's authorities vouch for."""
    bundle = root / CERTIFICATES.relative_to("/")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CERTIFICATES, bundle)


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
