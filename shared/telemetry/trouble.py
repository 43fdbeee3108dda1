"""What fails again and again, in the log: a line as it begins, one for each other reason, and one as it is over."""

import logging
from types import TracebackType

from shared.errors import QuorateError, StorageFull, Unavailable


class Trouble:
    """One thing that may fail each time that it is tried. As a context it is one try: what it raises is told, and goes
    no further, because the loop around it tries again.

    log: where it is told. what: what does not work then, as the line begins: "tasks.sqlite cannot be written".
    """

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._reason: str | None = None

    def met(self, error: BaseException) -> None:
        """It failed. A defect is told with its stack; what a server or a disk refuses is not."""
        reason = _reason(error)
        if reason == self._reason:
            return
        self._reason = reason
        is_expected = isinstance(error, (Unavailable, StorageFull, OSError))
        self._log.error("%s: %s", self._what, reason, exc_info=None if is_expected else error)

    def __enter__(self) -> None:
        """A try begins."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _stack: TracebackType | None
    ) -> bool:
        if error is None:
            self.over()
            return False
        if not isinstance(error, Exception):
            return False  # the loop itself is to end
        self.met(error)
        return True

    def over(self) -> None:
        """It worked."""
        if self._reason is not None:
            self._reason = None
            self._log.info("%s: that is over", self._what)


def _reason(error: BaseException) -> str:
    """What an error says, and what it says of its cause; never nothing."""
    said = error.detail if isinstance(error, QuorateError) else str(error)
    cause = "" if error.__cause__ is None else str(error.__cause__)
    return f"{said or type(error).__name__} ({cause})" if cause else said or type(error).__name__
