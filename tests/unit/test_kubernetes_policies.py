"""What `deploy/k8s` promises, read from what kustomize builds; and each promise would be missed if it were broken."""

from typing import Any

import pytest

from tests.kubernetes import cluster_policies as cluster
from tests.kubernetes import pod_policies as pod
from tests.kubernetes.manifests import (
    DEPLOYED,
    DETECTOR_ONLY,
    MINIKUBE,
    PRODUCTION,
    WITH_KEDA,
    Build,
    Manifest,
    named,
)
from tests.kubernetes.pod_policies import Policy

POLICIES = [*pod.POLICIES, *cluster.POLICIES]
GONE = object()
POD = "spec template spec"
SERVICE = f"{POD} containers 0"


@pytest.mark.parametrize("build", DEPLOYED, ids=lambda build: build.name)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_manifests_keep_the_policy(policy: Policy, build: Build):
    assert policy(build.manifests()) == []


def plant(manifests: list[Manifest], where: str, path: str, value: Any) -> None:
    """Change one manifest, named by kind and name, at a path of keys and indices."""
    kind, name = where.split()
    place: Any = named(manifests, kind, name)
    *way, last = [int(step) if step.isdigit() else step for step in path.split()]
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    elif last == "+":
        place.append(value)
    else:
        place[last] = value


PLANTED: list[tuple[Policy, Build, str, str, Any]] = [
    (pod.without_limits, MINIKUBE, "Deployment task-manager", f"{SERVICE} resources", GONE),
    (pod.without_limits, MINIKUBE, "Deployment task-manager", f"{SERVICE} resources limits memory", GONE),
    (pod.without_limits, MINIKUBE, "StatefulSet mongodb", f"{SERVICE} resources requests cpu", GONE),
    (pod.without_limits, MINIKUBE, "Deployment detector", f"{SERVICE} resources requests cpu", "4"),
    (pod.without_probes, PRODUCTION, "Deployment detector", f"{SERVICE} readinessProbe", GONE),
    (pod.without_probes, PRODUCTION, "Deployment detector", f"{SERVICE} startupProbe", GONE),
    (pod.without_probes, PRODUCTION, "Deployment detector", f"{SERVICE} livenessProbe httpGet path", "/readyz"),
    (pod.without_probes, PRODUCTION, "Deployment detector", f"{SERVICE} livenessProbe httpGet port", 8081),
    (pod.without_probes, MINIKUBE, "StatefulSet rabbitmq", f"{SERVICE} livenessProbe", GONE),
    (pod.root, PRODUCTION, "Deployment task-manager", f"{POD} securityContext runAsNonRoot", False),
    (pod.root, PRODUCTION, "Deployment task-manager", f"{SERVICE} securityContext runAsUser", 0),
    (pod.root, MINIKUBE, "StatefulSet s3", f"{POD} securityContext runAsUser", GONE),
    (pod.without_seccomp, PRODUCTION, "Deployment task-manager", f"{POD} securityContext seccompProfile", GONE),
    (
        pod.without_seccomp,
        PRODUCTION,
        "Deployment detector",
        f"{POD} securityContext seccompProfile type",
        "Unconfined",
    ),
    (pod.capabilities, PRODUCTION, "Deployment detector", f"{SERVICE} securityContext capabilities", GONE),
    (pod.capabilities, PRODUCTION, "Deployment detector", f"{SERVICE} securityContext capabilities drop", ["NET_RAW"]),
    (pod.capabilities, MINIKUBE, "StatefulSet s3", f"{SERVICE} securityContext capabilities add", ["SYS_ADMIN"]),
    (pod.escalation, PRODUCTION, "Deployment detector", f"{SERVICE} securityContext allowPrivilegeEscalation", GONE),
    (pod.escalation, PRODUCTION, "Deployment detector", f"{SERVICE} securityContext privileged", True),
    (pod.writable_roots, PRODUCTION, "Deployment detector", f"{SERVICE} securityContext readOnlyRootFilesystem", GONE),
    (pod.writable_roots, MINIKUBE, "StatefulSet s3", f"{SERVICE} securityContext readOnlyRootFilesystem", False),
    (pod.unbounded_volumes, PRODUCTION, "Deployment task-manager", f"{POD} volumes 0 emptyDir", {}),
    (pod.unbounded_volumes, PRODUCTION, "Deployment task-manager", f"{POD} volumes 0", GONE),
    (pod.host_access, PRODUCTION, "Deployment detector", f"{POD} hostNetwork", True),
    (pod.host_access, PRODUCTION, "Deployment detector", f"{POD} volumes +", {"name": "x", "hostPath": {"path": "/"}}),
    (pod.host_access, PRODUCTION, "Deployment detector", f"{SERVICE} ports 0 hostPort", 8080),
    (pod.floating_images, MINIKUBE, "StatefulSet mongodb", f"{SERVICE} image", "mongo:latest"),
    (pod.floating_images, MINIKUBE, "StatefulSet mongodb", f"{SERVICE} image", "mongo"),
    (pod.floating_images, MINIKUBE, "StatefulSet mongodb", f"{SERVICE} image", "registry.example:5000/mongo"),
    (pod.floating_images, PRODUCTION, "Deployment detector", f"{SERVICE} imagePullPolicy", "Always"),
    (pod.written_secrets, MINIKUBE, "Deployment detector", "kind", "Secret"),
    (
        pod.written_secrets,
        PRODUCTION,
        "Deployment detector",
        f"{SERVICE} env 0",
        {"name": "QUORATE_AMQP_URL", "value": "amqp://quorate:quorate@rabbitmq:5672/"},
    ),
    (
        pod.written_secrets,
        PRODUCTION,
        "Deployment detector",
        f"{SERVICE} env 1",
        {"name": "QUORATE_S3_SECRET_KEY", "value": "minioadmin"},
    ),
    (
        pod.all_of_a_secret,
        PRODUCTION,
        "Deployment detector",
        f"{SERVICE} envFrom +",
        {"secretRef": {"name": "detector"}},
    ),
    (pod.api_tokens, PRODUCTION, "Deployment detector", f"{POD} automountServiceAccountToken", GONE),
    (pod.api_tokens, PRODUCTION, "Deployment detector", f"{POD} serviceAccountName", "default"),
    (pod.api_tokens, MINIKUBE, "ServiceAccount mongodb", "automountServiceAccountToken", True),
    (pod.hasty_stops, PRODUCTION, "Deployment detector", f"{SERVICE} lifecycle", GONE),
    (pod.hasty_stops, PRODUCTION, "Deployment detector", f"{SERVICE} lifecycle preStop sleep seconds", 55),
    (pod.hasty_stops, PRODUCTION, "Deployment detector", f"{POD} terminationGracePeriodSeconds", GONE),
    (pod.hasty_stops, MINIKUBE, "StatefulSet mongodb", f"{POD} terminationGracePeriodSeconds", 10),
    (
        cluster.open_namespaces,
        PRODUCTION,
        "Namespace quorate",
        "metadata labels pod-security.kubernetes.io/enforce",
        "baseline",
    ),
    (cluster.open_namespaces, PRODUCTION, "Namespace quorate", "kind", "Gone"),
    (cluster.open_networks, PRODUCTION, "NetworkPolicy default-deny", "spec policyTypes", ["Ingress"]),
    (cluster.open_networks, PRODUCTION, "NetworkPolicy default-deny", "spec ingress", [{}]),
    (cluster.open_networks, DETECTOR_ONLY[0], "NetworkPolicy requests-only", "kind", "Gone"),
    (cluster.unreachable_pods, PRODUCTION, "NetworkPolicy requests", "spec ingress 0 ports 0 port", 80),
    (
        cluster.unreachable_pods,
        MINIKUBE,
        "NetworkPolicy mongodb",
        "spec podSelector matchLabels app.kubernetes.io/name",
        "mongo",
    ),
    (cluster.without_disruption_budget, PRODUCTION, "PodDisruptionBudget detector", "kind", "Gone"),
    (cluster.without_disruption_budget, PRODUCTION, "PodDisruptionBudget detector", "spec maxUnavailable", 0),
    (
        cluster.without_disruption_budget,
        PRODUCTION,
        "PodDisruptionBudget detector",
        "spec selector matchLabels app.kubernetes.io/name",
        "task-manager",
    ),
    (
        cluster.mismatched_selectors,
        PRODUCTION,
        "Deployment detector",
        "spec selector matchLabels",
        {"app.kubernetes.io/component": "service"},
    ),
    (
        cluster.aimless_services,
        PRODUCTION,
        "Service detector",
        "spec selector",
        {"app.kubernetes.io/component": "service"},
    ),
    (cluster.aimless_services, PRODUCTION, "Service detector", "spec ports 0 targetPort", "web"),
    (cluster.aimless_services, MINIKUBE, "StatefulSet mongodb", "spec serviceName", "mongo"),
    (cluster.dangling_routes, PRODUCTION, "Ingress quorate", "spec rules 0 host", GONE),
    (
        cluster.dangling_routes,
        PRODUCTION,
        "Ingress quorate",
        "spec rules 0 http paths 0 backend service name",
        "subtasks",
    ),
    (cluster.dangling_routes, MINIKUBE, "Service s3", "spec ports 0 name", "http"),
    (cluster.aimless_scalers, PRODUCTION, "HorizontalPodAutoscaler detector", "spec scaleTargetRef name", "yolo"),
    (
        cluster.aimless_scalers,
        PRODUCTION,
        "HorizontalPodAutoscaler detector",
        "spec scaleTargetRef name",
        "task-manager",
    ),
    (cluster.aimless_scalers, WITH_KEDA, "ScaledObject detector", "spec scaleTargetRef name", "task-manager"),
    (cluster.fixed_replicas, PRODUCTION, "Deployment detector", "spec replicas", 3),
    (cluster.fixed_replicas, WITH_KEDA, "Deployment detector", "spec replicas", 3),
    (cluster.fixed_replicas, DETECTOR_ONLY[0], "Deployment detector", "spec replicas", GONE),
    (cluster.hasty_scaling, PRODUCTION, "HorizontalPodAutoscaler detector", "spec behavior", GONE),
    (cluster.hasty_scaling, PRODUCTION, "HorizontalPodAutoscaler detector", "spec minReplicas", 0),
    (
        cluster.hasty_scaling,
        PRODUCTION,
        "HorizontalPodAutoscaler detector",
        "spec behavior scaleDown stabilizationWindowSeconds",
        0,
    ),
    (cluster.hasty_scaling, WITH_KEDA, "ScaledObject detector", "spec minReplicaCount", 0),
    (cluster.hasty_scaling, WITH_KEDA, "ScaledObject detector", "spec advanced", GONE),
    (cluster.unspread, PRODUCTION, "Deployment detector", f"{POD} topologySpreadConstraints", GONE),
    (cluster.unspread, PRODUCTION, "Deployment detector", f"{POD} topologySpreadConstraints 0 matchLabelKeys", GONE),
    (
        cluster.unspread,
        PRODUCTION,
        "Deployment detector",
        f"{POD} topologySpreadConstraints 0 labelSelector matchLabels",
        {"app": "quorate"},
    ),
    (
        cluster.dangling_references,
        PRODUCTION,
        "Deployment detector",
        f"{SERVICE} envFrom 0 configMapRef name",
        "settings",
    ),
    (cluster.dangling_references, MINIKUBE, "StatefulSet s3", f"{POD} volumes 1 configMap name", "scripts"),
]


@pytest.mark.parametrize(
    ("policy", "build", "where", "path", "value"),
    PLANTED,
    ids=[f"{policy.__name__}: {where}: {path}" for policy, _, where, path, _ in PLANTED],
)
def test_a_planted_violation_is_caught(policy: Policy, build: Build, where: str, path: str, value: Any):
    manifests = build.manifests()
    plant(manifests, where, path, value)
    assert policy(manifests) != []


def test_every_policy_was_broken_once():
    assert {policy for policy, *_ in PLANTED} == set(POLICIES)
