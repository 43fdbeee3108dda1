"""One family of errors, named for what happened.

The edges translate them: `shared.http.problems` to HTTP answers, the bus to ack or dead letter.
"""

from typing import ClassVar


class QuorateError(Exception):
    """Something that Quorate refuses or cannot do. The caller may see its text.

    `code` names it for programs, and stays as it is. `pointer` names the field of the request at fault as a JSON
    pointer, if there is one.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Malformed(QuorateError):
    """The request cannot be read at all."""

    code = "malformed"


class Invalid(QuorateError):
    """The request can be read, but asks for something impossible."""

    code = "invalid"


class TooLarge(QuorateError):
    """More bytes, entries or pixels than the limits allow."""

    code = "too-large"


class UnsupportedType(QuorateError):
    """Content of a type that is not accepted."""

    code = "unsupported-type"


class NotSatisfiable(QuorateError):
    """A range that begins behind the end; `size_bytes` is how much there is."""

    code = "range-not-satisfiable"

    def __init__(self, detail: str, *, size_bytes: int) -> None:
        super().__init__(detail)
        self.size_bytes = size_bytes


class Unauthenticated(QuorateError):
    """Nobody knows who the caller is, or not any more."""

    code = "unauthenticated"


class Forbidden(QuorateError):
    """The caller is known and may not do this."""

    code = "forbidden"


class QuotaReached(Forbidden):
    """The team has as much as it may have. `quota` is the name of what an admin of the first team can raise."""

    code = "quota-reached"

    def __init__(self, detail: str, *, quota: str) -> None:
        super().__init__(detail)
        self.quota = quota


class NotFound(QuorateError):
    """It does not exist, or not for this caller."""

    code = "not-found"


class Gone(QuorateError):
    """There was such a thing; it was erased for good."""

    code = "gone"


class Conflict(QuorateError):
    """The present state does not allow it."""

    code = "conflict"


class Outdated(QuorateError):
    """It was changed since the caller read it."""

    code = "outdated"


class Unavailable(QuorateError):
    """Something that Quorate depends on does not answer; the same request may succeed later.

    `retry_after_s` says how long to wait before trying again.
    """

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooMany(QuorateError):
    """The caller asks for this too often; `retry_after_s` says how long to wait before trying again."""

    code = "too-many-requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StorageFull(QuorateError):
    """There is no space left to store anything."""

    code = "disk-full"
