"""`python -P -m tests.containers [--dir build/images]`: the images and the compose files, built and run.

In a Docker engine of its own, of Debian's packages, which ends with it; nothing of this machine is changed but for the
folder and the package debootstrap. Two cores take minutes.
"""

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path

from deploy.local.packages import install_missing, missing
from loadtest.samples import draw, write_model
from tests.containers.engine import PACKAGES, Engine, need_root
from tests.containers.errors import NoEngine, TrialFailed
from tests.containers.images import MAX_MANAGER_BYTES, Checkout, build_all, code_pushed, judge, layers
from tests.containers.platform import Platform
from tests.containers.roots import Roots
from tests.containers.servers import make_mongodb, make_nginx, make_rabbitmq, make_seaweedfs
from tests.containers.trial import REPOSITORY, say, timed

PICTURES = 400
SEED = 21


class Debootstrap:
    """What a root file system is made by."""

    packages = ("debootstrap",)
    programs = ("debootstrap", "chroot", "nsenter", "unshare")


def main() -> int:
    """Build and run everything; 1, with the reason, where a promise is not kept, 2 where no engine can be had."""
    parser = argparse.ArgumentParser(prog="tests.containers", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("build/images"), help="for the engine, images and logs")
    folder = parser.parse_args().dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        engine = started_engine(folder)
    except NoEngine as lack:
        say(f"no container engine can be had here: {lack}")
        return 2
    try:
        checkout = Checkout.of(REPOSITORY)
        timed("the images are built", partial(build, engine, Roots(folder=folder / "roots"), checkout))
        weigh(engine, checkout)
        engine.start("own")
        command = [sys.executable, "-P", "-m", "tests.containers.trial"]
        options = [f"--root={engine.root}", f"--work={engine.work}"]
        status = subprocess.run([*engine.network(), *command, *options], check=False).returncode
    except TrialFailed as failure:
        say(str(failure))
        status = 1
    finally:
        engine.stop()
    say(f"{int(status == 0)} passed, {int(status != 0)} failed")
    return status


def started_engine(folder: Path) -> Engine:
    """An engine that runs, with this machine's network. Raises NoEngine."""
    need_root()
    install_missing([Debootstrap])
    if lacking := missing(Debootstrap):
        raise NoEngine(f"{', '.join(lacking)} not found; it comes with: debootstrap, util-linux")
    roots = Roots(folder=folder / "roots")
    engine = Engine(root=roots.with_packages("engine", PACKAGES, newer=True), work=folder)
    timed("the engine is up", lambda: engine.start("machine"))
    say(engine.version())
    return engine


def build(engine: Engine, roots: Roots, checkout: Checkout) -> None:
    """Our images and those that compose.yaml takes besides."""
    draw(engine.work / "pictures", PICTURES, SEED)
    build_all(engine, roots, checkout, write_model(engine.work / "model").parent)
    platform = Platform(engine=engine)
    platform.prepare(REPOSITORY / "deploy")
    images = platform.images()
    make_nginx(engine, roots, images["gateway"])
    make_rabbitmq(engine, roots, images["rabbitmq"])
    make_seaweedfs(engine, roots, Path(sys.executable), images["seaweedfs"])
    make_mongodb(engine, roots, checkout.argument("PYTHON_IMAGE"), images["mongodb"])


def weigh(engine: Engine, checkout: Checkout) -> None:
    """Say what the images weigh. Raises TrialFailed where they do not keep what is promised of them."""
    found: list[str] = []
    for target in checkout.targets():
        tag = f"quorate-{target}:{checkout.argument('VERSION')}"
        total = sum(size for _, size in layers(engine, tag))
        say(f"{total / 1e6:6.0f} MB  {tag}; a new version pushes {code_pushed(engine, tag) / 1e6:.1f} MB")
        found += judge(engine, checkout, tag)
        if target == "subtask-manager" and total > MAX_MANAGER_BYTES:
            found.append(f"{tag} has {total} bytes")
    if found:
        raise TrialFailed("\n".join(found))


if __name__ == "__main__":
    sys.exit(main())
