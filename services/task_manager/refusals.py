"""Why the rules of tasks refuse what somebody asks for."""

from shared.errors import Conflict, Gone, Invalid


class NotOpen(Conflict):
    """The task takes no more images."""

    code = "not-open"


class Cancelled(NotOpen):
    """The task was cancelled: nothing of it changes any more."""

    code = "cancelled"


class Erased(Gone):
    """The task was cancelled, and what it had was erased."""


class StillUploading(Conflict):
    """An upload to the task is under way."""

    code = "upload-under-way"


class StillProcessing(Conflict):
    """The pipeline has yet to do with the image."""

    code = "processing"


class NoSuggestions(Conflict):
    """The task shows operators no suggestions."""

    code = "no-suggestions"


class Alone(Conflict):
    """The detector alone looks at the images of the task, and its terms stay."""

    code = "detector-alone"


class OpenToAll(Conflict):
    """All operators of the task's team may label it."""

    code = "open-to-all"


class KeyReused(Invalid):
    """The Idempotency-Key was used before, with another body."""

    code = "key-reused"
