"""Which entries of the audit somebody wants to see. Pure."""

from dataclasses import dataclass

from shared.audit import entry_id

LAST = "\x7f"
"""Behind every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditListing:
    """What is asked of a team's audit; None: all.

    actor: the id of a person. object: the id of what something was done to. since, until: epoch seconds, from the one
    on and before the other. An entry's id begins with its time, so both are bounds of ids.
    """

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: float | None = None
    until: float | None = None

    @property
    def first(self) -> str:
        """The least id that is wanted."""
        return "" if self.since is None else entry_id(self.since, "")

    def end(self, before: str) -> str:
        """What every wanted id is less than, where those from `before` on were read; empty: none was."""
        return min(before or LAST, LAST if self.until is None else entry_id(self.until, ""))
