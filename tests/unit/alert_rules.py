"""The alert rules of all profiles, and the program that checks them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.servers import lacks

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/k8s/components/monitoring/prometheus/alerts.yaml"
EMBEDDED = ROOT / "deploy/prometheus/embedded.yaml"
FILES = (KUBERNETES, EMBEDDED)


@dataclass(frozen=True)
class Rule:
    """A rule, and the file that it is in."""

    file: Path
    says: dict[str, Any]

    @property
    def name(self) -> str:
        return self.says["alert"]


def groups(file: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(file.read_text())["groups"]


def cases_of(file: Path) -> Path:
    return file.with_suffix(".test.yaml")


RULES = [Rule(file, rule) for file in FILES for group in groups(file) for rule in group["rules"]]


def metrics_in(expression: str) -> set[str]:
    """The metrics of the platform that an expression names."""
    return set(re.findall(r"\bquorate_[a-z_0-9]+", expression))


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        lacks("promtool is not installed: `make services` does that (Debian: prometheus)")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
