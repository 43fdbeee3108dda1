"""What befalls commands on their way, and what a server adds to the errors that it answers with."""

import random
from dataclasses import dataclass, field
from typing import Literal

from tests.replica.wire import Document

RETRYABLE = frozenset({6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
"""Codes that the server itself labels where a write with a number failed."""
NOT_PRIMARY, INTERRUPTED, CURSOR_NOT_FOUND, TOO_LATE, NOT_REPLICATED, TOO_OLD = 10107, 11602, 43, 50, 64, 225
NOT_NOW = (134, 43, 237, 365, 112, 46, 24, 175, 11601, 202, 279, 317, 133, 13388, 462, 16500)
"""Codes of a server that could do a command at another time."""
UNSAFE = (64, 79, 100)
"""Codes of write concerns that were not, or cannot be, met."""
NOT_NOW_LABELS = ("RetryableWriteError", "SystemOverloadedError")
UNTOUCHED = frozenset({"ping"})
"""Not befallen unless they are named."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """
    refused      the command is not done, its answer is an error
    unwritten    the same, with the error at each of its statements
    unsafe       it is done, with a write concern error
    unanswered   it is done, and the connection ends before its answer
    cut          the connection ends before it is done

    `commands`: their names; none: all. `share`: of those commands, by chance.
    """

    how: Literal["refused", "unwritten", "unsafe", "unanswered", "cut"]
    code: int = 0
    labels: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    share: float = 1.0

    def may_befall(self, name: str) -> bool:
        return name in self.commands if self.commands else name not in UNTOUCHED


@dataclass
class Faults:
    """One fault at a time, for so many commands or until it ends; `met` counts commands that it befell."""

    met: int = 0
    _fault: Fault | None = None
    _left: int | None = None
    _chance: random.Random = field(default_factory=random.Random)

    def begin(self, fault: Fault, times: int | None = None) -> None:
        self.met, self._fault, self._left = 0, fault, times

    def end(self) -> None:
        self._fault = None

    def befalls(self, name: str) -> Fault | None:
        """The fault that this command meets, if any."""
        fault = self._fault
        if fault is None or self._left == 0 or not fault.may_befall(name) or self._chance.random() >= fault.share:
            return None
        self.met += 1
        if self._left is not None:
            self._left -= 1
        return fault


def failure(code: int, of: Document, labels: tuple[str, ...] = ()) -> Document:
    """The answer to a command that failed."""
    return {"ok": 0.0, "code": code, "codeName": f"Code{code}", "errmsg": f"code {code}"} | _labelled(code, of, labels)


def write_failures(code: int, of: Document, statements: int, labels: tuple[str, ...]) -> Document:
    """The answer to a command none of whose statements could be done; an ordered one stops at its first."""
    failed = 1 if of.get("ordered", True) else statements
    errors = [{"index": at, "code": code, "errmsg": f"code {code}"} for at in range(failed)]
    return {"ok": 1.0, "n": 0, "nModified": 0, "writeErrors": errors} | _labelled(code, of, labels)


def unsafe(code: int, of: Document, labels: tuple[str, ...] = ()) -> Document:
    """What is added to the answer of a write that may be taken back."""
    error: Document = {"code": code, "codeName": f"Code{code}", "errmsg": f"code {code}"}
    if code == NOT_REPLICATED:
        error["errInfo"] = {"wtimeout": True}
    return {"writeConcernError": error} | _labelled(code, of, labels)


def _labelled(code: int, of: Document, labels: tuple[str, ...]) -> Document:
    own = ("RetryableWriteError",) if code in RETRYABLE and "txnNumber" in of else ()
    both = [*dict.fromkeys((*labels, *own))]
    return {"errorLabels": both} if both else {}
