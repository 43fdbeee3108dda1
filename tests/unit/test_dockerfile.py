"""What the images promise, read from their Dockerfile: nothing can be built here."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.detector.models.registry import read_registry

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"
MODULES = {
    "task-manager": "services.task_manager",
    "subtask-manager": "services.subtask_manager",
    "notifier": "services.notifier",
    "consensus": "services.consensus",
    "worker": "services.worker",
    "detector": "services.detector",
    "accounts": "services.accounts",
}


@dataclass
class Stage:
    name: str
    base: "Stage | str"
    """The stage it goes on from, or an image."""
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self) -> list[tuple[str, str]]:
        """Its instructions after those of what it goes on from."""
        return ([] if isinstance(self.base, str) else self.base.all()) + self.instructions

    def last(self, keyword: str) -> str:
        return next((text for word, text in reversed(self.all()) if word == keyword), "")


def stages(text: str) -> dict[str, Stage]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    defaults: dict[str, str] = {}
    found: dict[str, Stage] = {}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            image = re.sub(r"\$\{(\w+)\}", lambda variable: defaults[variable[1]], image)
            latest = found[name] = Stage(name, found.get(image, image))
        elif found:
            latest.instructions.append((word, rest.strip()))
        else:
            name, _, value = rest.partition("=")
            defaults[name] = value
    return found


def is_a_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile; nothing, where it keeps what is promised."""
    found = []
    every = stages(text)
    for stage in every.values():
        if isinstance(stage.base, str) and not re.fullmatch(r"\S+:\S*\d\S*", stage.base):
            found.append(f"{stage.name}: {stage.base} is not pinned")
        for word, rest in stage.instructions:
            installs = re.findall(r"pip [^&|;]*\binstall\b[^&|;]*", rest) if word == "RUN" else []
            hashed = "--require-hashes", "--only-binary :all:"
            local = "--no-index", "--no-deps"
            safe = all(all(o in one for o in hashed) or all(o in one for o in local) for one in installs)
            if not safe or (installs and "PIP_NO_CACHE_DIR=1" not in str(stage.all())):
                found.append(f"{stage.name}: installs what is not locked, or keeps a cache")
            if word == "ADD" or re.search(r"\b(curl|wget|apt-get|npm (?!ci --ignore-scripts|run build))\b", rest):
                found.append(f"{stage.name}: brings in what is not locked: {word} {rest}")
            if word in {"ENV", "ARG"} and re.search(r"PASS|SECRET|TOKEN|_KEY", rest):
                found.append(f"{stage.name}: a secret in the image: {rest}")
    for name, module in MODULES.items():
        stage = every[name]
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage.last("USER")):
            found.append(f"{name}: runs as {stage.last('USER') or 'root'}")
        if stage.last("ENTRYPOINT") != f'["python", "-P", "-m", "{module}"]':
            found.append(f"{name}: starts {stage.last('ENTRYPOINT')}")
        _, _, check = stage.last("HEALTHCHECK").partition("CMD ")
        if not is_a_list(check) or "/healthz" not in check:
            found.append(f"{name}: has no health check")
        if stage.last("EXPOSE") != "8080":
            found.append(f"{name}: exposes {stage.last('EXPOSE')}")
        if isinstance(stage.base, Stage) and stage.base.name != "runtime":
            found.append(f"{name}: carries what it was built with")
    return found


def test_the_images_keep_what_is_promised():
    assert faults(DOCKERFILE.read_text()) == []


PLANTED = {
    "latest": ("python:3.11.16-slim-trixie", "python:latest"),
    "no tag": ("ARG PYTHON_IMAGE=python:3.11.16-slim-trixie", "ARG PYTHON_IMAGE=python"),
    "root": ("USER 10001:10001", "USER root"),
    "nobody said who": ("USER 10001:10001", ""),
    "no hashes": (" --require-hashes", ""),
    "built from source": (" --only-binary :all:", ""),
    "from the index": ("install --no-index", "install"),
    "a cache": ("PIP_NO_CACHE_DIR=1", "PIP_NO_CACHE_DIR="),
    "a download": ("WORKDIR /src", "ADD https://example.org/model.onnx /models/"),
    "a package": ("WORKDIR /src", "RUN apt-get install libgomp1"),
    "a shell": ('["python", "-P", "-m", "services.detector"]', "python -P -m services.detector"),
    "another module": ('"services.task_manager"]', '"services.tasks"]'),
    "no health check": ("HEALTHCHECK", "LABEL"),
    "a health check in a shell": ('CMD ["python", "-P", "-c",', "CMD python -P -c"),
    "a page not locked": ("npm ci --ignore-scripts", "npm install"),
    "a secret": ("WORKDIR /src", "ARG S3_SECRET_KEY"),
    "the build stage": ("FROM runtime AS detector", "FROM build AS detector"),
}


@pytest.mark.parametrize(("honest", "planted"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_caught(honest: str, planted: str):
    text = DOCKERFILE.read_text()
    assert honest in text
    assert faults(text.replace(honest, planted)) != []


def test_hadolint_has_nothing_to_say():
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed: the Dockerfile is linted by the rules above only")
    said = subprocess.run([program, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize("module", MODULES.values())
def test_what_is_started_is_there(module: str):
    assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()


def test_every_package_of_the_wheel_is_let_in_and_nothing_else():
    every = stages(DOCKERFILE.read_text())
    copies = [rest.split() for name in ("page", "build") for word, rest in every[name].instructions if word == "COPY"]
    copied = [source for words in copies if words[0] != "--from=page" for source in words[:-1]]
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert rules[0] == "*"
    assert {"ui/node_modules", "shared/page/dist"} <= set(rules)
    assert sorted(copied) == sorted(let_in)
    assert set(packages["packages"]) <= set(copied)
    assert all((ROOT / source).exists() for source in copied)


def test_the_detector_carries_a_model_that_can_be_pulled():
    text = DOCKERFILE.read_text()
    name = re.search(r"^ARG MODEL=(.+)$", text, re.MULTILINE)
    assert name is not None
    assert all(file.url for file in read_registry().named(name[1]).files)
    settings = "".join(rest for word, rest in stages(text)["detector"].all() if word == "ENV")
    assert "QUORATE_MODEL_DIR=/models" in settings
    assert "QUORATE_MODEL=${MODEL}" in settings


def test_compose_builds_what_there_is():
    text = (ROOT / "deploy/compose/compose.dev.yaml").read_text()
    assert set(re.findall(r"target: ([a-z-]+)", text)) == set(MODULES)
