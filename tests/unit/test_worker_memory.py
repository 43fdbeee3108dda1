"""What a worker may take of memory beside what its container has: a picture fails before the container is killed."""

from pathlib import Path

import pytest

from services.worker.__main__ import MEMORY_BYTES

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the manifests are not checked")

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = {"Mi": 2**20, "Gi": 2**30, "m": 2**20, "g": 2**30}


def in_bytes(text: str) -> int:
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * UNITS[unit]


def test_a_container_has_as_much_memory_as_a_worker_may_take_of_addresses():
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]["worker"]
    pod = yaml.safe_load((DEPLOY / "k8s/base/worker/deployment.yaml").read_text())["spec"]["template"]["spec"]
    assert in_bytes(compose["deploy"]["resources"]["limits"]["memory"]) >= MEMORY_BYTES
    assert in_bytes(pod["containers"][0]["resources"]["limits"]["memory"]) >= MEMORY_BYTES
