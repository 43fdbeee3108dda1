"""Stand-ins for the public images that ours are built from, made of Debian and of what this machine runs."""

import shutil
import sys
from pathlib import Path

from tests.containers.engine import WORK, Engine
from tests.containers.errors import NoEngine
from tests.containers.programs import run
from tests.containers.roots import CERTIFICATES, Roots

_PYTHON_NEEDS = (
    "ca-certificates netbase tzdata libbz2-1.0 libffi8 libsqlite3-0 libssl3t64 libreadline8t64 liblzma5 zlib1g"
    " libncursesw6 libexpat1 libuuid1 libcrypt1 libnsl2 libtirpc3t64"
)
_NODE_NEEDS = "ca-certificates libstdc++6"
_LEFT_OUT = ("site-packages", "test", "tests", "idlelib", "tkinter", "__pycache__", "config-*", "_tkinter*")
PYTHON_ENVIRONMENT = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def make_python(engine: Engine, roots: Roots, tag: str) -> None:
    """Debian with this Python in /usr/local, as in the official image. Its pip trusts whom this machine trusts."""
    prefix = Path(sys.base_prefix)
    if prefix == Path("/usr"):
        raise NoEngine("the base image is made of this Python, which has to be in a folder of its own, not in /usr")
    root = roots.with_packages("python", _PYTHON_NEEDS.split())
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    local = root / "usr/local"
    if not (local / "bin/python").exists():
        shutil.copytree(
            prefix / "lib" / version,
            local / "lib" / version,
            ignore=shutil.ignore_patterns(*_LEFT_OUT),
            dirs_exist_ok=True,
        )
        (local / "lib" / version / "site-packages").mkdir(exist_ok=True)
        for library in (prefix / "lib").glob(f"lib{version}*.so*"):
            shutil.copy(library, local / "lib", follow_symlinks=False)
        shutil.copy(prefix / "bin" / version, local / "bin")
        run(["chroot", str(root), "ldconfig"])
        run(["chroot", str(root), f"/usr/local/bin/{version}", "-m", "ensurepip"])
        (root / "etc/pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
        (local / "bin/python").symlink_to(version)
    load(engine, root, tag, PYTHON_ENVIRONMENT)


def make_node(engine: Engine, roots: Roots, tag: str) -> None:
    """Debian with this machine's Node and npm."""
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is None or npm is None:
        raise NoEngine("node and npm are not here: the page is built with them")
    root = roots.with_packages("node", _NODE_NEEDS.split())
    bin_folder = root / "usr/local/bin"
    if not (bin_folder / "npm").exists():
        package = Path(npm).resolve().parents[1]
        modules = root / "usr/local/lib/node_modules/npm"
        shutil.copy(Path(node).resolve(), bin_folder / "node")
        shutil.copytree(package, modules, symlinks=True, dirs_exist_ok=True)
        (bin_folder / "npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    load(engine, root, tag, PYTHON_ENVIRONMENT, f"ENV NODE_EXTRA_CA_CERTS={CERTIFICATES}")


def load(engine: Engine, root: Path, tag: str, *changes: str) -> None:
    """A root file system in the work folder as an image, unless there is one of this name."""
    if engine.docker("image", "ls", "--quiet", tag).strip():
        return
    inside = f"{WORK}/{root.relative_to(engine.work)}"
    options = "".join(f" --change '{change}'" for change in changes)
    left_out = "--exclude=./proc/* --exclude=./sys/* --exclude=./dev/*"
    pipe = f"tar -C {inside} {left_out} -c . | docker import{options} - {tag}"
    run([*engine.inside(), "sh", "-c", pipe])
