"""What came of a campaign, for people and as a flat file."""

import json
import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.run import Run


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault, how long it lasted, and how long after its end a change was acknowledged (None: not in time)."""

    kind: str
    lasted_s: float
    first_success_s: float | None


@dataclass(kw_only=True)
class Report(Run):
    profile: str
    faults: list[Injected] = field(default_factory=list)
    completed_s: float | None = None
    """How long after the last heal all work was finished and everything delivered."""
    refused_after_s: list[float] = field(default_factory=list)
    signing_keys_replaced: int = 0
    tokens_shown: int = 0
    audit_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not self.findings.violations and not self.failures

    def acknowledged(self) -> int:
        return sum(count for (_, outcome), count in self.tally.items() if outcome == "ok")

    def flat(self) -> dict[str, object]:
        """Names and numbers."""
        kinds = Counter(fault.kind for fault in self.faults)
        successes = [fault.first_success_s for fault in self.faults if fault.first_success_s is not None]
        found: dict[str, object] = {
            "profile": self.profile,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "faults": len(self.faults),
            "faults_without_success": sum(fault.first_success_s is None for fault in self.faults),
            "first_success_median_s": round(statistics.median(successes), 2) if successes else None,
            "first_success_max_s": round(max(successes), 2) if successes else None,
            "keys_replaced": len(self.refused_after_s),
            "revoked_refused_max_s": round(max(self.refused_after_s), 2) if self.refused_after_s else None,
            "signing_keys_replaced": self.signing_keys_replaced,
            "tokens_shown": self.tokens_shown,
            "completed_s": None if self.completed_s is None else round(self.completed_s, 1),
            "audit_s": round(self.audit_s, 1),
            "operations": self.tally.total(),
            "acknowledged": self.acknowledged(),
            "lost": self.findings.count("lost"),
            "duplicated": self.findings.count("duplicated"),
            "unexpected": self.findings.count("unexpected"),
            "broken": self.findings.count("broken"),
            "recovered": self.findings.recovered,
            "harness_failures": len(self.failures),
        }
        found |= {f"fault {kind}": count for kind, count in sorted(kinds.items())}
        found |= {f"checked {what}": count for what, count in sorted(self.findings.checked.items())}
        for kind in sorted({kind for kind, _ in self.tally}):
            found |= {f"{kind} {outcome}": self.tally[kind, outcome] for outcome in ("ok", "fail", "info")}
        return found

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "report.json"
        said = {"left_out": self.left_out, "violations": self.findings.violations[:200], "failures": self.failures}
        path.write_text(json.dumps(self.flat() | said, indent=1, ensure_ascii=False) + "\n")
        return path

    def table(self) -> str:
        kinds = sorted({fault.kind for fault in self.faults})
        lines = [f"{self.profile}, seed {self.seed}, {self.seconds:.0f} s", ""]
        lines += [f"{'fault':34}{'times':>7}{'lasted s':>10}{'first success s':>17}{'at most':>9}"]
        for kind in kinds:
            ones = [fault for fault in self.faults if fault.kind == kind]
            heard = [fault.first_success_s for fault in ones if fault.first_success_s is not None]
            lasted = statistics.mean(fault.lasted_s for fault in ones)
            row = f"{kind:34}{len(ones):7}{lasted:10.1f}"
            lines.append(row + (f"{statistics.median(heard):17.2f}{max(heard):9.2f}" if heard else f"{'never':>17}"))
        lines += [f"{kind:34}left out: {why}" for kind, why in self.left_out.items()]
        lines += ["", f"{'operations':34}{'ok':>9}{'fail':>9}{'info':>9}"]
        for kind in sorted({kind for kind, _ in self.tally}):
            counts = (self.tally[kind, outcome] for outcome in ("ok", "fail", "info"))
            lines.append(f"{kind:34}" + "".join(f"{count:9}" for count in counts))
        flat = self.flat()
        lines += ["", *(f"{name:34}{flat[name]!s:>9}" for name in SUMMARY)]
        lines += [f"checked: {', '.join(f'{count} {what}' for what, count in sorted(self.findings.checked.items()))}"]
        lines += ["", *(f"VIOLATED {found}" for found in self.findings.violations[:30])]
        lines += [f"FAILED {found}" for found in self.failures]
        return "\n".join(lines)


SUMMARY = (
    "faults",
    "acknowledged",
    "lost",
    "duplicated",
    "unexpected",
    "broken",
    "recovered",
    "keys_replaced",
    "revoked_refused_max_s",
    "signing_keys_replaced",
    "tokens_shown",
    "first_success_max_s",
    "completed_s",
    "audit_s",
)
