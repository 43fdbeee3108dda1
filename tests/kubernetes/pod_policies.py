"""What every pod keeps to. A policy is a function from manifests to what is wrong with them."""

import re
from collections.abc import Callable, Iterable

from shared.http.serving import GRACE_S
from tests.kubernetes.manifests import Manifest, Pods, all_pods, of_kind

Policy = Callable[[list[Manifest]], list[str]]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9, "m": 1 / 1000, "": 1}
SECRET_NAME = re.compile("PASS|SECRET|TOKEN|COOKIE|KEYFILE|_KEY$", re.IGNORECASE)
PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def quantity(text: object) -> float:
    """A Kubernetes quantity as a number: 250m, 512Mi, 1."""
    number = str(text).rstrip("".join(UNITS))
    return float(number) * UNITS[str(text).removeprefix(number)]


def containers(manifests: Iterable[Manifest]) -> Iterable[tuple[str, Pods, Manifest]]:
    return ((f"{pods.name}/{one['name']}", pods, one) for pods in all_pods(manifests) for one in pods.containers())


def without_limits(manifests: list[Manifest]) -> list[str]:
    found = []
    for name, _, one in containers(manifests):
        resources = one.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        for what in ("cpu", "memory", "ephemeral-storage"):
            if what not in requests or what not in limits:
                found.append(f"{name}: no {what}")
            elif not 0 < quantity(requests[what]) <= quantity(limits[what]):
                found.append(f"{name}: requests no {what}, or more than its limit")
    return found


def without_probes(manifests: list[Manifest]) -> list[str]:
    """A pod that lives is not restarted for what it depends on, so liveness never asks /readyz."""
    found = []
    for name, pods, one in containers(manifests):
        if one in pods.spec.get("initContainers", []):
            continue
        found += [
            f"{name}: no {probe}" for probe in ("startupProbe", "readinessProbe", "livenessProbe") if not one.get(probe)
        ]
        if one.get("livenessProbe", {}).get("httpGet", {}).get("path") == "/readyz":
            found.append(f"{name}: restarts for what it depends on")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = one.get(probe, {}).get("httpGet") or one.get(probe, {}).get("tcpSocket")
            if asked and asked["port"] not in pods.ports():
                found.append(f"{name}: {probe} asks a port that is not there")
    return found


def root(manifests: list[Manifest]) -> list[str]:
    found = []
    for name, pods, one in containers(manifests):
        context = pods.spec.get("securityContext", {}) | one.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser") or not context.get("runAsGroup"):
            found.append(name)
    return found


def without_seccomp(manifests: list[Manifest]) -> list[str]:
    found = []
    for name, pods, one in containers(manifests):
        context = pods.spec.get("securityContext", {}) | one.get("securityContext", {})
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            found.append(name)
    return found


def capabilities(manifests: list[Manifest]) -> list[str]:
    kept = {name: one.get("securityContext", {}).get("capabilities", {}) for name, _, one in containers(manifests)}
    return [name for name, some in kept.items() if some.get("drop") != ["ALL"] or some.get("add")]


def escalation(manifests: list[Manifest]) -> list[str]:
    contexts = {name: one.get("securityContext", {}) for name, _, one in containers(manifests)}
    wrong = [name for name, context in contexts.items() if context.get("allowPrivilegeEscalation") is not False]
    return wrong + [name for name, context in contexts.items() if context.get("privileged")]


def writable_roots(manifests: list[Manifest]) -> list[str]:
    every = containers(manifests)
    return [name for name, _, one in every if one.get("securityContext", {}).get("readOnlyRootFilesystem") is not True]


def unbounded_volumes(manifests: list[Manifest]) -> list[str]:
    """An emptyDir without a limit fills the node's disk; what is mounted has to be there."""
    found = []
    for pods in all_pods(manifests):
        volumes = {one["name"]: one for one in pods.spec.get("volumes", [])}
        found += [
            f"{pods.name}: {name}"
            for name, one in volumes.items()
            if "sizeLimit" not in one.get("emptyDir", {"sizeLimit": 0})
        ]
        claims = {one["metadata"]["name"] for one in pods.workload["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for one in pods.containers() for mount in one.get("volumeMounts", [])}
        found += [f"{pods.name}: {name} is not there" for name in mounted - volumes.keys() - claims]
    return found


def host_access(manifests: list[Manifest]) -> list[str]:
    found = []
    for pods in all_pods(manifests):
        found += [f"{pods.name}: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pods.spec.get(key)]
        found += [f"{pods.name}: hostPath" for volume in pods.spec.get("volumes", []) if "hostPath" in volume]
        ports = [port for one in pods.containers() for port in one.get("ports", [])]
        found += [f"{pods.name}: hostPort" for port in ports if "hostPort" in port]
    return found


def floating_images(manifests: list[Manifest]) -> list[str]:
    """A version by tag, or a digest; and never pulled anew under the same name."""
    found = []
    for name, _, one in containers(manifests):
        image = one.get("image", "")
        pinned = re.fullmatch(r"[a-z0-9.:/-]+(:[A-Za-z0-9._-]*\d[A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})", image)
        if not pinned or "latest" in image or one.get("imagePullPolicy") != "IfNotPresent":
            found.append(f"{name}: {image}")
    return found


def written_secrets(manifests: list[Manifest]) -> list[str]:
    """No Secret is in git, nothing that is called like one has a value, and no URL has a password."""
    found = [one["metadata"]["name"] for one in of_kind(manifests, "Secret")]
    values = [
        (one["metadata"]["name"], key, value)
        for one in of_kind(manifests, "ConfigMap")
        for key, value in one.get("data", {}).items()
    ]
    for name, _, one in containers(manifests):
        values += [(name, variable["name"], variable.get("value")) for variable in one.get("env", [])]
    for name, key, value in values:
        if value is not None and (SECRET_NAME.search(key) or PASSWORD_IN_URL.search(str(value))):
            found.append(f"{name}: {key}")
    return found


def all_of_a_secret(manifests: list[Manifest]) -> list[str]:
    """Secrets are taken key by key: a Secret with one key more must not set one setting more."""
    every = containers(manifests)
    return [name for name, _, one in every for source in one.get("envFrom", []) if "secretRef" in source]


def api_tokens(manifests: list[Manifest]) -> list[str]:
    """Nobody here talks to the API server."""
    found = [pods.name for pods in all_pods(manifests) if pods.spec.get("automountServiceAccountToken") is not False]
    accounts = {one["metadata"]["name"]: one for one in of_kind(manifests, "ServiceAccount")}
    found += [name for name, one in accounts.items() if one.get("automountServiceAccountToken") is not False]
    return found + [pods.name for pods in all_pods(manifests) if pods.spec.get("serviceAccountName") not in accounts]


def hasty_stops(manifests: list[Manifest]) -> list[str]:
    """First out of the load balancing, then the requests under way, then the events at hand."""
    found = []
    for pods in all_pods(manifests):
        grace_s = pods.spec.get("terminationGracePeriodSeconds", 30)
        waits_s = [
            one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) for one in pods.containers()
        ]
        if pods.workload["kind"] == "Deployment" and (min(waits_s) < 5 or grace_s <= max(waits_s) + 2 * GRACE_S):
            found.append(f"{pods.name}: waits {waits_s} s of {grace_s} s")
        if pods.workload["kind"] == "StatefulSet" and grace_s < 60:
            found.append(f"{pods.name}: {grace_s} s to close its files")
    return found


POLICIES: list[Policy] = [
    without_limits,
    without_probes,
    root,
    without_seccomp,
    capabilities,
    escalation,
    writable_roots,
    unbounded_volumes,
    host_access,
    floating_images,
    written_secrets,
    all_of_a_secret,
    api_tokens,
    hasty_stops,
]
