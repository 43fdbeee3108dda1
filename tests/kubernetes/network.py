"""Who may talk to whom, by the NetworkPolicies: an interpreter of what the manifests use of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kubernetes.manifests import Manifest, all_pods, namespace, of_kind, selects


@dataclass(frozen=True, slots=True)
class End:
    """Pods with the same labels in a namespace."""

    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


def end(manifests: list[Manifest], name: str) -> End:
    """The pods of a workload."""
    pods = next(one for one in all_pods(manifests) if one.workload["metadata"]["name"] == name)
    return End(pods.namespace, pods.labels, {"kubernetes.io/metadata.name": pods.namespace})


def stranger(space: str, **labels: str) -> End:
    """A pod of another namespace, whose labels are given with _ for the / in their names."""
    named = {name.replace("_", "/"): value for name, value in labels.items()}
    return End(space, {}, {"kubernetes.io/metadata.name": space} | named)


def may_talk(manifests: list[Manifest], source: End, target: End, port: int) -> bool:
    """Whether one end may open a TCP connection to the other: both its way out and the other's way in are open."""
    way_out = _is_open(manifests, "Egress", source, target, port)
    return way_out and _is_open(manifests, "Ingress", target, source, port)


def _is_open(manifests: list[Manifest], direction: str, own: End, other: End, port: int) -> bool:
    policies = [one["spec"] for one in of_kind(manifests, "NetworkPolicy") if namespace(one) == own.namespace]
    chosen = [one for one in policies if direction in one["policyTypes"] and selects(one["podSelector"], own.labels)]
    rules = [rule for one in chosen for rule in one.get(direction.lower(), [])]
    peers = "to" if direction == "Egress" else "from"
    return not chosen or any(_has_port(rule, port) and _has_peer(rule.get(peers), own, other) for rule in rules)


def _has_port(rule: Manifest, port: int) -> bool:
    ports = [one["port"] for one in rule.get("ports", []) if one.get("protocol", "TCP") == "TCP"]
    return "ports" not in rule or port in ports


def _has_peer(peers: list[Manifest] | None, own: End, other: End) -> bool:
    """Pods are never counted as addresses here: some network plugins do, some don't."""
    return peers is None or any(_is_peer(one, own, other) for one in peers if "ipBlock" not in one)


def _is_peer(peer: Manifest, own: End, other: End) -> bool:
    of_space = peer.get("namespaceSelector")
    is_there = other.namespace == own.namespace if of_space is None else selects(of_space, other.namespace_labels)
    return is_there and selects(peer.get("podSelector", {}), other.labels)
