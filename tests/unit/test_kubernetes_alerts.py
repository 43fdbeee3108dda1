"""The alert rules and the scraping on Kubernetes: both ways of installing them are the same."""

import subprocess

import yaml

from tests.kubernetes.manifests import FOLDER, WATCHED, all_pods, named, selects
from tests.kubernetes.validation import faults

PROMETHEUS = FOLDER / "components/monitoring/prometheus"


def test_the_operator_gets_the_same_rules():
    done = subprocess.run([str(PROMETHEUS / "prometheus-rule.sh")], cwd="/", check=True, capture_output=True, text=True)
    rule = yaml.safe_load(done.stdout)
    assert faults(rule) == []
    assert rule["spec"] == yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())
    rule["spec"]["groups"][0]["rules"][0]["expression"] = "1"
    assert faults(rule) != []


def test_both_ways_of_scraping_find_the_services_and_give_the_labels_that_the_rules_go_by():
    monitor = named(WATCHED.manifests(), "PodMonitor", "quorate")["spec"]
    pods = list(all_pods(WATCHED.manifests()))
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert all(selects(monitor["selector"], one.labels) for one in pods)
    assert all(endpoint["port"] in one.ports() for one in pods)
    annotations = [one.template["metadata"]["annotations"] for one in pods]
    assert [one["prometheus.io/path"] for one in annotations] == [endpoint["path"]] * len(pods)
    assert all(int(one["prometheus.io/port"]) in pod.ports() for one, pod in zip(annotations, pods, strict=True))
    (job,) = yaml.safe_load((PROMETHEUS / "scrape.yaml").read_text())["scrape_configs"]
    assert job["job_name"] == "quorate"
    given = [one.get("target_label") for one in job["relabel_configs"]]
    wanted = [one["targetLabel"] for one in endpoint["relabelings"]]
    assert set(wanted) <= {*given, "job"}
