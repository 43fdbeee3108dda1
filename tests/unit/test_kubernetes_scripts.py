"""What is made outside git for minikube: secrets that fit together, once, and the servers' start scripts."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.kubernetes.manifests import FOLDER, MINIKUBE, Manifest, all_pods
from tests.kubernetes.validation import faults

MINIKUBE_FOLDER = FOLDER / "overlays/minikube"
SERVERS = FOLDER.parent / "compose/servers"
KUBECTL = """#!/bin/sh
# A cluster with what `there` holds: answers `get`, and notes everything else with what it is given.
case "$*" in
    *"get secret"*) cat "$CLUSTER/there" ;;
    *" get "*) ;;
    *"create configmap"*) echo "kind: ConfigMap" ;;
    *) echo "$*" >> "$CLUSTER/asked"; case "$*" in *"-f -"*) cat >> "$CLUSTER/given" ;; esac ;;
esac
"""


def made() -> dict[str, Manifest]:
    """What secrets.sh prints, by name."""
    done = subprocess.run([str(MINIKUBE_FOLDER / "secrets.sh")], cwd="/", check=True, capture_output=True, text=True)
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(done.stdout)}


def test_the_secrets_are_those_that_the_pods_ask_for():
    secrets = made()
    assert [fault for one in secrets.values() for fault in faults(one)] == []
    asked = set()
    for pods in all_pods(MINIKUBE.manifests()):
        variables = [one.get("valueFrom", {}) for container in pods.containers() for one in container["env"]]
        asked |= {
            (one["secretKeyRef"]["name"], one["secretKeyRef"]["key"]) for one in variables if "secretKeyRef" in one
        }
    assert asked == {(name, key) for name, one in secrets.items() for key in one["stringData"]}


def test_the_services_know_the_servers_secrets():
    values = {name: one["stringData"] for name, one in made().items()}
    tasks, subtasks = values["task-manager"], values["subtask-manager"]
    assert f"quorate_tasks:{values['mongodb']['MONGO_TASKS_PASSWORD']}@mongodb:27017/" in tasks["QUORATE_MONGO_URL"]
    assert f"quorate_subtasks:{values['mongodb']['MONGO_SUBTASKS_PASSWORD']}@" in subtasks["QUORATE_MONGO_URL"]
    webhooks = values["notifier"]
    assert f"quorate_webhooks:{values['mongodb']['MONGO_WEBHOOKS_PASSWORD']}@" in webhooks["QUORATE_MONGO_URL"]
    assert webhooks.keys() == {"QUORATE_MONGO_URL", "QUORATE_AMQP_URL"}
    for service in ("task-manager", "subtask-manager", "worker", "detector"):
        assert f"quorate:{values['rabbitmq']['RABBITMQ_DEFAULT_PASS']}@" in values[service]["QUORATE_AMQP_URL"]
        assert values[service]["QUORATE_S3_SECRET_KEY"] == values["s3"]["S3_SECRET_KEY"]
        assert values[service]["QUORATE_S3_ACCESS_KEY"] == values["s3"]["S3_ACCESS_KEY"]


def test_every_cluster_has_secrets_of_its_own():
    first, second = (set(re.findall(r"[0-9a-f]{20,}", yaml.safe_dump(made()))) for _ in range(2))
    assert len(first) == len(second) == 14
    assert not first & second


def test_the_start_scripts_are_those_of_compose():
    mounted = set()
    for pods in all_pods(MINIKUBE.manifests()):
        volumes = {one["name"] for one in pods.spec["volumes"] if one.get("configMap", {}).get("name") == "servers"}
        for container in pods.containers():
            mounts = [one for one in container["volumeMounts"] if one["name"] in volumes]
            folders = {one["mountPath"] for one in mounts if "subPath" not in one}
            words = [*container.get("command", []), *container["readinessProbe"].get("exec", {}).get("command", [])]
            mounted |= {word.removeprefix("/servers/") for word in words if word.startswith("/servers/") and folders}
            mounted |= {one["subPath"] for one in mounts if "subPath" in one}
    assert mounted == {path.name for path in SERVERS.iterdir()}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that notes what kubectl was asked."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    for name in ("there", "asked", "given"):
        (tmp_path / name).touch()
    monkeypatch.setenv("CLUSTER", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def prepare() -> str:
    return subprocess.run(
        [str(MINIKUBE_FOLDER / "prepare.sh")], cwd="/", check=True, capture_output=True, text=True
    ).stderr


def test_a_new_cluster_gets_secrets(cluster: Path):
    prepare()
    assert "--namespace quorate create -f -" in (cluster / "asked").read_text()
    assert "kind: Secret" in (cluster / "given").read_text()


def test_a_cluster_that_has_secrets_keeps_them(cluster: Path):
    (cluster / "there").write_text("".join(f"secret/{name}\n" for name in made()))
    prepare()
    assert "create" not in (cluster / "asked").read_text()
    assert "kind: ConfigMap" in (cluster / "given").read_text()
    assert "kind: Secret" not in (cluster / "given").read_text()


@pytest.mark.parametrize("there", [["mongodb"], ["mongodb", "rabbitmq", "s3", "task-manager", "subtask-manager"]])
def test_a_cluster_that_has_some_of_the_secrets_gets_no_others_that_do_not_fit(cluster: Path, there):
    (cluster / "there").write_text("".join(f"secret/{name}\n" for name in there))
    with pytest.raises(subprocess.CalledProcessError) as failed:
        prepare()
    assert f"only {len(there)} of the secrets" in failed.value.stderr
    assert "kind: Secret" not in (cluster / "given").read_text()


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_sound_sh(script: Path):
    assert os.access(script, os.X_OK)
    assert "set -eu" in script.read_text()
    shell = shutil.which("dash") or "sh"
    assert subprocess.run([shell, "-n", str(script)], capture_output=True, check=False).stderr == b""
