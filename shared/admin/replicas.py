"""The replicas of the platform, as a process that listens knows them from their reports."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from shared.admin.reports import REPORT_S, Report
from shared.clock import Clock

SILENT_S = 3 * REPORT_S
"""A replica that was silent for this long no longer counts."""
FORGOTTEN_S = 600.0
"""A replica that was silent for this long is no longer shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A report, and when it arrived (seconds since the epoch)."""

    at: float
    report: Report


class Replicas:
    """The last report of each replica that was heard recently."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}

    def heard(self, body: bytes) -> None:
        """Keep a report that was broadcast; anything that this version cannot read as a report is ignored."""
        try:
            report = Report.model_validate_json(body)
        except ValidationError:
            return
        self._forget()
        self._seen[report.name] = Seen(at=self._clock(), report=report)

    def with_own(self, report: Report) -> list[Seen]:
        """The last reports by name, with the given one for this process."""
        self._forget()
        own = Seen(at=self._clock(), report=report)
        return [seen for _, seen in sorted({**self._seen, report.name: own}.items())]

    def _forget(self) -> None:
        since = self._clock() - FORGOTTEN_S
        self._seen = {name: seen for name, seen in self._seen.items() if seen.at > since}


def counting(seen: Sequence[Seen]) -> list[Report]:
    """The reports of replicas that are not silent, the newest first."""
    newest_first = sorted(seen, key=lambda replica: replica.at, reverse=True)
    return [replica.report for replica in newest_first if replica.at > newest_first[0].at - SILENT_S]
