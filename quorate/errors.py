"""What can go wrong between the client and the platform."""

from collections.abc import Sequence

from quorate.shapes import FieldError, UploadReport


class QuorateError(Exception):
    """Anything that the client could not do; its text is fit to be shown."""


class ApiError(QuorateError):
    """The platform answered, and refused. `code` says why to programs; it is empty where something between answered.
    `report` is there where an upload was refused file by file."""

    def __init__(
        self,
        status: int,
        title: str,
        *,
        code: str = "",
        detail: str = "",
        errors: Sequence[FieldError] = (),
        request_id: str | None = None,
        report: UploadReport | None = None,
    ) -> None:
        super().__init__(status, title, detail)
        self.status = status
        self.title = title
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.request_id = request_id
        self.report = report

    def __str__(self) -> str:
        # Where one field is all that is wrong, the platform says it twice.
        is_said_below = [error["detail"] for error in self.errors] == [self.detail]
        reasons = [self.detail] if self.detail and not is_said_below else []
        reasons += [f"{e['pointer']}: {e['detail']}" if e["pointer"] else e["detail"] for e in self.errors]
        text = f"{self.status} {self.title}"
        if reasons:
            text += ": " + "; ".join(reasons)
        return f"{text} (request {self.request_id})" if self.request_id else text


class UnreachableError(QuorateError):
    """No answer came, however often it was tried."""


class NotInTimeError(QuorateError):
    """The task did not finish within the time given."""


class NothingToExportError(QuorateError):
    """An export without images would have replaced a file."""


class BrokenOffError(UnreachableError):
    """An answer that began did not come to its end."""
