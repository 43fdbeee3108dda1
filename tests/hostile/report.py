"""What came of a siege, in words and as a flat file."""

import json
import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.run import Run
from tests.hostile.watch import Probe

SHOWN = 30
FIFTHS = 5


@dataclass(kw_only=True)
class Report(Run):
    """`tally`: that of the honest."""

    allowed_growth_mib: float = 30.0
    allowed_stall_s: float = 1.0
    shots: int = 0
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    """Answers to hostile inputs that are not right."""
    probes: list[Probe] = field(default_factory=list)
    before_mib: float = 0.0
    """With the honest at work, before the first hostile input."""
    after_mib: float = 0.0
    peak_mib: float = 0.0
    limit_mib: float | None = None
    leftovers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What the platform logged as an error."""

    def broken(self) -> list[str]:
        """Every promise that was not kept."""
        found = [f"answer: {one}" for one in self.surprises]
        found += [f"history: {one}" for one in self.findings.violations]
        found += [f"honest: {count} of '{kind}' got no answer" for kind, count in self._unanswered().items()]
        found += [f"left over: {one}" for one in self.leftovers]
        found += [f"logged {count} times: {one}" for one, count in Counter(self.errors).items()]
        found += [f"harness: {one}" for one in self.failures]
        if self.longest_stall_s >= self.allowed_stall_s:
            found.append(f"stall: /healthz took {self.longest_stall_s:.2f} s longer than the machine explains")
        if bad := Counter(probe.status for probe in self.probes if probe.status != 200):
            found.append(f"stall: /healthz answered {dict(bad)}")
        if self.growth_mib > self.allowed_growth_mib:
            found.append(f"memory: {self.growth_mib:.0f} MiB more than before")
        return found

    @property
    def longest_s(self) -> float:
        return max((probe.took_s for probe in self.probes), default=0.0)

    @property
    def longest_stall_s(self) -> float:
        return max((probe.stall_s for probe in self.probes), default=0.0)

    @property
    def growth_mib(self) -> float:
        return self.after_mib - self.before_mib

    def _unanswered(self) -> dict[str, int]:
        return {kind: count for (kind, outcome), count in self.tally.items() if outcome == "info"}

    def _meanwhile_mib(self) -> list[int]:
        """The median of each fifth of the time."""
        step = max(1, -(-len(self.probes) // FIFTHS))
        parts = [self.probes[at : at + step] for at in range(0, len(self.probes), step)]
        return [round(statistics.median(probe.resident_mib for probe in part)) for part in parts]

    def flat(self) -> dict[str, object]:
        found: dict[str, object] = {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "hostile_inputs": self.shots,
            "hostile_answers": self.answers.total(),
            "surprises": len(self.surprises),
            "busy": sum(count for (_, status), count in self.answers.items() if status == 503),
            "honest_operations": self.tally.total(),
            "honest_unanswered": sum(self._unanswered().values()),
            "healthz_probes": len(self.probes),
            "healthz_longest_s": round(self.longest_s, 3),
            "healthz_longest_stall_s": round(self.longest_stall_s, 3),
            "memory_before_mib": round(self.before_mib, 1),
            "memory_meanwhile_mib": self._meanwhile_mib(),
            "memory_after_mib": round(self.after_mib, 1),
            "memory_peak_mib": round(self.peak_mib, 1),
            "memory_limit_mib": self.limit_mib,
            "leftovers": len(self.leftovers),
            "errors": len(self.errors),
            "violations": len(self.findings.violations),
            "harness_failures": len(self.failures),
        }
        return found | {f"checked {what}": count for what, count in sorted(self.findings.checked.items())}

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "report.json"
        answers: dict[str, dict[int, int]] = {}
        for (kind, status), count in sorted(self.answers.items()):
            answers.setdefault(kind, {})[status] = count
        said = {"left_out": self.left_out, "broken": self.broken(), "answers": answers}
        path.write_text(json.dumps(self.flat() | said, indent=1, ensure_ascii=False) + "\n")
        return path

    def words(self) -> str:
        kinds = sorted({kind for kind, _ in self.answers})
        lines = [f"{'hostile input':45}{'answers':>9}  by status (0: ended without one)"]
        for kind in kinds:
            counts = {status: count for (of, status), count in sorted(self.answers.items()) if of == kind}
            told = ", ".join(f"{status}: {count}" for status, count in counts.items())
            lines.append(f"{kind:45}{sum(counts.values()):9}  {told}")
        lines += ["", *(f"{name:30}{value!s:>12}" for name, value in self.flat().items())]
        lines += [f"left out: {what}: {why}" for what, why in self.left_out.items()]
        broken = self.broken()
        lines += ["", *(f"BROKEN {one}" for one in broken[:SHOWN])]
        lines += [f"... and {len(broken) - SHOWN} more"] if len(broken) > SHOWN else []
        return "\n".join(lines)
