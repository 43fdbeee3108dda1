"""The alert rules: sound, raised by what they are for and by nothing else, each with a page that says what to do."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.alert_rules import FILES, KUBERNETES, ROOT, RULES, Rule, cases_of, groups, metrics_in, promtool
from tests.unit.metric_names import sample_names

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
QUIET = "a quiet "
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def raises(test: dict[str, Any], rule: Rule) -> bool:
    expected = [sample["labels"] for case in test["promql_expr_test"] for sample in case["exp_samples"]]
    return any(re.search(rf'alertname="{rule.name}"', labels) for labels in expected)


@each_file
def test_promtool_has_nothing_to_say(file: Path):
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@each_file
def test_each_alert_is_raised_by_what_it_is_for(file: Path):
    done = promtool("test", "rules", cases_of(file))
    assert done.returncode == 0, done.stdout + done.stderr


@each_rule
def test_each_rule_has_an_outage_that_it_must_catch_and_all_have_a_quiet_day(rule: Rule):
    tests = yaml.safe_load(cases_of(rule.file).read_text())["tests"]
    assert any(raises(one, rule) for one in tests)
    [quiet] = [one for one in tests if one["name"].startswith(QUIET)]
    assert [case["exp_samples"] for case in quiet["promql_expr_test"]] == [[]]


@each_rule
@pytest.mark.parametrize(
    ("expression", "is_raised"), [("vector(0) > 1", True), ("vector(1)", False)], ids=["never", "always"]
)
def test_an_alert_that_is_raised_never_or_always_is_caught(
    tmp_path: Path, rule: Rule, expression: str, *, is_raised: bool
):
    """By its outages, and by the quiet day: they alone are tried, for promtool takes a second for all."""
    changed = groups(rule.file)
    for group in changed:
        group["rules"] = [one | {"expr": expression} if one["alert"] == rule.name else one for one in group["rules"]]
    (tmp_path / rule.file.name).write_text(yaml.safe_dump({"groups": changed}))
    tests = yaml.safe_load(cases_of(rule.file).read_text())
    tests["rule_files"] = [name if name == rule.file.name else str(KUBERNETES) for name in tests["rule_files"]]
    tests["tests"] = [
        one for one in tests["tests"] if (raises(one, rule) if is_raised else one["name"].startswith(QUIET))
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    assert promtool("test", "rules", tmp_path / "tests.yaml").returncode != 0


def test_what_prometheus_scrapes_is_sound(tmp_path: Path):
    """All but how it finds pods, which a promtool built without Kubernetes, such as Debian's, does not know."""
    config = yaml.safe_load((KUBERNETES.parent / "scrape.yaml").read_text())
    (job,) = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["quorate"]}}]
    job["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
    (tmp_path / "scrape.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(KUBERNETES, tmp_path)
    done = promtool("check", "config", tmp_path / "scrape.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_prometheus_scrapes_of_one_process_is_sound_and_has_the_labels_that_the_rules_go_by():
    file = ROOT / "deploy/prometheus/prometheus.yaml"
    done = promtool("check", "config", file)
    assert done.returncode == 0, done.stdout + done.stderr
    config = yaml.safe_load(file.read_text())
    assert {(file.parent / one).resolve() for one in config["rule_files"]} == set(FILES)
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "quorate"
    assert job["static_configs"][0]["labels"] == {"service": "quorate"}


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_rule
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: Rule):
    notes = rule.says["annotations"]
    page, _, anchor = notes["runbook"].partition("#")
    assert anchor in anchors(ROOT / page)
    assert notes["summary"]
    assert notes["description"].endswith(".")
    assert rule.says["labels"]["severity"] in {"critical", "warning"}


@each_rule
def test_an_alert_goes_by_metrics_that_there_are(rule: Rule):
    assert metrics_in(rule.says["expr"]) <= sample_names()


def test_every_metric_is_explained():
    page = (ROOT / "docs/observability.md").read_text()
    shown = {re.sub("_(total|bucket|count|sum)$", "", name) for name in sample_names() if name.startswith("quorate_")}
    explained = {re.sub("_total$", "", name) for name in metrics_in(page)}
    assert shown - explained == set()
