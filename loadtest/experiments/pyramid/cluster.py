"""A cluster instead of local fleets: replicas are read from its own autoscalers by kubectl. Not tried on one yet."""

import csv
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from loadtest.experiments.fleet_keeper import COLUMNS
from loadtest.experiments.hpa_manifest import quantity

LOOK_S = 5.0
COMMAND_S = 30.0
SETTLE_S = 30.0
SCALED = ("task-manager", "subtask-manager")
"""Deployments whose autoscalers are looked at: the pyramid asks nothing of the detector."""


class NoCluster(Exception):
    """kubectl does not do what it is told; the text says what it said."""


class Cluster:
    """Writes down the autoscalers of a namespace from the beginning of a `with` block to its end. Raises NoCluster.

    `queue` stays empty in its record: a broker in a cluster is not asked from outside.
    """

    def __init__(self, url: str, namespace: str, record: Path) -> None:
        self.url = url
        self._namespace = namespace
        self._record = record
        self._deaths = 0
        self._scalers: list[Mapping[str, Any]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cluster", daemon=True)

    def __enter__(self) -> Self:
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def kill_one(self, service: str) -> None:
        """End one pod without a grace period."""
        label = f"app.kubernetes.io/name={service.replace('_', '-')}"
        names = self._kubectl("get", "pods", "--selector", label, "--output", "name").split()
        if not names:
            raise NoCluster(f"there is no pod with {label}")
        self._kubectl("delete", names[0], "--grace-period=0", "--force", "--wait=false")
        self._deaths += 1

    def deaths(self) -> int:
        """How many pods were killed from here."""
        return self._deaths

    def is_at_rest(self) -> bool:
        return all(
            one.get("status", {}).get("currentReplicas") == one["spec"].get("minReplicas", 1) for one in self._scalers
        )

    def settle(self) -> None:
        """Give queues, which are not seen from here, time to run empty."""
        time.sleep(SETTLE_S)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _watch(self) -> None:
        with self._record.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            while True:
                rows.writerows(scaler_rows(self._scalers, time.time()))
                file.flush()
                if self._stopping.wait(LOOK_S):
                    return
                try:
                    self._look()
                except NoCluster as problem:
                    print(f"  {problem}", flush=True)

    def _look(self) -> None:
        found = json.loads(self._kubectl("get", "hpa", "--output", "json"))["items"]
        self._scalers = [one for one in found if one["spec"]["scaleTargetRef"]["name"] in SCALED]
        if not self._scalers:
            raise NoCluster(f"no HorizontalPodAutoscaler scales {' or '.join(SCALED)}")

    def _kubectl(self, *arguments: str) -> str:
        command = ["kubectl", "--namespace", self._namespace, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCluster(f"kubectl: {error}") from error
        if done.returncode:
            raise NoCluster(f"kubectl {arguments[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout


def scaler_rows(scalers: list[Mapping[str, Any]], now: float) -> Iterator[tuple[str | float | int | None, ...]]:
    """HorizontalPodAutoscalers, as `kubectl get hpa` tells them, as rows of the record."""
    for scaler in scalers:
        status = scaler.get("status", {})
        replicas = status.get("currentReplicas", 0)
        service = scaler["spec"]["scaleTargetRef"]["name"].replace("-", "_")
        desired = status.get("desiredReplicas", replicas)
        yield round(now, 2), service, replicas, None, desired, _cores(status, replicas), None


def _cores(status: Mapping[str, Any], replicas: int) -> float | None:
    """Of all pods together; the autoscaler tells their average."""
    for metric in status.get("currentMetrics") or []:
        match metric:
            case {"type": "Resource", "resource": {"name": "cpu", "current": {"averageValue": average}}}:
                return round(quantity(average) * replicas, 4)
    return None
