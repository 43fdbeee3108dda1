"""Manifests as the local autoscaler reads them."""

from pathlib import Path
from textwrap import dedent

import pytest

from loadtest.errors import MeasurementFailed
from loadtest.experiments.hpa import AverageValue, Utilization
from loadtest.experiments.hpa_manifest import hastened, quantity, read, resources

BASE = Path(__file__).parents[2] / "deploy/k8s/base"
PLAIN = """
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: task-manager}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: task-manager}
      maxReplicas: 10
      metrics:
        - type: Resource
          resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
"""
BEHAVIOR = """
      behavior:
        scaleUp: {stabilizationWindowSeconds: 30, selectPolicy: Min}
        scaleDown:
          stabilizationWindowSeconds: 60
          tolerance: 0.05
          policies: [{type: Pods, value: 1, periodSeconds: 30}]
"""
DEPLOYMENT = """
    kind: Deployment
    spec:
      template:
        spec:
          containers:
            - name: a
              resources: {requests: {cpu: 100m}, limits: {cpu: "1", memory: 512Mi}}
            - name: b
              resources: {requests: {cpu: 0.05}, limits: {cpu: 500m, memory: 128Mi}}
"""


def written(tmp_path, text):
    path = tmp_path / "manifest.yaml"
    path.write_text(dedent(text))
    return path


def test_what_is_left_out_takes_the_defaults_of_kubernetes(tmp_path):
    hpa = read(written(tmp_path, PLAIN))
    assert (hpa.service, hpa.least, hpa.most) == ("task-manager", 1, 10)
    assert hpa.targets == [Utilization(share=0.8)]
    assert (hpa.up.window_s, hpa.down.window_s) == (0, 300)
    assert [(one.kind, one.value, one.period_s) for one in hpa.up.policies] == [("Pods", 4, 15), ("Percent", 100, 15)]
    assert [(one.kind, one.value, one.period_s) for one in hpa.down.policies] == [("Percent", 100, 15)]


def test_behaviour_overrides_field_by_field(tmp_path):
    hpa = read(written(tmp_path, PLAIN.rstrip() + BEHAVIOR))
    assert (hpa.up.window_s, hpa.up.select, len(hpa.up.policies)) == (30, "Min", 2)
    assert (hpa.down.window_s, hpa.down.tolerance, len(hpa.down.policies)) == (60, 0.05, 1)


def test_an_external_metric(tmp_path):
    metric = "- {type: External, external: {metric: {name: ready}, target: {type: AverageValue, averageValue: '20'}}}"
    text = PLAIN.replace("- type: Resource\n          resource: {name: cpu, target", f"{metric}\n      unused: {{x")
    assert read(written(tmp_path, text)).targets == [AverageValue(metric="ready", value=20)]


@pytest.mark.parametrize("broken", ["kind: Deployment", "a: [", "kind: HorizontalPodAutoscaler\n---\nkind: X"])
def test_a_file_that_is_something_else_is_refused(tmp_path, broken):
    with pytest.raises((MeasurementFailed, KeyError)) as refused:
        read(written(tmp_path, broken))
    if "X" not in broken:
        assert refused.type is MeasurementFailed


def test_an_unknown_metric_is_refused(tmp_path):
    with pytest.raises(MeasurementFailed, match="not known here"):
        read(written(tmp_path, PLAIN.replace("name: cpu", "name: memory")))


def test_resources_of_all_containers(tmp_path):
    found = resources(written(tmp_path, DEPLOYMENT))
    assert (found.request_cores, found.limit_cores) == (pytest.approx(0.15), pytest.approx(1.5))
    assert found.limit_bytes == 640 * 1024**2


def test_a_pod_with_one_unlimited_container_is_unlimited(tmp_path):
    found = resources(written(tmp_path, DEPLOYMENT.replace('cpu: "1", ', "")))
    assert (found.request_cores, found.limit_cores) == (pytest.approx(0.15), None)


def test_a_container_without_a_request_is_refused(tmp_path):
    with pytest.raises(MeasurementFailed, match="does not say its 'requests'"):
        resources(written(tmp_path, DEPLOYMENT.replace("requests: {cpu: 100m}, ", "")))


@pytest.mark.parametrize("service", ["task-manager", "subtask-manager", "detector"])
def test_the_manifests_of_this_project_can_be_read(service):
    folder = BASE / service
    if not folder.is_dir():
        pytest.skip(f"there is no deploy/k8s/base/{service}")
    hpa, pod = read(folder / "hpa.yaml"), resources(folder / "deployment.yaml")
    assert hpa.service == service
    assert 1 <= hpa.least <= hpa.most
    assert all(isinstance(target, Utilization) for target in hpa.targets)
    assert 0 < pod.request_cores <= (pod.limit_cores or 99)


def test_quantities():
    assert [quantity(one) for one in ("250m", "2", 0.5, "512Mi", "1k")] == [0.25, 2, 0.5, 512 * 1024**2, 1000]
    with pytest.raises(MeasurementFailed):
        quantity("many")


def test_time_ten_times_as_fast(tmp_path):
    hpa = hastened(read(written(tmp_path, PLAIN)), 10)
    assert hpa.down.window_s == 30
    assert [one.period_s for one in hpa.up.policies] == [1.5, 1.5]
