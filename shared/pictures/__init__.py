"""Pictures: validated, freed of metadata, and decoded, within limits. JPEG, PNG, WebP and BMP, by content."""

from shared.pictures.header import Header, PictureLimits
from shared.pictures.picture import Picture, check, decode_bgr, read_header
from shared.pictures.refusals import PictureRejected, PictureTooLarge, PictureTypeUnsupported

__all__ = [
    "Header",
    "Picture",
    "PictureLimits",
    "PictureRejected",
    "PictureTooLarge",
    "PictureTypeUnsupported",
    "check",
    "decode_bgr",
    "read_header",
]
