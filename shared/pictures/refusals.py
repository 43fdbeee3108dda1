"""Why a file is not taken as a picture. Every text is a sentence for the person who sent it."""

from dataclasses import dataclass

from shared.errors import Invalid, TooLarge, UnsupportedType


class PictureRejected(Invalid):
    """The file is empty, no picture, truncated, corrupt, animated, or has too many pixels or none."""


class PictureTooLarge(TooLarge):
    """The file has more bytes than the limits allow."""


class PictureTypeUnsupported(UnsupportedType):
    """The file is of a known type, but not one that is taken."""


def refuse_large_file(data: bytes, max_bytes: int) -> None:
    """Raises PictureTooLarge where a file has more bytes."""
    if len(data) > max_bytes:
        raise PictureTooLarge(f"the file's {len(data):,} bytes are over the limit of {max_bytes:,} bytes")


def truncated(kind: str) -> PictureRejected:
    """The refusal of a file of this kind that ends too early."""
    return PictureRejected(f"the {kind} data is truncated")


def corrupt(kind: str) -> PictureRejected:
    """The refusal of a file of this kind that does not follow its format."""
    return PictureRejected(f"the {kind} data is corrupt")


def animated() -> PictureRejected:
    """The refusal of a file with frames instead of one still picture."""
    return PictureRejected("the picture is animated (more than one frame)")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A known type that is not taken, such as `a GIF picture`, and what to do with such a file."""

    kind: str
    advice: str

    def refusal(self) -> PictureTypeUnsupported:
        return PictureTypeUnsupported(
            f"the file is {self.kind}; only JPEG, PNG, WebP and BMP pictures are taken: {self.advice}"
        )
