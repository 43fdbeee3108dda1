"""HorizontalPodAutoscaler manifests (autoscaling/v2), and the CPU that the pods they scale request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from loadtest.errors import MeasurementFailed
from loadtest.experiments.hpa import TOLERANCE, AverageValue, Direction, Hpa, Policy, Target, Utilization

UNITS = {"m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
DEFAULT_UP: Mapping[str, Any] = {
    "stabilizationWindowSeconds": 0,
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DEFAULT_DOWN: Mapping[str, Any] = {
    "stabilizationWindowSeconds": 300,
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Of a pod. Without `limit_cores`, it may use all the processor time there is."""

    request_cores: float
    limit_cores: float | None
    limit_bytes: int


def read(path: Path) -> Hpa:
    """The one HorizontalPodAutoscaler of a file. Raises MeasurementFailed."""
    spec = _document(path, "HorizontalPodAutoscaler")["spec"]
    behavior = spec.get("behavior") or {}
    return Hpa(
        service=spec["scaleTargetRef"]["name"],
        least=spec.get("minReplicas", 1),
        most=spec["maxReplicas"],
        targets=[_target(metric) for metric in spec.get("metrics") or []],
        up=_direction(DEFAULT_UP, behavior.get("scaleUp")),
        down=_direction(DEFAULT_DOWN, behavior.get("scaleDown")),
    )


def resources(path: Path) -> Resources:
    """What a Deployment's pods request and may use. Raises MeasurementFailed."""
    pod = _document(path, "Deployment")["spec"]["template"]["spec"]
    given = [container.get("resources") or {} for container in pod["containers"]]
    limits = [one.get("limits") or {} for one in given]
    try:
        return Resources(
            request_cores=sum(quantity(one["requests"]["cpu"]) for one in given),
            limit_cores=sum(quantity(one["cpu"]) for one in limits) if all("cpu" in one for one in limits) else None,
            limit_bytes=int(sum(quantity(one["memory"]) for one in limits)),
        )
    except KeyError as missing:
        raise MeasurementFailed(f"{path}: a container does not say its {missing}") from None


def quantity(text: str | float) -> float:
    """A Kubernetes quantity as a number: `250m` is 0.25, `512Mi` is 536870912."""
    digits = str(text).rstrip("mkMKGi")
    try:
        return float(digits) * UNITS[str(text)[len(digits) :]]
    except (KeyError, ValueError):
        raise MeasurementFailed(f"{text} is not a quantity") from None


def hastened(hpa: Hpa, factor: float) -> Hpa:
    """The same in a world whose time is this many times shorter."""

    def faster(way: Direction) -> Direction:
        policies = [replace(policy, period_s=policy.period_s / factor) for policy in way.policies]
        return replace(way, window_s=way.window_s / factor, policies=policies)

    return replace(hpa, up=faster(hpa.up), down=faster(hpa.down))


def _document(path: Path, kind: str) -> dict[str, Any]:
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]
    except (OSError, yaml.YAMLError) as error:
        raise MeasurementFailed(f"{path} cannot be read: {error}") from error
    found = [one for one in documents if one.get("kind") == kind]
    if len(found) != 1:
        raise MeasurementFailed(f"{path} holds {len(found)} objects of the kind {kind}, not one")
    return found[0]


def _target(metric: Mapping[str, Any]) -> Target:
    match metric:
        case {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": percent}}}:
            return Utilization(share=percent / 100)
        case {"type": "External", "external": {"metric": {"name": name}, "target": {"averageValue": value}}}:
            return AverageValue(metric=name, value=quantity(value))
    raise MeasurementFailed(f"this metric is not known here: {metric}")


def _direction(default: Mapping[str, Any], given: Mapping[str, Any] | None) -> Direction:
    rules = {**default, **(given or {})}
    return Direction(
        window_s=rules["stabilizationWindowSeconds"],
        policies=[
            Policy(kind=policy["type"], value=policy["value"], period_s=policy["periodSeconds"])
            for policy in rules["policies"]
        ],
        select=rules.get("selectPolicy", "Max"),
        tolerance=float(rules.get("tolerance", TOLERANCE)),
    )
