"""The processes of the platform, as one that listens knows them from their reports."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from shared.admin.reports import REPORT_S, Report
from shared.clock import Clock

SILENT_S = 3 * REPORT_S
"""A replica that was not heard for so long does not count any more."""
FORGOTTEN_S = 60.0
"""And after so long it is not shown any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A report, and when it came (seconds since the epoch)."""

    at: float
    report: Report


class Replicas:
    """The last report of each process that was heard of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}

    def heard(self, body: bytes) -> None:
        """Take in what was broadcast; what is no report that this version knows is passed over."""
        try:
            report = Report.model_validate_json(body)
        except ValidationError:
            return
        self._forget()
        self._seen[report.name] = Seen(at=self._clock(), report=report)

    def with_own(self, report: Report) -> list[Seen]:
        """Those that are remembered, by name; of this process, the report given."""
        self._forget()
        own = Seen(at=self._clock(), report=report)
        return [seen for _, seen in sorted({**self._seen, report.name: own}.items())]

    def _forget(self) -> None:
        since = self._clock() - FORGOTTEN_S
        self._seen = {name: seen for name, seen in self._seen.items() if seen.at > since}


def counting(seen: Sequence[Seen]) -> list[Report]:
    """The reports of those that are not silent, the newest first."""
    newest_first = sorted(seen, key=lambda one: one.at, reverse=True)
    return [one.report for one in newest_first if one.at > newest_first[0].at - SILENT_S]
