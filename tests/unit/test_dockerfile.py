"""What the images promise, read from their Dockerfile; `make images` builds them."""

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
from shared.version import VERSION

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

    def line(self) -> list[str]:
        """Its own name, and those of what it goes on from."""
        return [self.name, *([] if isinstance(self.base, str) else self.base.line())]

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
        if "/healthz" in check and "QUORATE_PORT" not in check:
            found.append(f"{name}: its health check asks a port that may be another")
        found += layer_faults(stage)
    return found


def layer_faults(stage: Stage) -> list[str]:
    """What is wrong with the layers of a service's image: dependencies first, then the code alone, then its labels."""
    if "runtime" not in stage.line():
        return [f"{stage.name}: carries what it was built with"]
    copies = [rest for word, rest in stage.all() if word == "COPY"]
    found = [] if "--from=build /code /venv" in copies else [f"{stage.name}: its code is not in a layer of its own"]
    words = [rest for _, rest in stage.all()]
    after_code = words[words.index("--from=build /code /venv") :] if not found else []
    if any("pip" in one for one in after_code):
        found.append(f"{stage.name}: installs after its code")
    labels = " ".join(rest for word, rest in stage.all() if word == "LABEL")
    wanted = ("version=$VERSION", "revision=$REVISION", "source=$SOURCE", "licenses=")
    found += [f"{stage.name}: has no label {one}" for one in wanted if f"org.opencontainers.image.{one}" not in labels]
    if "/quorate.cdx.json" not in " ".join(words):
        found.append(f"{stage.name}: has no bill of materials")
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
    "a health check in a shell": ('CMD ["python", "-IS", "-c",', "CMD python -IS -c"),
    "a page not locked": ("npm ci --ignore-scripts", "npm install"),
    "a secret": ("WORKDIR /src", "ARG S3_SECRET_KEY"),
    "the build stage": ("FROM models AS detector", "FROM build AS detector"),
    "another port": ("int(os.environ['QUORATE_PORT'])", "8080"),
    "code among dependencies": ("COPY --from=build /code /venv\nRUN --mount=type=bind,source=deploy/sbom.py", "RUN x"),
    "no version": (" org.opencontainers.image.revision=$REVISION", ""),
    "no bill": ('"/quorate.cdx.json"', '"/tmp/bill"'),
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
    instructions = [(word, rest) for stage in every.values() for word, rest in stage.instructions]
    copies = [rest.split() for word, rest in instructions if word == "COPY" and not rest.startswith("--from=")]
    mounted = set(re.findall(r"source=(\S+?),", " ".join(rest for _, rest in instructions)))
    copied = {source for words in copies for source in words[:-1]}
    locks = {f"requirements/{name}" for _, rest in instructions for name in re.findall(r"/requirements/(\S+)", rest)}
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert rules[0] == "*"
    assert {"ui/node_modules", "shared/page/dist"} <= set(rules)
    assert let_in == copied | locks | (mounted - {"requirements"})
    assert set(packages["packages"]) <= copied
    assert all((ROOT / source).exists() for source in let_in)


@pytest.mark.parametrize("lock", ["service", "estimates", "pictures", "models", "build"])
def test_an_image_has_what_the_tests_have(lock: str):
    """The locks of the images are parts of the one that everything is tested with."""
    every = (ROOT / "requirements/server.txt").read_text()
    pinned = re.findall(r"^\S+==.*$", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE)
    assert [one for one in pinned if one not in every] == []


PARTS = {
    "task-manager": {"cv2", "numpy", "simplejpeg"},
    "subtask-manager": set(),
    "notifier": set(),
    "consensus": {"numpy"},
    "worker": {"cv2", "numpy", "simplejpeg"},
    "detector": {"cv2", "numpy", "simplejpeg", "onnxruntime"},
    "accounts": set(),
}
"""The large packages that each service imports; its image's lock has them, and no other."""


@pytest.mark.parametrize(("service", "parts"), PARTS.items())
def test_an_image_has_what_its_service_imports(service: str, parts: set[str]):
    large = {
        "cv2": "opencv-python-headless",
        "numpy": "numpy",
        "simplejpeg": "simplejpeg",
        "onnxruntime": "onnxruntime",
    }
    code = (
        f"import sys, {MODULES[service]}.__main__, {MODULES[service]}.app\n"
        f"print(*(name for name in {sorted(large)} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == parts - {"onnxruntime"}, "the detector's engine is imported with its model"
    installs = " ".join(rest for word, rest in stages(DOCKERFILE.read_text())[service].all() if word == "RUN")
    locks = [(ROOT / "requirements" / name).read_text() for name in re.findall(r"-r /requirements/(\S+)", installs)]
    assert {name for name, package in large.items() if any(f"\n{package}==" in lock for lock in locks)} == parts


def test_there_is_one_version():
    """Of the code; whatever names one beside it names the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    named = {"pyproject.toml": {project}}
    patterns = {
        "deploy/Dockerfile": r"(?:ARG VERSION=|quorate-task-manager:)(\S+)",
        "deploy/compose/compose.yaml": r"QUORATE_VERSION:-([^}]+)",
        "deploy/compose/compose.dev.yaml": r"QUORATE_VERSION:-([^}]+)",
        "deploy/compose/secrets.sh": r"QUORATE_VERSION=(\S+)",
        "docs/kubernetes.md": r"(?:quorate-\$service:|newTag: )([0-9.]+)",
        "docs/cluster.md": r"quorate-\$service:([0-9.]+)",
    }
    for name, pattern in patterns.items():
        named[name] = set(re.findall(pattern, (ROOT / name).read_text()))
    for path in (ROOT / "deploy/k8s/base").rglob("deployment.yaml"):
        named[str(path)] = set(re.findall(r"image: quorate-[a-z-]+:(\S+)", path.read_text()))
    assert {name: found for name, found in named.items() if found != {VERSION}} == {}


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
