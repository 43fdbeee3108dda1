"""One family of errors, named for what happened.

The edges translate them: `shared.http.problems` to HTTP answers, the bus to ack or dead letter.
"""


class QuorateError(Exception):
    """Something that Quorate refuses or cannot do. The caller may see its text.

    `pointer` names the field of the request at fault as a JSON pointer, if there is one.
    """

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Malformed(QuorateError):
    """The request cannot be read at all."""


class Invalid(QuorateError):
    """The request can be read, but asks for something impossible."""


class TooLarge(QuorateError):
    """More bytes, entries or pixels than the limits allow."""


class UnsupportedType(QuorateError):
    """Content of a type that is not accepted."""


class Forbidden(QuorateError):
    """The caller is known and may not do this."""


class NotFound(QuorateError):
    """It does not exist, or not for this caller."""


class Gone(QuorateError):
    """There was such a thing; it was erased for good."""


class Conflict(QuorateError):
    """The present state does not allow it."""


class Unavailable(QuorateError):
    """Something that Quorate depends on does not answer; the same request may succeed later.

    `retry_after_s` says how long to wait before trying again.
    """

    def __init__(self, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StorageFull(QuorateError):
    """There is no space left to store anything."""
