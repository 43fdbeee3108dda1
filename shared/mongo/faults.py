"""What an error of the driver means to a caller: every code and label of "not now" stands here."""

import contextlib
from collections.abc import Generator, Iterable

from pymongo import errors

from shared.errors import QuorateError, StorageFull, Unavailable

DUPLICATE_KEY = 11000
NOT_NOW = {
    6: "HostUnreachable",
    7: "HostNotFound",
    24: "LockTimeout",
    43: "CursorNotFound",
    46: "LockBusy",
    50: "MaxTimeMSExpired",
    64: "WriteConcernTimeout",
    79: "UnknownReplWriteConcern",
    89: "NetworkTimeout",
    91: "ShutdownInProgress",
    100: "UnsatisfiableWriteConcern",
    112: "WriteConflict",
    133: "FailedToSatisfyReadPreference",
    134: "ReadConcernMajorityNotAvailableYet",
    175: "QueryPlanKilled",
    189: "PrimarySteppedDown",
    202: "NetworkInterfaceExceededTimeLimit",
    237: "CursorKilled",
    262: "ExceededTimeLimit",
    279: "ClientDisconnect",
    317: "ConnectionPoolExpired",
    365: "TemporarilyUnavailable",
    462: "IngressRequestRateLimitExceeded",
    9001: "SocketException",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11601: "Interrupted",
    11602: "InterruptedDueToReplStateChange",
    13388: "StaleConfig",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
    16500: "RequestRateTooLarge",
}
"""Codes of a server that is stopping, is no longer the primary, has too much to do or took too long."""
NOT_NOW_LABELS = ("RetryableWriteError", "SystemOverloadedError")
_NO_ROOM = {14031}  # OutOfDiskSpace


@contextlib.contextmanager
def errors_named() -> Generator[None]:
    """Raise StorageFull or Unavailable for errors of the driver; wrong commands stay as they are."""
    try:
        yield
    except errors.DuplicateKeyError:
        raise
    except errors.PyMongoError as error:
        raise translated(error) from error


def translated(error: errors.PyMongoError) -> QuorateError | errors.PyMongoError:
    """What an error of the driver means to a caller."""
    codes = set(_codes(error))
    if codes & _NO_ROOM:
        return StorageFull("there is no room left in the database")
    if isinstance(error, errors.WriteConcernError) or _has_unsafe_writes(error):
        return Unavailable("the database could not make the write safe")
    is_lost = error.timeout or isinstance(error, errors.ConnectionFailure)
    if is_lost or codes & NOT_NOW.keys() or any(map(error.has_error_label, NOT_NOW_LABELS)):
        return Unavailable("the database does not answer now")
    return error


def _codes(error: errors.PyMongoError) -> Iterable[int]:
    if isinstance(error, errors.BulkWriteError):
        return (failed.get("code", 0) for failed in error.details.get("writeErrors", []))
    return [error.code or 0] if isinstance(error, errors.OperationFailure) else []


def _has_unsafe_writes(error: errors.PyMongoError) -> bool:
    """Whether it is unknown if a majority has what a bulk write, or an earlier one that it came upon, has changed."""
    return isinstance(error, errors.BulkWriteError) and bool(error.details.get("writeConcernErrors"))
