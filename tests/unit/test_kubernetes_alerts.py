"""The alert rules: sound, raised by what they are for and by nothing else, each with a page that says what to do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.manifests import FOLDER, WATCHED, all_pods, named, selects
from tests.kubernetes.validation import faults
from tests.servers import lacks

PROMETHEUS = FOLDER / "components/monitoring/prometheus"
ROOT = FOLDER.parents[1]
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        lacks("promtool is not installed: `make services` does that (Debian: prometheus)")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_promtool_has_nothing_to_say():
    done = promtool("check", "rules", PROMETHEUS / "alerts.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_raised_by_what_it_is_for():
    done = promtool("test", "rules", PROMETHEUS / "alerts.test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never", "always"])
def test_an_alert_that_is_raised_never_or_always_is_caught(tmp_path: Path, name: str, expression: str):
    changed = [rule | {"expr": expression} if rule["alert"] == name else rule for rule in RULES]
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump({"groups": [{"name": "quorate", "rules": changed}]}))
    shutil.copy(PROMETHEUS / "alerts.test.yaml", tmp_path)
    assert promtool("test", "rules", tmp_path / "alerts.test.yaml").returncode != 0


def test_what_prometheus_scrapes_is_sound(tmp_path: Path):
    """All but how it finds pods, which a promtool built without Kubernetes, such as Debian's, does not know."""
    config = yaml.safe_load((PROMETHEUS / "scrape.yaml").read_text())
    (job,) = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["quorate"]}}]
    job["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
    (tmp_path / "scrape.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "alerts.yaml", tmp_path)
    done = promtool("check", "config", tmp_path / "scrape.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(ROOT / page)
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")
    assert rule["labels"]["severity"] in {"critical", "warning"}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_goes_by_metrics_that_there_are(rule: dict[str, Any]):
    known = set(re.findall(r"quorate_[a-z_]+", (ROOT / "docs/observability.md").read_text()))
    used = set(re.findall(r"quorate_[a-z_]+", rule["expr"]))
    assert {re.sub("_(count|bucket)$", "", name) for name in used} <= known


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
