"""Why a file is not taken as a picture. Every text is a sentence for the person who sent it."""

from shared.errors import Invalid, TooLarge, UnsupportedType


class PictureRejected(Invalid):
    """The file is empty, no picture, truncated, corrupt, animated, or has too many pixels or none."""


class PictureTooLarge(TooLarge):
    """The file has more bytes than the limits allow."""


class PictureTypeUnsupported(UnsupportedType):
    """The file is of a known type, but not one that is taken."""


def truncated(kind: str) -> PictureRejected:
    """The refusal of a file of this kind that ends too early."""
    return PictureRejected(f"the {kind} data is truncated")


def corrupt(kind: str) -> PictureRejected:
    """The refusal of a file of this kind that does not follow its format."""
    return PictureRejected(f"the {kind} data is corrupt")


def animated() -> PictureRejected:
    """The refusal of a file with frames instead of one still picture."""
    return PictureRejected("the picture is animated (more than one frame)")


def unsupported(kind: str) -> PictureTypeUnsupported:
    """The refusal of a known type, such as `a GIF picture`."""
    return PictureTypeUnsupported(f"the file is {kind}; only JPEG, PNG, WebP and BMP pictures are taken")
