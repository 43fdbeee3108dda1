"""What a detector sees, in pixels of the upright stored image."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Left, top, width and height in whole pixels, inside the image."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One object: its label, how sure the model is (0 to 1), and where it lies."""

    label: str
    confidence: float
    rectangle: Rectangle
