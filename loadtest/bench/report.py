"""The table, and the same numbers as a file."""

import json
from collections.abc import Mapping
from pathlib import Path

from loadtest.measures import Numbers
from loadtest.report.page import shown

Goals = Mapping[str, tuple[str, float]]
GOALS: Goals = {
    "cycles_per_s_32": (">=", 500),
    "lease_p99_ms_32": ("<", 100),
    "uploads_per_s": (">=", 500),
    "renditions_cpu_over_without_640": ("<=", 1.25),
    "renditions_cpu_over_without_12mp": ("<=", 1.25),
    "access_over_without": (">=", 0.95),
    "export_20k_s": ("<", 1),
    "lease_1m_over_1k": ("<=", 1.2),
    "vote_1m_over_1k": ("<=", 1.2),
    "lease_half_voted_over_1k": ("<=", 1.2),
    "cold_start_s": ("<", 2),
    "idle_mib": ("<", 150),
}


def conclude(numbers: Numbers, path: Path, goals: Goals = GOALS) -> int:
    """Show the numbers, and write them into a file; returns the exit status."""
    print()
    show(numbers, goals)
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = {name: float(f"{value:.5g}") for name, value in sorted(numbers.items())}
    path.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")
    return 0


def show(numbers: Numbers, goals: Goals = GOALS) -> None:
    """Print all numbers, with the goals of those that have one."""
    width = max(map(len, numbers), default=0)
    for name, value in numbers.items():
        print(f"{name:<{width}}  {shown(value):>10}  {_verdict(name, value, goals)}".rstrip())


def _verdict(name: str, value: float, goals: Goals) -> str:
    if name not in goals:
        return ""
    sign, goal = goals[name]
    is_met = {">=": value >= goal, "<": value < goal, "<=": value <= goal}[sign]
    return f"{'met' if is_met else 'MISSED'} (goal {sign} {goal:g})"
