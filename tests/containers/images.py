"""Our images, built by their own Dockerfile."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.containers.bases import make_node, make_python
from tests.containers.engine import WORK, Engine
from tests.containers.errors import TrialFailed
from tests.containers.programs import run
from tests.containers.roots import Roots

MODEL = "/models/demo/tiny.cfg"
"""The demonstration's: brought along, as no network is asked."""
MAX_PUSHED_BYTES = 5_000_000
"""Of the code's layer, compressed as it is pushed and pulled."""
MAX_MANAGER_BYTES = 300_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What the images are built from: a checkout of the repository, and its commit."""

    path: Path
    revision: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """The checkout as it is now; its commit is unknown outside git."""
        commit = run(["git", "-C", str(path), "rev-parse", "HEAD"], check=False).strip()
        return cls(path=path, revision=commit if re.fullmatch("[0-9a-f]{40}", commit) else "unknown")

    @property
    def dockerfile(self) -> str:
        return (self.path / "deploy/Dockerfile").read_text()

    def argument(self, name: str) -> str:
        """What the Dockerfile takes for one of its arguments. Raises TrialFailed."""
        found = re.search(rf"^ARG {name}=(.+)$", self.dockerfile, re.MULTILINE)
        if found is None:
            raise TrialFailed(f"deploy/Dockerfile has no default for {name}")
        return found[1]

    def targets(self) -> list[str]:
        """The services, one image each: the stages that start something."""
        stages = re.split(r"^FROM .* AS ", self.dockerfile, flags=re.MULTILINE)[1:]
        return [stage.split(maxsplit=1)[0] for stage in stages if "\nENTRYPOINT" in stage]

    def copied(self, folder: Path) -> Path:
        """A copy of what the build context lets in."""
        shutil.rmtree(folder, ignore_errors=True)
        rules = (self.path / ".dockerignore").read_text().splitlines()
        for name in [rule.removeprefix("!") for rule in rules if rule.startswith("!")] + [".dockerignore"]:
            source, target = self.path / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "dist"))
            else:
                shutil.copy(source, target)
        shutil.copy(self.path / "deploy/Dockerfile", folder / "deploy")
        return folder


def build_all(engine: Engine, roots: Roots, checkout: Checkout, model: Path) -> None:
    """Build every image, with `model`, a folder, in the detector's. Raises TrialFailed."""
    make_python(engine, roots, checkout.argument("PYTHON_IMAGE"))
    make_node(engine, roots, checkout.argument("NODE_IMAGE"))
    context = checkout.copied(engine.work / "context")
    shutil.copytree(model, context / "deploy/models/demo")
    for target in checkout.targets():
        build(engine, checkout, target)


def build(engine: Engine, checkout: Checkout, target: str) -> None:
    """Build one image from the copied context."""
    told = {"REVISION": checkout.revision, "SOURCE": "unknown", "MODEL": MODEL}
    arguments = [f"--build-arg={name}={value}" for name, value in told.items()]
    where = f"{WORK}/context"
    tag = f"quorate-{target}:{checkout.argument('VERSION')}"
    engine.docker("build", "--network=host", f"--file={where}/deploy/Dockerfile", f"--target={target}",
                  f"--tag={tag}", *arguments, where)  # fmt: skip


def layers(engine: Engine, tag: str) -> list[tuple[str, int]]:
    """What made each layer of an image, and its bytes; the newest first."""
    text = engine.docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", tag)
    return [(line.partition(" ")[2], int(line.partition(" ")[0])) for line in text.splitlines()]


def code_pushed(engine: Engine, tag: str) -> int:
    """How many bytes of an image's code a new version pushes."""
    packages = "cd /venv/lib/python3*/site-packages && tar -cz services shared embedded quorate quorate-*.dist-info"
    run_it = f"docker run --rm --network=none --entrypoint=sh {tag} -c {shlex.quote(packages)} | wc -c"
    return int(run([*engine.inside(), "sh", "-c", run_it]))


def judge(engine: Engine, checkout: Checkout, tag: str) -> list[str]:
    """What an image does not keep of what is promised of it."""
    version, revision = checkout.argument("VERSION"), checkout.revision
    found: list[str] = []
    inspected = json.loads(engine.docker("image", "inspect", tag))[0]
    config = inspected["Config"]
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", config.get("User", "")):
        found.append(f"runs as {config.get('User') or 'root'}")
    labels = config.get("Labels") or {}
    told = {name: labels.get(f"org.opencontainers.image.{name}") for name in ("version", "revision")}
    if told != {"version": version, "revision": revision}:
        found.append(f"says of itself {told}")
    code = [size for made, size in layers(engine, tag) if "COPY /code" in made]
    if len(code) != 1 or code_pushed(engine, tag) > MAX_PUSHED_BYTES:
        found.append(f"its code has layers of {code} bytes, one that is pushed in {MAX_PUSHED_BYTES} is promised")
    bill = json.loads(engine.docker("run", "--rm", "--network=none", "--entrypoint=cat", tag, "/quorate.cdx.json"))
    names = {component["name"] for component in bill["components"]}
    if not {"quorate", "fastapi", "libc6"} <= names:
        found.append("its bill of materials is not complete")
    return [f"{tag} {one}" for one in found]
