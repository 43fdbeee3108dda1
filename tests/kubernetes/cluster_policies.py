"""What manifests keep to among each other: who selects whom, who scales what, who may talk to whom."""

from collections.abc import Iterator

from tests.kubernetes.manifests import Manifest, Pods, all_pods, namespace, of_kind, selects, title
from tests.kubernetes.pod_policies import Policy

FROM_OUTSIDE = {"access", "servers"}
"""ConfigMaps that somebody makes by hand, or a script: docs/kubernetes.md."""
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


def neighbours(manifests: list[Manifest], pods: Pods, kind: str) -> Iterator[Manifest]:
    """Manifests of a kind in the namespace of the pods."""
    return (one for one in of_kind(manifests, kind) if namespace(one) == pods.namespace)


def open_namespaces(manifests: list[Manifest]) -> list[str]:
    """Pod Security admits nothing that is not restricted."""
    wanted = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    spaces = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in of_kind(manifests, "Namespace")}
    used = {namespace(one) for one in manifests if one["kind"] != "Namespace"}
    return sorted(used - spaces.keys()) + [
        name for name, labels in spaces.items() if not wanted.items() <= labels.items()
    ]


def open_networks(manifests: list[Manifest]) -> list[str]:
    """Every namespace has a policy that selects all pods, both ways: nothing passes that no policy names."""
    found = []
    for space in of_kind(manifests, "Namespace"):
        name = space["metadata"]["name"]
        policies = [one["spec"] for one in of_kind(manifests, "NetworkPolicy") if namespace(one) == name]
        every = [
            one for one in policies if one["podSelector"] == {} and set(one["policyTypes"]) == {"Ingress", "Egress"}
        ]
        if not every:
            found.append(name)
        found += [
            f"{name}: lets everything through"
            for one in policies
            if {} in one.get("ingress", []) + one.get("egress", [])
        ]
    return found


def unreachable_pods(manifests: list[Manifest]) -> list[str]:
    """Every pod with a port is let in by a NetworkPolicy, to that port; to the one for operations only monitoring."""
    found = []
    for pods in all_pods(manifests):
        policies = [one["spec"] for one in neighbours(manifests, pods, "NetworkPolicy")]
        rules = [
            rule for one in policies if selects(one["podSelector"], pods.labels) for rule in one.get("ingress", [])
        ]
        let_in = {pods.ports().get(port["port"]) for rule in rules for port in rule.get("ports", [])}
        for_requests = set(pods.ports().values()) - {pods.ports().get("operations")}
        found += [f"{pods.name}: {port}" for port in sorted(for_requests - let_in)]
    return found


def without_disruption_budget(manifests: list[Manifest]) -> list[str]:
    """One budget for each workload, which lets a node be drained."""
    found = []
    for pods in all_pods(manifests):
        every = [one["spec"] for one in neighbours(manifests, pods, "PodDisruptionBudget")]
        budgets = [one for one in every if selects(one["selector"], pods.labels)]
        if len(budgets) != 1 or budgets[0].get("maxUnavailable") in {None, 0, "0%"}:
            found.append(pods.name)
    return found


def mismatched_selectors(manifests: list[Manifest]) -> list[str]:
    """A workload selects its own pods and nobody else's."""
    found = []
    for one in of_kind(manifests, "Deployment", "StatefulSet"):
        selected = [pods.name for pods in all_pods(manifests) if selects(one["spec"]["selector"], pods.labels)]
        if selected != [title(one)]:
            found.append(title(one))
    return found


def aimless_services(manifests: list[Manifest]) -> list[str]:
    """A Service selects the pods of one workload, which have its ports."""
    found = []
    for one in of_kind(manifests, "Service"):
        selected = [
            pods for pods in all_pods(manifests) if selects({"matchLabels": one["spec"]["selector"]}, pods.labels)
        ]
        ports = {port["targetPort"] for port in one["spec"]["ports"]}
        if len(selected) != 1 or namespace(one) != selected[0].namespace or not ports <= selected[0].ports().keys():
            found.append(title(one))
    services = {one["metadata"]["name"] for one in of_kind(manifests, "Service")}
    return found + [
        title(one) for one in of_kind(manifests, "StatefulSet") if one["spec"]["serviceName"] not in services
    ]


def dangling_routes(manifests: list[Manifest]) -> list[str]:
    """An Ingress names its host, so that a page that rebinds DNS gets nowhere, and leads to a port that is there."""
    ports = {
        (one["metadata"]["name"], port["name"])
        for one in of_kind(manifests, "Service")
        for port in one["spec"]["ports"]
    }
    found = []
    for one in of_kind(manifests, "Ingress"):
        for rule in one["spec"]["rules"]:
            if not rule.get("host") or "*" in rule["host"]:
                found.append(f"{title(one)}: any host")
            backends = [path["backend"]["service"] for path in rule["http"]["paths"]]
            found += [
                f"{title(one)}: {back['name']}"
                for back in backends
                if (back["name"], back["port"]["name"]) not in ports
            ]
    return found


def targets(manifests: list[Manifest]) -> list[tuple[str, str]]:
    """What the autoscalers scale, by kind and name."""
    references = [one["spec"]["scaleTargetRef"] for one in of_kind(manifests, *SCALERS)]
    return [(reference["kind"], reference["name"]) for reference in references]


def aimless_scalers(manifests: list[Manifest]) -> list[str]:
    """What is scaled is there, and by one autoscaler only."""
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    scaled = targets(manifests)
    return [f"{name}" for kind, name in scaled if (kind, name) not in there or scaled.count((kind, name)) != 1]


def fixed_replicas(manifests: list[Manifest]) -> list[str]:
    """The number of replicas has one owner: an autoscaler, or the manifest."""
    scaled = set(targets(manifests))
    found = []
    for one in of_kind(manifests, "Deployment", "StatefulSet"):
        is_scaled = (one["kind"], one["metadata"]["name"]) in scaled
        if is_scaled == ("replicas" in one["spec"]):
            found.append(title(one))
    return found


def behaviour(scaler: Manifest) -> Manifest:
    spec = scaler["spec"]
    return spec.get("behavior") or spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {}).get("behavior", {})


def hasty_scaling(manifests: list[Manifest]) -> list[str]:
    """Up at once, down slowly; never down to nothing."""
    found = []
    for one in of_kind(manifests, *SCALERS):
        up, down = behaviour(one).get("scaleUp", {}), behaviour(one).get("scaleDown", {})
        is_fast_up = up.get("stabilizationWindowSeconds") == 0 and up.get("policies")
        is_slow_down = down.get("stabilizationWindowSeconds", 0) >= 60 and all(
            policy["type"] == "Pods" and policy["value"] == 1
            for policy in down.get("policies", [{"type": "", "value": 0}])
        )
        least = one["spec"].get("minReplicas", one["spec"].get("minReplicaCount", 0))
        most = one["spec"].get("maxReplicas", one["spec"].get("maxReplicaCount", 0))
        if not (is_fast_up and is_slow_down and 1 <= least < most):
            found.append(title(one))
    return found


def unspread(manifests: list[Manifest]) -> list[str]:
    """Replicas of a Deployment are spread over nodes, each version by itself."""
    found = []
    for pods in all_pods(of_kind(manifests, "Deployment")):
        constraints = pods.spec.get("topologySpreadConstraints", [])
        over_nodes = [
            one for one in constraints if one["topologyKey"] == "kubernetes.io/hostname" and one["maxSkew"] == 1
        ]
        counts = [
            selects(one.get("labelSelector"), pods.labels) and one.get("matchLabelKeys") == ["pod-template-hash"]
            for one in constraints
        ]
        if not over_nodes or not all(counts):
            found.append(pods.name)
    return found


def dangling_references(manifests: list[Manifest]) -> list[str]:
    """Every ConfigMap that a pod names is built here, or known to come from outside."""
    there = {one["metadata"]["name"] for one in of_kind(manifests, "ConfigMap")} | FROM_OUTSIDE
    found = []
    for pods in all_pods(manifests):
        asked = {volume["configMap"]["name"] for volume in pods.spec.get("volumes", []) if "configMap" in volume}
        for one in pods.containers():
            asked |= {source["configMapRef"]["name"] for source in one.get("envFrom", []) if "configMapRef" in source}
            sources = [variable.get("valueFrom", {}) for variable in one.get("env", [])]
            asked |= {source["configMapKeyRef"]["name"] for source in sources if "configMapKeyRef" in source}
        found += [f"{pods.name}: {name}" for name in sorted(asked - there)]
    return found


POLICIES: list[Policy] = [
    open_namespaces,
    open_networks,
    unreachable_pods,
    without_disruption_budget,
    mismatched_selectors,
    aimless_services,
    dangling_routes,
    aimless_scalers,
    fixed_replicas,
    hasty_scaling,
    unspread,
    dangling_references,
]
