"""The manifests of `deploy/k8s` as kustomize builds them, and the ways through them that policies share."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy/k8s"
OLDEST_KUSTOMIZE = 5

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Build:
    """What one kustomization yields: a folder, or an overlay of one's own that adds components to it."""

    folder: str
    components: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " + ".join([self.folder, *self.components])

    def manifests(self) -> list[Manifest]:
        """All of them, to be changed as one likes. Skips the test where nothing can build them."""
        return json.loads(_built(self))


MINIKUBE = Build("overlays/minikube")
PRODUCTION = Build("overlays/production")
DETECTOR_ONLY = [Build(f"overlays/detector-only{suffix}") for suffix in ("", "-2", "-4", "-8")]
WITH_KEDA = Build("overlays/minikube", ("keda",))
WITH_WORKERS = Build("overlays/minikube", ("workers", "sign-in"))
WATCHED = Build("overlays/production", ("keda", "prometheus-operator"))
SCRAPED = Build("overlays/production", ("monitoring",))
WITH_PROVIDER = Build("overlays/production", ("provider",))
DEPLOYED = [MINIKUBE, PRODUCTION, *DETECTOR_ONLY, WITH_KEDA, WITH_WORKERS, WATCHED, SCRAPED, WITH_PROVIDER]
"""What somebody applies to a cluster."""
BASE = Build("base")


@cache
def kustomize() -> tuple[str, ...]:
    """The command that builds a folder. Skips the test where there is none of version 5 or later."""
    ways = {"kustomize": (("version",), ("build",)), "kubectl": (("version", "--client"), ("kustomize",))}
    for name, (version, build) in ways.items():
        program = shutil.which(name)
        if program is None:
            continue
        said = subprocess.run([program, *version], capture_output=True, text=True, check=False).stdout
        found = re.search(r"(?:Kustomize Version: |kustomize/|^)v(\d+)\.", said, re.MULTILINE)
        if found and int(found[1]) >= OLDEST_KUSTOMIZE:
            return (program, *build)
    pytest.skip("neither kustomize 5 nor a kubectl with it is on the PATH: the manifests are not built")


def overlaid(overlay: Manifest) -> str:
    """An overlay that is not in git, built; it names its resources and components as they lie in `deploy/k8s`."""
    with tempfile.TemporaryDirectory() as own:
        place = Path(own).resolve()
        for key in ("resources", "components"):
            overlay = overlay | {key: [os.path.relpath(FOLDER / name, place) for name in overlay.get(key, [])]}
        (place / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        return _run(place)


def _run(folder: Path) -> str:
    """What kustomize makes of a folder, as JSON, which is quicker to copy than YAML is to parse again."""
    done = subprocess.run([*kustomize(), str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.dumps(list(yaml.safe_load_all(done.stdout)))


@cache
def _built(build: Build) -> str:
    if not build.components:
        return _run(FOLDER / build.folder)
    components = [f"components/{name}" for name in build.components]
    return overlaid({"resources": [build.folder], "components": components})


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods that a workload makes."""

    workload: Manifest
    template: Manifest

    @property
    def name(self) -> str:
        return title(self.workload)

    @property
    def namespace(self) -> str:
        return namespace(self.workload)

    @property
    def labels(self) -> dict[str, str]:
        return self.template.get("metadata", {}).get("labels", {})

    @property
    def spec(self) -> Manifest:
        return self.template["spec"]

    def containers(self) -> Iterator[Manifest]:
        for key in ("initContainers", "containers"):
            yield from self.spec.get(key, [])

    def ports(self) -> dict[object, int]:
        """Every port that its containers name, by name and by number."""
        every = [port for container in self.containers() for port in container.get("ports", [])]
        numbers = {port["containerPort"]: port["containerPort"] for port in every}
        return numbers | {port["name"]: port["containerPort"] for port in every if "name" in port}


def title(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def namespace(manifest: Manifest) -> str:
    return manifest["metadata"].get("namespace", "")


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> Iterator[Manifest]:
    return (one for one in manifests if one["kind"] in kinds)


def named(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    return next(one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))


def all_pods(manifests: Iterable[Manifest]) -> Iterator[Pods]:
    """Of every kind of workload that has a template of its pods."""
    for one in manifests:
        spec = one.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if isinstance(template, dict) and "spec" in template:
            yield Pods(one, template)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector holds; an empty one always does, none never. Knows matchLabels only, and says so."""
    if selector is None:
        return False
    unknown = selector.keys() - {"matchLabels"}
    assert not unknown, f"the policies do not know {unknown}"
    return selector.get("matchLabels", {}).items() <= labels.items()
