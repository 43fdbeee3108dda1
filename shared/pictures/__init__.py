"""Pictures: validated, freed of metadata, and decoded, within limits. JPEG, PNG, WebP and BMP, by content."""

from shared.picture_limits import PictureLimits
from shared.pictures.budget import DecodingBudget
from shared.pictures.header import Header
from shared.pictures.picture import Picture, check, decode_bgr, read_header, rendition
from shared.pictures.refusals import PictureRejected, PictureTooLarge, PictureTypeUnsupported

__all__ = [
    "DecodingBudget",
    "Header",
    "Picture",
    "PictureLimits",
    "PictureRejected",
    "PictureTooLarge",
    "PictureTypeUnsupported",
    "check",
    "decode_bgr",
    "read_header",
    "rendition",
]
