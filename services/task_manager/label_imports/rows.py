"""What files of labels say: a row for each image, whatever the format. Pure."""

from dataclasses import dataclass, field
from typing import Literal

from shared.errors import QuorateError

Unit = Literal["pixels", "shares"]
"""Whether the sides of a box are pixels of the picture, or shares of its width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """By what a row names its image: the first kind of name that an image of the task has decides.

    ids: of images. sha256: of files as uploaded, in hexadecimal. filenames: with their extension. stems: without it.
    """

    ids: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An object as a file has it: the edges of its box may lie outside the picture, and its class be no label."""

    label: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float
    unit: Unit = "pixels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a file says of one image.

    number: of its line, its record or its place in the file, from 1 on. name: what the file calls it, for the report.
    label: of the whole image, `confidence` 0 to 1. objects: None where the file says nothing of objects; none of them
    are an answer, too. size: width and height of the picture, in pixels, where the file says them.
    notes: what was left out on the way in.
    """

    number: int
    name: str
    names: Names = Names()
    label: str | None = None
    confidence: float = 1.0
    objects: tuple[Drawn, ...] | None = None
    size: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A row that says nothing of an image: it is wrong, or (`is_passed_over`) it is about something else."""

    number: int
    name: str
    reason: str
    is_passed_over: bool = False


Status = Literal[
    "applied",
    "unchanged",
    "duplicate",
    "ended",
    "unknown_image",
    "ambiguous_name",
    "unknown_label",
    "malformed",
    "skipped",
]
"""What became of a row. `duplicate`: an earlier row is about the same image. `ended`: the image's labeling has ended.
`skipped`: there is no label in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row, and why it was not applied; `label` is what its image has now as a suggestion."""

    status: Status
    image_id: str | None = None
    label: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = field(default=())


class BadRow(QuorateError):
    """One row cannot be read; the others can."""

    code = "malformed"
