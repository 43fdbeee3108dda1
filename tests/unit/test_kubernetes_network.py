"""Who may talk to whom on a cluster that enforces the NetworkPolicies."""

import pytest

from tests.kubernetes.manifests import (
    DETECTOR_ONLY,
    MINIKUBE,
    PRODUCTION,
    SCRAPED,
    WATCHED,
    WITH_KEDA,
    WITH_PROVIDER,
    Build,
    named,
    of_kind,
)
from tests.kubernetes.network import End, end, may_talk, stranger

SERVICES = ("task-manager", "subtask-manager", "notifier", "consensus", "worker", "detector", "accounts")
SERVERS = {"mongodb": 27017, "rabbitmq": 5672, "s3": 9000}
PORTS = dict.fromkeys(SERVICES, 8080) | SERVERS
OPERATIONS = dict.fromkeys(SERVICES, 9090)
INGRESS = stranger("somewhere", quorate_role="ingress")
MONITORING = stranger("elsewhere", quorate_role="monitoring")
KEDA = stranger("keda")
NOBODY = stranger("default")


def reached(build: Build, source: str | End, ports: dict[str, int] = PORTS) -> set[str]:
    """What of the platform a workload of its own, or a stranger, can connect to, each at its own port."""
    manifests = build.manifests()
    own = end(manifests, source) if isinstance(source, str) else source
    workloads = {one["metadata"]["name"] for one in manifests if one["kind"] in {"Deployment", "StatefulSet"}}
    return {name for name in workloads & ports.keys() if may_talk(manifests, own, end(manifests, name), ports[name])}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("task-manager", set(SERVERS)),
        ("subtask-manager", set(SERVERS)),
        ("notifier", {"mongodb", "rabbitmq"}),
        ("consensus", {"mongodb", "rabbitmq"}),
        ("worker", set(SERVERS)),
        ("detector", set(SERVERS)),
        ("accounts", {"mongodb", "rabbitmq"}),
        ("mongodb", set()),
        ("rabbitmq", set()),
        ("s3", set()),
        (INGRESS, {*SERVICES, "s3"}),
        (MONITORING, set()),
        (KEDA, set()),
        (NOBODY, set()),
    ],
    ids=[*SERVICES, *SERVERS, "ingress", "monitoring", "keda", "nobody"],
)
def test_on_minikube_everyone_reaches_what_they_need_and_nothing_else(source: str | End, what: set[str]):
    assert reached(MINIKUBE, source) == what


@pytest.mark.parametrize("build", [WATCHED, SCRAPED], ids=lambda build: build.name)
def test_monitoring_is_let_in_where_it_was_asked_for(build: Build):
    assert reached(build, MONITORING, OPERATIONS) == set(SERVICES)
    assert reached(build, MONITORING) == set(), "and not where requests go"
    assert reached(PRODUCTION, MONITORING, OPERATIONS) == set()
    for other in (NOBODY, INGRESS, "task-manager"):
        assert reached(build, other, OPERATIONS) == set()


def test_keda_looks_at_the_queues_only():
    assert reached(WITH_KEDA, KEDA) == {"rabbitmq"}


def test_anybody_may_ask_a_detector_by_itself_which_asks_nobody():
    assert reached(DETECTOR_ONLY[0], NOBODY) == {"detector"}
    assert reached(DETECTOR_ONLY[0], "detector") == set()


def test_in_production_the_way_out_leads_to_the_servers_but_not_to_the_clouds_metadata():
    policy = named(PRODUCTION.manifests(), "NetworkPolicy", "services-to-servers")["spec"]
    (rule,) = policy["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]
    assert {one["port"] for one in rule["ports"]} == {27017, 5671, 5672, 443}


@pytest.mark.parametrize("build", [MINIKUBE, PRODUCTION], ids=lambda build: build.name)
def test_webhooks_go_out_from_the_notifier_alone_and_not_into_private_networks(build: Build):
    assert_open_network_alone(build, "webhooks", "notifier")


def test_accounts_go_out_to_a_provider_only_where_that_was_asked_for_and_not_into_private_networks():
    assert_open_network_alone(WITH_PROVIDER, "provider", "accounts")
    assert "provider" not in {one["metadata"]["name"] for one in of_kind(PRODUCTION.manifests(), "NetworkPolicy")}


def assert_open_network_alone(build: Build, policy_name: str, service: str) -> None:
    """The policy lets one service out, by TLS to public addresses."""
    policy = named(build.manifests(), "NetworkPolicy", policy_name)["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": service}}
    (rule,) = policy["egress"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        rule["to"][0]["ipBlock"]["except"]
    )
    assert {one["port"] for one in rule["ports"]} == {443, 8443}


def test_a_planted_hole_is_found():
    manifests = MINIKUBE.manifests()
    named(manifests, "NetworkPolicy", "s3")["spec"]["ingress"][0]["from"].append({"podSelector": {}})
    assert may_talk(manifests, end(manifests, "accounts"), end(manifests, "s3"), SERVERS["s3"])
    named(manifests, "NetworkPolicy", "services-to-data-tier")["metadata"]["namespace"] = "elsewhere"
    assert not may_talk(manifests, end(manifests, "task-manager"), end(manifests, "mongodb"), SERVERS["mongodb"])
