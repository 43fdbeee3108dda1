"""`deploy/k8s` as kustomize builds it: valid in every field, with settings that the services know."""

import json
import re
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from services.accounts.settings import AccountsSettings, ProviderSettings
from services.consensus.settings import ConsensusServiceSettings
from services.detector.settings import DetectorSettings, PrelabelerSettings
from services.notifier.settings import NotifierSettings
from services.subtask_manager.settings import SubtaskManagerSettings
from services.task_manager import label_imports
from services.task_manager.exports import MAX_AT_ONCE
from services.task_manager.settings import TaskManagerSettings
from services.worker.settings import WorkerServiceSettings, WorkerSettings
from shared.routing import OF_WORKERS, Topology
from tests.kubernetes.manifests import (
    BASE,
    DEPLOYED,
    DETECTOR_ONLY,
    FOLDER,
    MINIKUBE,
    PRODUCTION,
    WATCHED,
    WITH_KEDA,
    WITH_PROVIDER,
    WITH_WORKERS,
    Build,
    Manifest,
    named,
    of_kind,
    overlaid,
)
from tests.kubernetes.pod_policies import quantity
from tests.kubernetes.validation import OLDEST, SCHEMAS, faults

EXPORT_BYTES = 2_000_000_000
"""What docs/kubernetes.md grants each export in the spool."""
SERVICES: dict[str, type[BaseSettings]] = {
    "task-manager": TaskManagerSettings,
    "subtask-manager": SubtaskManagerSettings,
    "notifier": NotifierSettings,
    "consensus": ConsensusServiceSettings,
    "worker": WorkerServiceSettings,
    "detector": PrelabelerSettings,
    "accounts": AccountsSettings,
}


@pytest.mark.parametrize("build", [BASE, *DEPLOYED], ids=lambda build: build.name)
def test_it_builds_and_every_field_is_known(build: Build):
    manifests = build.manifests()
    assert [fault for one in manifests for fault in faults(one)] == []
    assert [fault for one in manifests for fault in faults(one, OLDEST)] == []


def test_no_overlay_is_left_out():
    there = {f"overlays/{path.parent.name}" for path in (FOLDER / "overlays").glob("*/kustomization.yaml")}
    assert there == {build.folder for build in DEPLOYED}
    used = {name for build in DEPLOYED for name in build.components} | {"data-tier", "open-access", "sign-in"}
    assert {path.parent.name for path in (FOLDER / "components").glob("*/kustomization.yaml")} == used


MISSPELLED: list[tuple[Build, str, str, Any]] = [
    (PRODUCTION, "Deployment detector", "spec replica", 3),
    (PRODUCTION, "Deployment detector", "spec template spec containers 0 imagePullPolicy", 1),
    (PRODUCTION, "HorizontalPodAutoscaler detector", "spec behaviour", {}),
    (PRODUCTION, "NetworkPolicy default-deny", "spec podselector", {}),
    (WITH_KEDA, "ScaledObject detector", "spec minReplicas", 1),
    (WITH_KEDA, "ScaledObject detector", "spec triggers 0 metadata queue", "x"),
    (WITH_KEDA, "TriggerAuthentication detector-broker", "spec secretTargetRef 0 secret", "x"),
    (WATCHED, "PodMonitor quorate", "spec podMetricsEndpoints 0 targetport", 1),
    (WATCHED, "PodMonitor quorate", "kind", "PodMonitors"),
]


@pytest.mark.parametrize(
    ("build", "where", "path", "value"), MISSPELLED, ids=[f"{w}: {p}" for _, w, p, _ in MISSPELLED]
)
def test_a_field_that_is_not_known_is_refused(build: Build, where: str, path: str, value: Any):
    manifest: Any = named(build.manifests(), *where.split())
    place = manifest
    *way, last = path.split()
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    assert faults(manifest) != []


def test_every_schema_of_ours_is_used():
    kinds = {one["kind"].lower() for build in DEPLOYED for one in build.manifests()} | {"prometheusrule"}
    assert {path.stem for path in SCHEMAS.glob("*.json")} <= kinds


def environment(manifests: list[Manifest], service: str) -> dict[str, str | None]:
    """What a service finds in its environment; None: from a Secret or by hand."""
    container = named(manifests, "Deployment", service)["spec"]["template"]["spec"]["containers"][0]
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        found |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {variable["name"]: variable.get("value") for variable in container["env"]}


def known(settings: type[BaseSettings]) -> set[str]:
    return {f"QUORATE_{name.upper()}" for name in settings.model_fields}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("build", [MINIKUBE, PRODUCTION], ids=lambda build: build.name)
def test_a_service_is_told_what_it_must_know_and_nothing_that_it_does_not(build: Build, service: str):
    told = environment(build.manifests(), service)
    settings = SERVICES[service]
    required = {f"QUORATE_{name.upper()}" for name, field in settings.model_fields.items() if field.is_required()}
    assert required <= told.keys() <= known(settings)


def test_a_detector_by_itself_is_told_of_no_server():
    told = environment(DETECTOR_ONLY[0].manifests(), "detector")
    assert told.keys() <= known(DetectorSettings)
    assert "QUORATE_AMQP_URL" not in told, "it would wait for a broker"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("build", [MINIKUBE, PRODUCTION], ids=lambda build: build.name)
def test_people_sign_in_and_only_accounts_have_the_key_that_signs(build: Build, service: str):
    container = named(build.manifests(), "Deployment", service)["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "QUORATE_AUTH", "value": "on"} in container["env"]
    names = {one["name"] for one in container["env"]}
    keys = {"QUORATE_SIGNING_KEYS"} if service == "accounts" else {"QUORATE_VERIFYING_KEYS"}
    assert names & {"QUORATE_SIGNING_KEYS", "QUORATE_VERIFYING_KEYS"} == keys


OIDC = "QUORATE_OIDC_"


def test_accounts_alone_are_told_of_a_provider_and_only_where_that_was_asked_for():
    secret = {"name": "provider", "key": "QUORATE_OIDC_CLIENT_SECRET", "optional": True}
    for service in SERVICES:
        container = named(WITH_PROVIDER.manifests(), "Deployment", service)["spec"]["template"]["spec"]["containers"][0]
        told = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if one["name"].startswith(OIDC)]
        assert told == ([secret] if service == "accounts" else [])
        assert not any(name.startswith(OIDC) for name in environment(PRODUCTION.manifests(), service))


def test_the_settings_of_a_provider_that_the_documentation_shows_are_those_of_the_accounts():
    page = (FOLDER.parents[1] / "docs/kubernetes.md").read_text()
    shown = next(text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if OIDC in text)
    overlay = yaml.safe_load(shown.replace("../quorate/deploy/k8s/", ""))
    manifests = json.loads(overlaid({"resources": ["overlays/production"]} | overlay))
    told = environment(manifests, "accounts")
    assert told.keys() <= known(AccountsSettings)
    given = {name.removeprefix("QUORATE_").lower(): value for name, value in told.items() if value is not None}
    terms = ProviderSettings(**{name: value for name, value in given.items() if name.startswith(("oidc", "public"))})
    assert terms.provider_terms is not None


def test_a_detector_by_itself_asks_nobody_only_where_that_was_said_by_hand():
    container = named(DETECTOR_ONLY[0].manifests(), "Deployment", "detector")["spec"]["template"]["spec"]
    by_hand = {"configMapKeyRef": {"name": "access", "key": "QUORATE_AUTH"}}
    assert {"name": "QUORATE_AUTH", "valueFrom": by_hand} in container["containers"][0]["env"]
    assert "access" not in {one["metadata"]["name"] for one in of_kind(DETECTOR_ONLY[0].manifests(), "ConfigMap")}


@pytest.mark.parametrize("operation", OF_WORKERS)
def test_each_operation_may_have_workers_that_scale_with_its_queue(operation: str):
    manifests = WITH_WORKERS.manifests()
    told = environment(manifests, f"worker-{operation}")
    assert WorkerSettings(operations=told["QUORATE_OPERATIONS"] or "").kinds == (operation,)
    assert told.keys() - {"QUORATE_OPERATIONS"} == environment(manifests, "worker").keys()
    scaler = named(manifests, "ScaledObject", f"worker-{operation}")["spec"]
    assert scaler["scaleTargetRef"]["name"] == f"worker-{operation}"
    assert scaler["triggers"][0]["metadata"]["queueName"] in dict(Topology.queues(f"step.opened.{operation}.v1"))


def test_what_is_under_way_at_a_time_fits_into_the_spool():
    manifests = PRODUCTION.manifests()
    told = environment(manifests, "task-manager")
    spec = named(manifests, "Deployment", "task-manager")["spec"]["template"]["spec"]
    volume = next(one for one in spec["volumes"] if one["name"] == "spool")
    room = quantity(volume["emptyDir"]["sizeLimit"])
    archive_bytes = TaskManagerSettings.model_fields["max_archive_bytes"].default
    uploads_bytes = int(told["QUORATE_MAX_UPLOADS"] or 0) * archive_bytes
    imports_bytes = label_imports.MAX_AT_ONCE * archive_bytes
    assert uploads_bytes + imports_bytes + MAX_AT_ONCE * EXPORT_BYTES <= room
    assert room < quantity(spec["containers"][0]["resources"]["limits"]["ephemeral-storage"])


def gateway_routes() -> dict[str, str]:
    """Which service answers below which path, by the gateway's own template."""
    text = (FOLDER.parent / "gateway/quorate.conf.template").read_text()
    found = {}
    for names, upstream in re.findall(
        r"location ~ \^/api/\(([a-z_/|]+)\)\(/\|\$\) \{\s*proxy_pass http://(\w+);", text
    ):
        found |= {f"/api/{name}": upstream.replace("_", "-") for name in names.split("|")}
    assert re.search(r"location / \{\s*proxy_pass http://task_manager;", text)
    return found | {"/api": "task-manager"}


@pytest.mark.parametrize("build", [MINIKUBE, PRODUCTION], ids=lambda build: build.name)
def test_the_ingress_has_the_routes_of_the_gateway(build: Build):
    (rule,) = named(build.manifests(), "Ingress", "quorate")["spec"]["rules"]
    paths = [path for path in rule["http"]["paths"] if path["path"].startswith("/api")]
    assert {path["pathType"] for path in paths} == {"Prefix"}
    assert {path["path"]: path["backend"]["service"]["name"] for path in paths} == gateway_routes()


@pytest.mark.parametrize("service", SERVICES)
def test_an_autoscaler_stands_where_others_read_it(service: str):
    scaler = yaml.safe_load((FOLDER / f"base/{service}/hpa.yaml").read_text())
    assert faults(scaler) == []
    (metric,) = scaler["spec"]["metrics"]
    assert (metric["resource"]["name"], metric["resource"]["target"]["type"]) == ("cpu", "Utilization")
    built = named(BASE.manifests(), "HorizontalPodAutoscaler", service)
    assert built["spec"] == scaler["spec"]


def test_keda_scales_by_the_detectors_queue_as_the_autoscaler_would():
    manifests = WITH_KEDA.manifests()
    scaled = named(manifests, "ScaledObject", "detector")["spec"]
    scaler = yaml.safe_load((FOLDER / "base/detector/hpa.yaml").read_text())["spec"]
    assert scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == scaler["behavior"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (scaler["minReplicas"], scaler["maxReplicas"])
    queue = scaled["triggers"][0]["metadata"]["queueName"]
    assert queue in {name for kind in Topology.ROUTES for name, _ in Topology.queues(kind)}
    assert "detector" not in {one["metadata"]["name"] for one in of_kind(manifests, "HorizontalPodAutoscaler")}


def test_system_ds_pods_are_one_two_four_and_eight_of_half_a_core():
    counts = []
    for build in DETECTOR_ONLY:
        manifests = build.manifests()
        spec = named(manifests, "Deployment", "detector")["spec"]
        resources = spec["template"]["spec"]["containers"][0]["resources"]
        counts.append(spec["replicas"])
        assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == ("500m", "512Mi")
        assert (resources["limits"]["cpu"], resources["limits"]["memory"]) == ("500m", "512Mi")
        assert named(manifests, "Service", "detector")["spec"]["ports"][0]["nodePort"] == 30080
    assert counts == [1, 2, 4, 8]


def test_production_has_three_of_each_and_no_data_tier():
    manifests = PRODUCTION.manifests()
    scalers = list(of_kind(manifests, "HorizontalPodAutoscaler"))
    assert {one["metadata"]["name"] for one in scalers} == set(SERVICES)
    assert min(one["spec"]["minReplicas"] for one in scalers) >= 3
    assert list(of_kind(manifests, "StatefulSet")) == []
    constraints = named(manifests, "Deployment", "detector")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert constraints[0]["whenUnsatisfiable"] == "DoNotSchedule"


def test_the_overlay_that_the_documentation_shows_builds_and_replaces_every_example():
    page = (FOLDER.parents[1] / "docs/kubernetes.md").read_text()
    shown = next(text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "kind: Kustomization" in text)
    manifests = json.loads(overlaid(yaml.safe_load(shown.replace("../quorate/deploy/k8s/", ""))))
    assert [fault for one in manifests for fault in faults(one)] == []
    assert "quorate.example" not in json.dumps(manifests)
    assert environment(manifests, "detector")["QUORATE_S3_REGION"] == "eu-central-1"
